"""Values of table ``special_hours``: the openings of single dates, by store and date.

Written by ``agents.stores``. Key: ``facts``, the suffix being the date. The value is
JSON: ``[[start_s, end_s] …]``, seconds after the date's midnight, and the note.
"""

import orjson

from streamproc.rules.schedule import Opening
from streamproc.rules.special_hours import SpecialHours
from tables.facts import decode_day


def encode(special: SpecialHours) -> bytes:
    """Value of a date's special hours."""
    openings = [[o.start_s, o.end_s] for o in special.openings]
    return orjson.dumps({"openings": openings, "note": special.note})


def decode(suffix: bytes, value: bytes) -> SpecialHours:
    """Special hours of a fact."""
    stored = orjson.loads(value)
    openings = tuple(Opening(0, *times) for times in stored["openings"])
    return SpecialHours(decode_day(suffix), openings, stored["note"])
