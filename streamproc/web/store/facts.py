"""Special hours and exclusions of a store, as its page lists them. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from streamproc.rules.days import day_of_date
from streamproc.rules.exclusions import MAINTENANCE, Exclusion
from streamproc.rules.timeline import local_time
from streamproc.web.periods.choice import day_text
from streamproc.web.store.openings import opening_text
from streamproc.web.store.view import StoreView
from tables import exclusions as exclusions_table
from tables import special_hours as special_hours_table
from tables.facts import Facts

MOST_LISTED = 12

_KINDS = {
    MAINTENANCE: ("excluded", "maintenance"),
    "correction-up": ("up", "corrected: it was up"),
    "correction-down": ("down", "corrected: it was down"),
    "correction-unknown": ("unknown", "corrected: not known"),
}
"""How time is drawn that an exclusion covers, and what is said of it."""


@dataclass(frozen=True, slots=True)
class SpecialDay:
    """The openings of one local date. ``of_all``: they are told of all stores."""

    date: str
    openings: str
    note: str
    of_all: bool
    is_past: bool


@dataclass(frozen=True, slots=True)
class Excluded:
    """Maintenance or a correction, its time in local words; ``state``: as drawn."""

    exclusion_id: str
    state: str
    words: str
    time: str
    note: str
    by: str
    of_all: bool
    is_withdrawn: bool


def special_days(view: StoreView, today: int) -> list[SpecialDay]:
    """Those to come, the next first; then those gone by, the newest first.

    ``today``: its local date. A date of its own goes before that of all stores.
    """
    own, of_all = dict(view.data.own.special), dict(view.data.of_all.special)
    found = {}
    for suffix, value in (of_all | own).items():
        special = special_hours_table.decode(suffix, value)
        texts = ", ".join(map(opening_text, special.openings)) or "closed"
        found[special.day] = SpecialDay(
            day_text(special.day),
            texts,
            special.note or "",
            suffix not in own,
            special.day < today,
        )
    order = sorted(found, key=lambda day: (day < today, abs(day - today)))
    return [found[day] for day in order[:MOST_LISTED]]


def exclusions(view: StoreView) -> list[Excluded]:
    """The newest first, those that are withdrawn as well."""
    data, zone = view.data, view.zone
    told = [
        *_decoded(data.own.exclusions, False),
        *_decoded(data.of_all.exclusions, True),
    ]
    told.sort(key=lambda each: each[0].interval(zone), reverse=True)
    return [_excluded(one, of_all, zone) for one, of_all in told[:MOST_LISTED]]


def _decoded(facts: Facts, of_all: bool) -> Iterator[tuple[Exclusion, bool]]:
    return ((exclusions_table.decode(value), of_all) for _, value in facts)


def _excluded(one: Exclusion, of_all: bool, zone: str) -> Excluded:
    state, words = _KINDS[one.kind]
    begin, end = (local_time(zone, each) for each in one.interval(zone))
    until = "" if begin.date() == end.date() else f"{_date(end.date())} "
    return Excluded(
        one.exclusion_id,
        state,
        words,
        f"{_date(begin.date())} {begin:%H:%M}–{until}{end:%H:%M}",
        one.note or "",
        one.by or "",
        of_all,
        one.withdrawn,
    )


def _date(then: date) -> str:
    return day_text(day_of_date(then))
