"""What stores are now as the API tells of it."""

from dataclasses import dataclass
from typing import Annotated

from streamproc.report.record import time_text
from streamproc.report.rows import last_status
from streamproc.rules import packing
from streamproc.rules.now import DOWN, STATES
from streamproc.web.flow import Left
from streamproc.web.now.calls import StoreNow
from streamproc.web.now.counts import COUNTS, Counts, commonest, counted
from streamproc.web.shapes import Keys, OneOf
from streamproc.web.suspicion.answers import SuspectNow

State = Annotated[str, OneOf(STATES)]
Counted = Annotated[dict[str, int], Keys(COUNTS)]


@dataclass(frozen=True, slots=True)
class CatchingUp:
    """Polls that wait, and seconds until they are dealt with at the present rate.

    ``about_s`` is null as long as the rate is not known. ``reached``: all polls that
    came up to then are dealt with; null as long as that is not known.
    """

    left: int
    about_s: float | None
    reached: str | None


@dataclass(frozen=True, slots=True)
class ByLabel:
    """Stores by the values of a label; ``*`` stands for the rarer ones together."""

    label: str
    values: dict[str, Counted]


@dataclass(frozen=True, slots=True)
class OneStore:
    """What one store is now.

    ``since`` and ``for_s`` are null where that is not known, or, of what is up or
    closed, longer ago than a week. ``incident`` is the id of the one that goes on.
    ``usual_s``: its usual interval between polls; ``silent_at``: when it is silent.
    """

    store_id: str
    name: str | None
    labels: dict[str, str]
    now: State
    since: str | None
    for_s: float | None
    last_poll: str | None
    last_status: str | None
    zone: str
    incident: str | None
    usual_s: float | None
    silent_at: str | None


@dataclass(frozen=True, slots=True)
class FleetNow:
    """What all stores are now; the worst come first, and what is so for longest.

    ``suspects``: of many that turned bad at once it may be the poller that is broken.
    """

    as_of: str
    counts: Counted
    by: ByLabel | None
    catching_up: CatchingUp | None
    suspects: list[SuspectNow]
    total: int
    page: int
    per_page: int
    pages: int
    stores: list[OneStore]


def catching_up(left: Left | None) -> CatchingUp | None:
    """What is left of a backlog; null without one."""
    if left is None:
        return None
    return CatchingUp(left.polls, left.about_s, _text(left.reached_us))


def one_store(store: StoreNow, as_of_us: int) -> OneStore:
    """One store of the list."""
    since = _text(store.since_us)
    for_us = None if store.since_us is None else max(as_of_us - store.since_us, 0)
    last_us = None if store.last is None else packing.time_of(store.last)
    return OneStore(
        store.store_id,
        store.name,
        dict(store.labels),
        STATES[store.state],
        since,
        None if for_us is None else for_us / 1e6,
        _text(last_us),
        None if store.last is None else last_status(store.last),
        store.zone,
        f"{store.store_id}@{since}" if store.state == DOWN and since else None,
        None if store.usual_us is None else store.usual_us / 1e6,
        _text(store.silent_at_us),
    )


def by_label(label: str, values: dict[str, Counts], most: int) -> ByLabel:
    """The counts of the commonest values, and of all others together."""
    shown = commonest(values, most)
    return ByLabel(label, {value: counted(shown[value]) for value in shown})


def _text(time_us: int | None) -> str | None:
    return None if time_us is None else time_text(time_us)
