"""One incident of a store as it is told, and the span that is asked for. Pure."""

from dataclasses import dataclass

from streamproc.rules import history
from streamproc.rules.periods import edge_us
from streamproc.rules.units import DAY_US


@dataclass(frozen=True, slots=True)
class Outage:
    """One incident of a store; times and lengths in microseconds.

    ``end_us`` is None while it goes on, ``after_us`` where no active poll is known
    before it; see ``rules.incidents``.
    """

    store_id: str
    start_us: int
    end_us: int | None
    after_us: int | None
    down_us: int
    unknown_us: int
    wall_us: int
    by_up: bool


@dataclass(frozen=True, slots=True)
class Outages:
    """Incidents that overlap a span of time, and the up time of their stores in it.

    ``since_us``: no poll before is kept; 0 while all are at hand.
    """

    found: list[Outage]
    up_us: int
    since_us: int = 0


def known_since(as_of_us: int) -> int:
    """From when on incidents are known of the polls at hand alone."""
    return as_of_us - history.KEPT_DAYS * DAY_US


@dataclass(frozen=True, slots=True)
class Dates:
    """Local dates, in days since 1970-01-01, that begin so long after midnight."""

    first_day: int
    end_day: int
    starts_s: int = 0

    def ends_us(self, zone: str) -> tuple[int, int]:
        """Where they begin and end in a zone."""
        first = edge_us(zone, self.first_day, self.starts_s)
        return first, edge_us(zone, self.end_day, self.starts_s)
