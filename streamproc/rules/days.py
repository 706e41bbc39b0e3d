"""Local dates as numbers: days since 1970-01-01. Pure."""

from datetime import date

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
