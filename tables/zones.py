"""Table ``zones``: every store's time zone, as its name in the tz database.

Written by ``agents.stores``.
"""

from streamproc.rules.zones import DEFAULT_ZONE
from tables.batch_table import BatchTable


class Zones(BatchTable):
    """Time zone by store id."""


def encode(zone: str) -> bytes:
    """Value of a store's zone."""
    return zone.encode()


def decode(value: bytes | None) -> str:
    """Zone of a value; a store without one is in the default zone."""
    return DEFAULT_ZONE if value is None else value.decode()
