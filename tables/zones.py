"""Values of table ``zones``: every store's time zone, as its name in the tz database.

Written by ``agents.stores``.
"""

from streamproc.rules.zones import DEFAULT_ZONE


def encode(zone: str) -> bytes:
    """Value of a store's zone."""
    return zone.encode()


def decode(value: bytes | None) -> str:
    """Zone of a value; a store without one is in the default zone."""
    return DEFAULT_ZONE if value is None else value.decode()
