"""What a store's page tells, worked out of what was read of the store alone."""

import numpy as np

from streamproc.rules import history, packing
from streamproc.rules.exclusions import MAINTENANCE, Exclusion
from streamproc.rules.labels import Labels
from streamproc.rules.period_edges import Kept
from streamproc.rules.periods import parse_period
from streamproc.rules.units import DAY_US, HOUR_US
from streamproc.rules.uptime import Rules
from streamproc.web.counting import Counting
from streamproc.web.store.reading import StoreReading
from streamproc.web.store.whole import StoreCount, WholeStore
from tables import exclusions as exclusions_table
from tables.calendars import StoreFacts
from tables.one_archive import OneArchive
from tables.one_store import OneStore
from tests.kept_days import retained
from tests.rules.test_timeline import us

NOW_US = us("2025-05-25T15:00")
FIRST_KEPT = history.day_of(us("2025-05-01T00:00"))
"""The archive keeps May; what was before has been let go of."""


def polled_hourly(days: range) -> dict[int, bytes]:
    """A segment of each day: up, every hour."""
    hours = range(0, DAY_US, HOUR_US)
    return {
        day: packing.bytes_of(packing.pack([(day * DAY_US + h, True) for h in hours]))
        for day in days
    }


def whole(period: str, *exclusions: Exclusion) -> WholeStore:
    """A store in UTC that was polled since January, of which May is kept."""
    segments = polled_hourly(range(FIRST_KEPT, history.day_of(NOW_US) + 1))
    at_hand = retained(segments)
    polls = b"".join(segments[day] for day in sorted(at_hand))
    archived = [each for each in segments.items() if each[0] not in at_hand]
    told = tuple((b"m", exclusions_table.encode(each)) for each in exclusions)
    facts = StoreFacts((), b"UTC", (), told)
    one = OneStore(0, b"s", packing.unpack(polls), facts, StoreFacts(), Labels())
    archive = OneArchive(b"s", FIRST_KEPT, FIRST_KEPT, tuple(archived))
    known = Kept(FIRST_KEPT * DAY_US)
    by = Counting(Rules(None), 0, 0, None)
    count = StoreCount(StoreReading(one, archive, False), known, NOW_US, by)
    return count.whole(parse_period(period))


def test_strips_begin_where_a_history_that_was_cut_off_begins() -> None:
    """By whole weeks before the last: what is not kept is not drawn as unknown."""
    days = whole("this-month").days
    assert days is not None
    assert days.begin_us == us("2025-05-04T15:00")
    assert days.end_us == NOW_US
    times = packing.time_of(days.packed)
    assert times[0] <= days.begin_us
    assert (np.diff(times) == HOUR_US).all()


def test_only_the_period_is_counted_once_more_as_it_was_polled() -> None:
    """An hour that is excluded was up; the months before are shown as they count."""
    hour = Exclusion("m", MAINTENANCE, NOW_US - 2 * HOUR_US, NOW_US - HOUR_US)
    found = whole("today", hour)
    assert found.period is not None
    assert found.by_month is not None
    polled, counted = found.period.as_polled.of("up"), found.period.total.of("up")
    assert (polled - counted).tolist() == [HOUR_US]
    assert not len(found.by_month.as_polled)
    plain = whole("today").period
    assert plain is not None
    assert not len(plain.as_polled)
