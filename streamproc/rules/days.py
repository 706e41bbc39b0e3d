"""Local dates as numbers: days since 1970-01-01. Pure."""

from datetime import date, timedelta

from streamproc.rules.units import HOUR_US

_EPOCH = date(1970, 1, 1).toordinal()


def date_of(day: int) -> date:
    """The date of a number of days."""
    return date.fromordinal(_EPOCH + day)


def day_of_date(then: date) -> int:
    """The number of days of a date."""
    return then.toordinal() - _EPOCH


def over_everywhere_us(day: int) -> int:
    """When a date has ended in every zone: the last clocks are twelve hours behind."""
    return ((day + 1) * 24 + 12) * HOUR_US


def dates_text(first: date, last: date) -> str:
    """Dates, both in, as the names of files tell them.

    A month is ``2026-10``, a part of one ``2026-10-01..15``, one date itself; what is
    of several months ``2026-10-15..2026-11-02``.
    """
    same_month = (first.year, first.month) == (last.year, last.month)
    if same_month and first.day == 1 and (last + timedelta(days=1)).day == 1:
        return f"{first:%Y-%m}"
    if first == last:
        return first.isoformat()
    return f"{first}..{last:%d}" if same_month else f"{first}..{last}"
