"""Reasons for there being no figures, as pages say them. Pure.

A reason names periods and instants as the API and the commands take them; a page has
the words that it has elsewhere: ``nothing of August 2026 is kept``.
"""

import re
from datetime import UTC, datetime

from streamproc.errors import InvalidInput
from streamproc.rules.days import date_of
from streamproc.rules.periods import UNITS, Period, parse_period
from streamproc.rules.units import SECOND_US
from streamproc.web import words
from streamproc.web.periods.choice import day_text

_DATE = r"\d{4}-\d\d-\d\d"
_UNITS = "|".join(UNITS)
_NAMED = re.compile(rf"\b(?:{_UNITS}):[\dWQ-]+|\b{_DATE}\.\.{_DATE}\b")
_RELATIVE = re.compile(rf"\b(this|last)-({_UNITS})\b")
_INSTANT = re.compile(rf"\b{_DATE} \d\d:\d\d:\d\d(?:\.\d+)? UTC\b")


def reason_words(why: str) -> str:
    """A reason with its periods and instants in words."""
    told = _NAMED.sub(lambda found: _named(found[0]), why)
    told = _RELATIVE.sub(r"\1 \2", told)
    return _INSTANT.sub(lambda found: _stamped(found[0]), told)


def reason_sentence(why: str) -> str:
    """A reason as a sentence of its own."""
    told = words.sentence(reason_words(why))
    return f"{told[:1].upper()}{told[1:]}"


def period_words(period: Period) -> str:
    """``August 2026``, ``2026``, or its dates."""
    first, last = period.first_day, period.end_day - 1
    unit = period.name.partition(":")[0]
    if unit == "year":
        return f"{date_of(first):%Y}"
    if unit == "month":
        return f"{date_of(first):%B %Y}"
    if first == last:
        return day_text(first)
    return f"{day_text(first)} \N{EN DASH} {day_text(last)}"


def _named(text: str) -> str:
    try:
        period = parse_period(text).period
    except InvalidInput:
        return text
    return period_words(period) if period else text


def _stamped(text: str) -> str:
    then = datetime.fromisoformat(text.removesuffix(" UTC")).replace(tzinfo=UTC)
    return words.day_stamp(int(then.timestamp()) * SECOND_US)
