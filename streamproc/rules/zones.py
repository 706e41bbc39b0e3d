"""Time zones: from the names people write to those of the tz database.

Pure. Comes from the topic ``store-zones``; leads through the table ``zones`` to
``calendar``. What is stored is always the tz database's own spelling.
"""

import difflib
import functools
import importlib.resources
import re
from zoneinfo import ZoneInfo

from tzlocal.windows_tz import win_tz

from streamproc.errors import InvalidZone, shown

DEFAULT_ZONE = "America/Chicago"
FIELD = "timezone_str"
"""Where a message or a file names a store's zone."""

_LONGEST = 64
_NO_PLACE = frozenset({"Factory", "localtime", "posixrules"})
"""Names of the tz database that stand for no zone at all."""

_ABBREVIATIONS = {
    "America/New_York": ("et", "edt"),
    "America/Chicago": ("ct", "cst", "cdt"),
    "America/Denver": ("mt", "mdt"),
    "America/Los_Angeles": ("pt", "pst", "pdt"),
}
_NO_SUMMER_TIME = {
    "EST": "America/New_York",
    "MST": "America/Denver",
    "HST": "Pacific/Honolulu",
}
_OFFSET = re.compile(r"(?:utc|gmt)?[+-]\d", re.ASCII)


@functools.cache
def zone_names() -> frozenset[str]:
    """Every zone name of the tzdata package."""
    listing = importlib.resources.files("tzdata").joinpath("zones").read_text("utf-8")
    return frozenset(listing.split())


@functools.cache
def load_zone(name: str) -> ZoneInfo:
    """Load a zone from the tzdata package, never from the system's copy.

    So that every worker, whatever its operating system, computes the same. ``name``
    is the tz database's own spelling. Raises InvalidZone.
    """
    if name not in zone_names():
        raise InvalidZone("unknown-zone", f"{FIELD} is {shown(name)}")
    resource = importlib.resources.files("tzdata").joinpath("zoneinfo", name)
    with resource.open("rb") as stream:
        return ZoneInfo.from_file(stream, key=name)


def check_zone(name: object, field: str = FIELD) -> str:
    """The tz database's name of the zone that a person has named.

    In any case, with blanks for ``_``, or as Windows calls it. Raises InvalidZone,
    which says what may have been meant. ``field``: where it is named.
    """
    folded = _folded(name) if isinstance(name, str) and len(name) <= _LONGEST else ""
    found = _zones().get(folded)
    if found is None:
        raise InvalidZone(
            "unknown-zone",
            f"{field} is {shown(name)}, not a name of the tz database" + _hint(folded),
        )
    return found


def zone_or_none(name: object, field: str = FIELD) -> str | None:
    """The zone's name; None and an empty text say that the store has none."""
    if name is None or (isinstance(name, str) and not name[:_LONGEST].strip()):
        return None
    return check_zone(name, field)


def zone_remark(zone: str) -> str | None:
    """What to tell somebody who has given this zone, if anything."""
    place = _NO_SUMMER_TIME.get(zone)
    return place and f"{zone} has no summer time; {place} may be meant"


def _folded(name: str) -> str:
    return "_".join(name.replace("_", " ").lower().split())


@functools.cache
def _zones() -> dict[str, str]:
    """Zone by each folded name, those of Windows among them."""
    named = zone_names() - _NO_PLACE
    windows = {_folded(name): zone for name, zone in win_tz.items() if zone in named}
    return windows | {_folded(name): name for name in named}


@functools.cache
def _places() -> dict[str, str]:
    """Zone by what people write instead: the place alone, an abbreviation."""
    places = {zone.rpartition("/")[2]: zone for zone in sorted(zone_names())}
    known = {_folded(place): zone for place, zone in places.items()}
    for name in _NO_PLACE:
        known.pop(_folded(name), None)
    return known | {s: zone for zone, short in _ABBREVIATIONS.items() for s in short}


def _hint(folded: str) -> str:
    if _OFFSET.match(folded):
        return "; an offset knows no summer time, name a place such as Europe/Paris"
    near = _places().get(folded)
    if near is None and len(folded) > 4:
        close = difflib.get_close_matches(folded, _zones(), n=1, cutoff=0.7)
        near = _zones()[close[0]] if close else None
    return f"; did you mean {near}?" if near else ""
