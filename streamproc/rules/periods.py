"""Periods: a month, a week, from a date to a date, and the slices of one. Pure.

A period is whole local dates. A date's part of time is from its edge to the next
date's; the edge is ``day_starts`` on the wall clock, where it does not exist moved
forward by the gap, where it is ambiguous the first. Dates are days since 1970-01-01.
The rules and their examples: ``docs/accounting.md``.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from streamproc.errors import InvalidInput, did_you_mean, shown
from streamproc.rules.calendar import instant_us
from streamproc.rules.days import date_of, day_of_date
from streamproc.rules.units import DAY_US
from streamproc.rules.zones import load_zone

FIRST_YEAR, LAST_YEAR = 1970, 2199
BAD = "bad-period"
FORMS = (
    "day:2026-10-31, week:2026-W44, month:2026-10, quarter:2026-Q4, year:2026,"
    " 2026-10-01..2026-10-15, today, yesterday, or this- or last- with week, month,"
    " quarter or year"
)

_DATE = r"\d{4}-\d\d-\d\d"
_RANGE = re.compile(rf"({_DATE})\.\.({_DATE})\Z", re.ASCII)
_LONGEST = 40


def months_on(first: date, months: int) -> date:
    """The first of a month, so many months later; of fewer than none, earlier."""
    years, month = divmod(first.month - 1 + months, 12)
    return date(first.year + years, month + 1, 1)


@dataclass(frozen=True, slots=True)
class Unit:
    """Days, weeks, months: what a calendar is divided into.

    ``form``: how one is written. ``read``: its first date, of the form's numbers;
    raises ValueError. ``begin``: the first date of the one that holds a date.
    ``following``: the first date of the next one, of that. ``text``: as ``form``.
    """

    name: str
    form: re.Pattern[str]
    read: Callable[..., date]
    begin: Callable[[date], date]
    following: Callable[[date], date]
    text: Callable[[date], str]

    def holding(self, day: int) -> "Period":
        """The one that holds a date."""
        first = self.begin(date_of(day))
        return Period(
            f"{self.name}:{self.text(first)}",
            day_of_date(first),
            day_of_date(self.following(first)),
        )


def _week_text(first: date) -> str:
    year, week, _ = first.isocalendar()
    return f"{year:04d}-W{week:02d}"


def _unit(name: str, form: str, *rules: Callable[..., object]) -> Unit:
    return Unit(name, re.compile(form + r"\Z", re.ASCII), *rules)  # type: ignore[arg-type]


UNITS = {
    unit.name: unit
    for unit in (
        _unit(
            "day",
            r"(\d{4})-(\d\d)-(\d\d)",
            date,
            lambda then: then,
            lambda first: first + timedelta(days=1),
            date.isoformat,
        ),
        _unit(
            "week",
            r"(\d{4})-W(\d\d)",
            lambda year, week: date.fromisocalendar(year, week, 1),
            lambda then: then - timedelta(days=then.weekday()),
            lambda first: first + timedelta(days=7),
            _week_text,
        ),
        _unit(
            "month",
            r"(\d{4})-(\d\d)",
            lambda year, month: date(year, month, 1),
            lambda then: then.replace(day=1),
            lambda first: months_on(first, 1),
            lambda first: f"{first.year:04d}-{first.month:02d}",
        ),
        _unit(
            "quarter",
            r"(\d{4})-Q([1-4])",
            lambda year, quarter: date(year, 3 * quarter - 2, 1),
            lambda then: date(then.year, (then.month - 1) // 3 * 3 + 1, 1),
            lambda first: months_on(first, 3),
            lambda first: f"{first.year:04d}-Q{(first.month + 2) // 3}",
        ),
        _unit(
            "year",
            r"(\d{4})",
            lambda year: date(year, 1, 1),
            lambda then: date(then.year, 1, 1),
            lambda first: date(first.year + 1, 1, 1),
            lambda first: f"{first.year:04d}",
        ),
    )
}

BY = ("day", "week", "month")
"""What a period may be sliced by."""

_WORDS = {
    "today": ("day", 1),
    "yesterday": ("day", 0),
    **{f"this-{name}": (name, 1) for name in UNITS if name != "day"},
    **{f"last-{name}": (name, 0) for name in UNITS if name != "day"},
}
"""Unit, and how many come after the newest that is over."""


@dataclass(frozen=True, slots=True)
class Period:
    """The dates from ``first_day`` up to ``end_day``, which is not in it."""

    name: str
    first_day: int
    end_day: int

    def cut(self, other: "Period") -> "Period":
        """Its dates that are another's, too; it keeps its name."""
        first = max(self.first_day, other.first_day)
        return Period(self.name, first, max(first, min(self.end_day, other.end_day)))


