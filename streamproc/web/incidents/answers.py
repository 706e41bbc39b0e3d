"""Incidents as the API tells of them, in JSON and as CSV."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

from streamproc.report.record import time_text
from streamproc.web.shapes import OneOf
from streamproc.web.sheets import rows_of
from tables.outage import Outage

EndedBy = Annotated[str, OneOf(("up", "no-data"))]


@dataclass(frozen=True, slots=True)
class Incident:
    """One outage of a store; ``end`` and ``ended_by`` are null while it goes on.

    The truth about its start lies between ``started_after``, the last active poll
    before, and ``start``.
    """

    id: str
    store_id: str
    start: str
    started_after: str | None
    end: str | None
    down_s: float
    unknown_s: float
    wall_s: float
    ended_by: EndedBy | None


@dataclass(frozen=True, slots=True)
class IncidentPage:
    """A page of incidents; ``known_since``: no poll before is kept.

    ``mttr_s``: mean down time of those that have ended; ``mtbf_s``: up time of the
    same stores in the span, by incident; both of all that match, short ones too.
    """

    as_of: str
    known_since: str | None
    total: int
    page: int
    per_page: int
    pages: int
    mttr_s: float | None
    mtbf_s: float | None
    incidents: list[Incident]


def incident_of(outage: Outage) -> Incident:
    """One incident; its id stays the same while it lasts."""
    start = time_text(outage.start_us)
    after, end = outage.after_us, outage.end_us
    ended_by = None if end is None else "up" if outage.by_up else "no-data"
    return Incident(
        f"{outage.store_id}@{start}",
        outage.store_id,
        start,
        None if after is None else time_text(after),
        None if end is None else time_text(end),
        outage.down_us / 1e6,
        outage.unknown_us / 1e6,
        outage.wall_us / 1e6,
        ended_by,
    )


def mttr_s(found: Iterable[Outage]) -> float | None:
    """Mean time to recovery: of the ended ones; None without any."""
    ended = [outage.down_us for outage in found if outage.end_us is not None]
    return sum(ended) / len(ended) / 1e6 if ended else None


def mtbf_s(found: Sequence[Outage], up_us: int) -> float | None:
    """Mean time between failures: up time by incident; None without any."""
    return up_us / len(found) / 1e6 if found else None


def incidents_csv(found: Iterable[Outage]) -> Iterator[Sequence[object]]:
    """All of them as rows of CSV, header first."""
    return rows_of(Incident, map(incident_of, found))
