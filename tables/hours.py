"""Values of table ``hours``: every store's business hours.

Written by ``agents.stores``. The value is JSON, a sorted list of
``[day, start_s, end_s]`` (``streamproc.rules.schedule.Opening``), so that stores with
the same week have the same bytes and share one computed schedule.
"""

import orjson

from streamproc.rules.schedule import Opening, Schedule


def encode(openings: Schedule) -> bytes:
    """Value of a store's hours."""
    return orjson.dumps([[o.day, o.start_s, o.end_s] for o in openings])


def decode(value: bytes | None) -> Schedule:
    """Openings of a value; none at all means open 24x7."""
    if value is None:
        return ()
    return tuple(Opening(*opening) for opening in orjson.loads(value))