@dataclass(frozen=True, slots=True)
class Asked:
    """A period as somebody has asked for it.

    ``period``: when it says which dates. Otherwise it is the ``after``-th ``unit``
    after the newest that is over.
    """

    text: str
    period: Period | None = None
    unit: str = ""
    after: int = 0

    def resolve(
        self, as_of_us: int, zones: Sequence[str], day_starts_s: int = 0
    ) -> Period:
        """Which dates are meant, as of an instant.

        ``zones``: at least one. ``last-month`` is the newest month that is over in all
        of them, ``this-month`` the one after it; so everybody means the same one.
        """
        if self.period is not None:
            return self.period
        unit = UNITS[self.unit]
        found = unit.holding(as_of_us // DAY_US + 1)
        while ends_us(found, zones, day_starts_s) > as_of_us:
            found = unit.holding(found.first_day - 1)
        for _ in range(self.after):
            found = unit.holding(found.end_day)
        return found

    def not_before_us(self, as_of_us: int) -> int:
        """An instant that lies before its begin in every zone, as of then or later."""
        found = self.resolve(as_of_us - 2 * DAY_US, ["UTC"])
        return (found.first_day - 2) * DAY_US


def parse_period(text: object) -> Asked:
    """The period that a text names; raises InvalidInput, which says what there is."""
    if not isinstance(text, str) or len(text) > _LONGEST:
        raise _refused(text)
    text = text.strip()
    if text in _WORDS:
        return Asked(text, None, *_WORDS[text])
    if match := _RANGE.match(text):
        return Asked(text, _from_to(text, *match.groups()))
    name, _, rest = text.partition(":")
    match = UNITS[name].form.match(rest) if name in UNITS else None
    if match is None:
        raise _refused(text)
    try:
        first = UNITS[name].read(*map(int, match.groups()))
    except ValueError as exc:
        raise InvalidInput(BAD, f"period is {shown(text)}: {exc}") from exc
    # What follows the year 9999 is no date.
    _check_years(text, first.year, first.year)
    return Asked(text, _within_years(text, UNITS[name].holding(day_of_date(first))))


def _from_to(text: str, *ends: str) -> Period:
    try:
        first, last = (day_of_date(date.fromisoformat(end)) for end in ends)
    except ValueError as exc:
        raise InvalidInput(BAD, f"period is {shown(text)}: {exc}") from exc
    if first > last:
        raise InvalidInput(BAD, f"period is {shown(text)}: it ends before it begins")
    return _within_years(text, Period(text, first, last + 1))


def _within_years(text: str, period: Period) -> Period:
    first, last = (date_of(day).year for day in (period.first_day, period.end_day - 1))
    _check_years(text, first, last)
    if last < FIRST_YEAR:
        raise _other_years(text)
    return period


def _check_years(text: str, first: int, last: int) -> None:
    # The first week of 1970 begins in 1969.
    if first < FIRST_YEAR - 1 or last > LAST_YEAR:
        raise _other_years(text)


def _other_years(text: str) -> InvalidInput:
    return InvalidInput(
        BAD, f"period is {shown(text)}, expected {FIRST_YEAR} to {LAST_YEAR}"
    )


def _refused(text: object) -> InvalidInput:
    near = _near(text) if isinstance(text, str) else ""
    return InvalidInput(BAD, f"period is {shown(text)}, expected {FORMS}{near}")


def _near(text: str) -> str:
    """What may have been meant: a unit is known by the form of what follows it."""
    rest = text.rpartition(":")[2].strip()
    for unit in UNITS.values():
        if unit.form.match(rest):
            return f"; did you mean {unit.name}:{rest}?"
    return did_you_mean(text, _WORDS)


def check_by(by: object) -> str | None:
    """What a period is sliced by, None for not at all; raises InvalidInput."""
    if by is None or by == "":
        return None
    if by not in BY:
        raise InvalidInput(
            "bad-by", f"by is {shown(by)}, expected one of {', '.join(BY)}"
        )
    return str(by)


@lru_cache(maxsize=64)
def slices(period: Period, by: str | None) -> tuple[Period, ...]:
    """A period cut by day, week or month, in order; None leaves it whole.

    A slice that reaches beyond the period is cut at its end, and keeps its name. They
    are remembered: the same months are asked of one store after the other.
    """
    if by is None:
        return (period,)
    found: list[Period] = []
    day = period.first_day
    while day < period.end_day:
        whole = UNITS[by].holding(day)
        found.append(whole.cut(period))
        day = whole.end_day
    return tuple(found)


@lru_cache(maxsize=1 << 14)
def edge_us(zone: str, day: int, day_starts_s: int = 0) -> int:
    """Where a date's part begins in a zone, in UTC microseconds."""
    return instant_us(load_zone(zone), day, day_starts_s)


def ends_us(period: Period, zones: Sequence[str], day_starts_s: int = 0) -> int:
    """When a period is over in all of some zones."""
    return max(edge_us(zone, period.end_day, day_starts_s) for zone in zones)
