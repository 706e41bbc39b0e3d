"""Suspicions as the pages tell of them: a banner with the correction offered. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from streamproc.events import Suspect
from streamproc.rules.poll import ALL_STORES
from streamproc.rules.units import DAY_US, MINUTE_US, SECOND_US
from streamproc.web.suspicion.answers import offered
from streamproc.web.templating import url
from streamproc.web.words import day_stamp, label_words, number, short_clock

EXCLUSION = "exclusion"
"""The form that corrects."""

ALL_OF_THEM = "all stores"


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
    whose = in_common(one.labels)
    stores = f"{number(one.expected)} stores{' of ' + whose if whose else ''}"
    since = _clock(one.since_us, now_us)
    what = f"{number(one.stores)} of {stores} {_turned(one)} at once, since {since}"
    # In whole seconds and minutes, so that all of it is covered.
    begin_us = one.since_us // SECOND_US * SECOND_US
    end_us = -(-now_us // MINUTE_US) * MINUTE_US
    return Banner(
        what,
        whose or ALL_OF_THEM,
        since,
        correction_form(begin_us, end_us, one.labels),
        stores_of(one.labels),
    )


def in_common(labels: Mapping[str, str]) -> str:
    """What stores have in common, such as ``poller p3``; nothing for all of them."""
    return ", ".join(label_words(labels))


def stores_of(labels: Mapping[str, str]) -> str:
    """The page of the stores that have these labels."""
    return url("/stores", where=[f"{name}={value}" for name, value in labels.items()])


def _clock(time_us: int, now_us: int) -> str:
    """The time of day, with its date where it is another one than now."""
    is_today = time_us // DAY_US == now_us // DAY_US
    return short_clock(time_us) if is_today else day_stamp(time_us)


def _turned(one: Suspect) -> str:
    if not one.silent:
        return "went down"
    return "fell silent or went down" if one.down else "fell silent"


def correction_form(begin_us: int, end_us: int, labels: Mapping[str, str]) -> str:
    """The form's address, with the correction of these stores filled in."""
    correction = offered(begin_us, end_us, dict(labels))
    where = [f"{label}={value}" for label, value in labels.items()]
    return url(
        "/change",
        what=EXCLUSION,
        where=where,
        store="" if where else ALL_STORES,
        kind=correction.kind,
        **{"from": correction.start, "to": correction.end},
        note=correction.note,
    )
