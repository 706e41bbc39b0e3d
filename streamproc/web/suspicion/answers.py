"""Suspicions as the API tells of them, with the correction that each one offers."""

from dataclasses import dataclass, field

from streamproc.events import Suspect
from streamproc.report.record import time_text
from streamproc.rules.blackouts import Blackout
from streamproc.web.shapes import called


@dataclass(frozen=True, slots=True)
class OfferedCorrection:
    """A correction as it could be made of each of the stores; it never is by itself."""

    kind: str
    start: str = field(metadata=called("from"))
    end: str = field(metadata=called("to"))
    note: str


@dataclass(frozen=True, slots=True)
class SuspectNow:
    """Many stores that turned silent or down at once and still are.

    ``labels``: the label that they have in common; empty: it is the whole fleet.
    ``stores`` of the ``expected`` that should have been heard.
    """

    id: str
    at: str
    since: str
    labels: dict[str, str]
    stores: int
    silent: int
    down: int
    expected: int
    correction: OfferedCorrection


@dataclass(frozen=True, slots=True)
class SuspectSpan:
    """A span in which most stores of a label, or of the fleet, had no data together.

    ``stores``: most of them in business at once; ``without``: most without data.
    """

    labels: dict[str, str]
    start: str = field(metadata=called("from"))
    end: str = field(metadata=called("to"))
    stores: int
    without: int
    correction: OfferedCorrection


@dataclass(frozen=True, slots=True)
class SuspectSpans:
    """The spans of a period in which what polls the stores may have been broken.

    ``known_since``: no poll before is kept; null while all are. ``step_s``: how finely
    it was looked at, five minutes up to a month; shorter spans are not found.
    """

    as_of: str
    start: str = field(metadata=called("from"))
    end: str = field(metadata=called("to"))
    known_since: str | None
    step_s: float
    suspects: list[SuspectSpan]


def suspect_span(labels: dict[str, str], one: Blackout) -> SuspectSpan:
    """One span of a group, with the correction it offers."""
    begin, end = time_text(one.begin_us), time_text(one.end_us)
    correction = offered(one.begin_us, one.end_us, labels)
    return SuspectSpan(labels, begin, end, one.stores, one.without, correction)


def suspect_now(one: Suspect, now_us: int) -> SuspectNow:
    """A suspicion that holds; the correction reaches to now."""
    return SuspectNow(
        one.id,
        time_text(one.at_us),
        time_text(one.since_us),
        dict(one.labels),
        one.stores,
        one.silent,
        one.down,
        one.expected,
        offered(one.since_us, now_us, dict(one.labels)),
    )


def offered(begin_us: int, end_us: int, labels: dict[str, str]) -> OfferedCorrection:
    """The correction for stores whose poller was broken for a while."""
    whose = ", ".join(f"{name}={value}" for name, value in labels.items())
    note = f"what polls {whose or 'the stores'} was broken"
    begin, end = time_text(begin_us), time_text(end_us)
    return OfferedCorrection("correction-unknown", begin, end, note)
