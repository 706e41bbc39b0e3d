"""Suspicions as the pages tell of them: a banner with the correction offered. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from streamproc.events import Suspect
from streamproc.report.record import time_text
from streamproc.rules.poll import ALL_STORES
from streamproc.rules.units import DAY_US, MINUTE_US, SECOND_US
from streamproc.web.suspicion.answers import offered
from streamproc.web.templating import url
from streamproc.web.words import day_stamp, number, short_clock

EXCLUSION = "exclusion"
"""The form that corrects."""


@dataclass(frozen=True, slots=True)
class Banner:
    """What is suspected, in words; ``whose``: the label that the stores have in common.

    ``since``: since when they are what they turned to. ``correct``: the form with the
    correction filled in. ``look``: the page of those stores.
    """

    what: str
    whose: str
    since: str
    correct: str
    look: str


def banners(
    held: Iterable[Suspect], now_us: int, wheres: Mapping[str, str] | None = None
) -> list[Banner]:
    """Those that hold now; ``wheres``: only of stores with these labels."""
    return [
        _banner(one, now_us)
        for one in held
        if wheres is None or one.labels.items() <= wheres.items()
    ]


def _banner(one: Suspect, now_us: int) -> Banner:
    whose = ", ".join(f"{label} {value}" for label, value in one.labels.items())
    stores = f"{number(one.expected)} stores{' of ' + whose if whose else ''}"
    since = _clock(one.since_us, now_us)
    what = f"{number(one.stores)} of {stores} {_turned(one)} at once, since {since}"
    where = [f"{label}={value}" for label, value in one.labels.items()]
    return Banner(
        what,
        whose or "all stores",
        since,
        _form(one, where, now_us),
        url("/stores", where=where),
    )


def _clock(time_us: int, now_us: int) -> str:
    """The time of day, with its date where it is another one than now."""
    is_today = time_us // DAY_US == now_us // DAY_US
    return short_clock(time_us) if is_today else day_stamp(time_us)


def _turned(one: Suspect) -> str:
    if not one.silent:
        return "went down"
    return "fell silent or went down" if one.down else "fell silent"


def _form(one: Suspect, where: list[str], now_us: int) -> str:
    """The form's address; the correction covers all of it, in whole minutes."""
    begin_us = one.since_us // SECOND_US * SECOND_US
    end_us = -(-now_us // MINUTE_US) * MINUTE_US
    correction = offered(begin_us, end_us, dict(one.labels))
    return url(
        "/change",
        what=EXCLUSION,
        where=where,
        store="" if where else ALL_STORES,
        kind=correction.kind,
        **{"from": time_text(begin_us), "to": time_text(end_us)},
        note=correction.note,
    )
