"""The period that a page is asked for: how it is chosen, called and stepped. Pure.

It stands in the address as ``period``; relative names stay relative there, so that a
bookmark of yesterday works tomorrow.
"""

from dataclasses import dataclass

from streamproc.errors import InvalidInput
from streamproc.rules.days import date_of
from streamproc.rules.periods import UNITS, Asked, Period, parse_period
from streamproc.rules.units import DAY_US
from streamproc.web.parameters import Query, Text
from streamproc.web.refusal import bad_input

PERIOD = Text("period", "such as yesterday, last-week, month:2026-10, or two dates")
FROM, TO = Text("from"), Text("to")

CHOICES = (
    ("today", "Today"),
    ("yesterday", "Yesterday"),
    ("this-week", "This week"),
    ("last-week", "Last week"),
    ("this-month", "This month"),
    ("last-month", "Last month"),
)
"""What the picker offers, beside two dates."""

_UNIT_NAMES = {"week": "Week", "month": "Month", "quarter": "Quarter", "year": "Year"}
_RELATIVE = dict(CHOICES)


def asked_period(query: Query, default: str) -> Asked:
    """The period of a query, or of a form's two dates; raises a 400 Refusal."""
    first, last = FROM.read(query), TO.read(query)
    text = f"{first or last}..{last or first}" if first or last else PERIOD.read(query)
    try:
        return parse_period(text or default)
    except InvalidInput as exc:
        raise bad_input(exc) from exc


def day_text(day: int, year: bool = True) -> str:
    """``Tue 24 Nov 2026``."""
    then = date_of(day)
    return f"{then:%a} {then.day} {then:%b}{f' {then.year}' if year else ''}"


@dataclass(frozen=True, slots=True)
class Chosen:
    """A period as a page has it.

    ``text``: as it stands in the address. ``default``: what need not stand there.
    ``today``: the newest local date anywhere.
    """

    text: str
    period: Period
    default: str
    today: int

    @property
    def choices(self) -> tuple[tuple[str, str], ...]:
        """What the picker offers."""
        return CHOICES

    @property
    def in_url(self) -> str:
        """As a link keeps it; empty for the page's default."""
        return "" if self.text == self.default else self.text

    @property
    def is_day(self) -> bool:
        """Whether it is one date."""
        return self.period.end_day - self.period.first_day == 1

    @property
    def first(self) -> str:
        """Its first date as forms have it."""
        return date_of(self.period.first_day).isoformat()

    @property
    def last(self) -> str:
        """Its last date as forms have it."""
        return date_of(self.period.end_day - 1).isoformat()

    @property
    def is_custom(self) -> bool:
        """Whether it is none of those that the picker names."""
        return self.text not in _RELATIVE

    @property
    def heading(self) -> str:
        """What it is called."""
        if self.text in _RELATIVE:
            return _RELATIVE[self.text]
        unit = self.text.partition(":")[0].removeprefix("this-").removeprefix("last-")
        return _UNIT_NAMES.get(unit, "Day" if self.is_day else "Dates")

    @property
    def word(self) -> str:
        """How a sentence begins that is about it."""
        return self.dates if self.is_custom else self.heading

    @property
    def goes_on(self) -> bool:
        """Whether some of it is still to come."""
        return self.period.end_day > self.today

    @property
    def dates(self) -> str:
        """Its dates with weekday and year; of one that goes on, up to today."""
        first, last = self.period.first_day, self.period.end_day - 1
        if self.goes_on and first <= self.today:
            last = max(self.today, first)
        so_far = " so far" if self.goes_on else ""
        if first == last:
            return f"{day_text(first)}{so_far}"
        a, b = date_of(first), date_of(last)
        year = a.year != b.year
        if last - first >= 14:
            start = f"{a.day} {a:%b}" if a.month != b.month or year else f"{a.day}"
            return f"{start}{f' {a.year}' if year else ''} – {b.day} {b:%b %Y}{so_far}"
        return f"{day_text(first, year)} – {day_text(last)}{so_far}"

    def stepped(self, by: int) -> "Chosen | None":
        """The one before (-1) or after (1); None when it has not begun."""
        name = self.period.name.partition(":")[0]
        first, end = self.period.first_day, self.period.end_day
        if name in UNITS:
            found = UNITS[name].holding(first - 1 if by < 0 else end)
        else:
            moved = by * (end - first)
            first, end = first + moved, end + moved
            dates = f"{date_of(first)}..{date_of(end - 1)}"
            found = Period(dates, first, end)
        if found.first_day > self.today or found.first_day < 0:
            return None
        return Chosen(found.name, found, self.default, self.today)


def chosen_of(
    text: str, period: Period | None, newest: int | None, as_of_us: int, default: str
) -> Chosen:
    """A period as a page has it; ``period`` is None when nothing of it is known.

    ``newest``: the newest local date of which anything is told; else it is UTC's.
    """
    found = period or parse_period(text).resolve(as_of_us, ["UTC"])
    today = as_of_us // DAY_US
    if newest is not None and found.end_day > newest + 1:
        today = newest
    return Chosen(text, found, default, today)
