"""Events as they are told, for the tests of the webhook."""

from typing import Any

from streamproc.events import Event, event_id, incident_id
from streamproc.rules.units import HOUR_US, SECOND_US

NOON_US = 1_764_072_000 * SECOND_US
"""2025-11-25 12:00 UTC."""


def down(store_id: str, at_us: int = NOON_US, **more: Any) -> Event:
    """A store goes down."""
    name = event_id(store_id, "down", at_us)
    incident = incident_id(store_id, at_us)
    return Event(name, store_id, "down", at_us, at_us, incident, **more)


def up(store_id: str, at_us: int = NOON_US + HOUR_US, **more: Any) -> Event:
    """The same store is up again, an hour later."""
    name = event_id(store_id, "up", at_us)
    incident = incident_id(store_id, NOON_US)
    down_us = at_us - NOON_US
    return Event(name, store_id, "up", at_us, at_us, incident, down_us, **more)


def silent(store_id: str, at_us: int = NOON_US, **more: Any) -> Event:
    """A store is not heard any more."""
    name = event_id(store_id, "silent", at_us)
    return Event(name, store_id, "silent", at_us, at_us - HOUR_US, **more)
