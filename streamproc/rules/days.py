"""Local dates as numbers: days since 1970-01-01. Pure."""

from datetime import date

_EPOCH = date(1970, 1, 1).toordinal()


def date_of(day: int) -> date:
    """The date of a number of days."""
    return date.fromordinal(_EPOCH + day)


def day_of_date(then: date) -> int:
    """The number of days of a date."""
    return then.toordinal() - _EPOCH
