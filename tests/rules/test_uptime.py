"""The accounting of design §6: its worked examples, and any week against the oracle."""

from functools import cache
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamproc.rules import packing, uptime
from streamproc.rules.business import BusinessTime
from streamproc.rules.calendar import Calendar, open_intervals
from streamproc.rules.schedule import parse_hours
from streamproc.rules.uptime import Rules, Times
from tests.reference import (
    DAY_S,
    DAY_US,
    HOUR_US,
    NO_ZONE,
    SECOND_US,
    WINDOWS_US,
    Figures,
    Poll,
    Span,
    load_zone,
    offset_s,
    open_spans,
    reference,
    walk_zone,
)
from tests.rules.one_store import account_one
from tests.rules.test_reference import (
    DAYS,
    EXAMPLES,
    MINUTE_US,
    DaySpans,
    Example,
    Hours,
    spans_us,
    utc,
    weekly,
)

ZONES = (
    None,
    "America/New_York",
    "America/Chicago",
    "America/Los_Angeles",
    "America/Phoenix",
    "America/St_Johns",
    "Asia/Beirut",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Australia/Adelaide",
    "Australia/Lord_Howe",
    "Europe/London",
    "Pacific/Apia",
    "UTC",
)
FROM_US = utc("2011-01-10 00:00")
TO_US = utc("2026-12-31 00:00")
# A history keeps about 8 days before its newest poll.
KEPT_US = 79 * DAY_US // 10

QUICK = settings(
    deadline=None, max_examples=250, suppress_health_check=[HealthCheck.too_slow]
)
THOROUGH = settings(QUICK, max_examples=1200)


class Case(NamedTuple):
    """All that decides a store's figures."""

    polls: list[Poll]
    hours: Hours
    zone: str | None
    as_of_us: int
    hold_us: int | None
    backfill: bool


def product(
    polls: list[Poll],
    hours: Hours,
    zone: str | None,
    as_of_us: int,
    hold_us: int | None,
    backfill: bool,
) -> dict[str, Figures]:
    """The product, called the way the oracle is."""
    uptimes = account_one(
        polls,
        parse_hours(hours),
        zone or NO_ZONE,
        as_of_us,
        Rules(hold_us=hold_us, backfill=backfill),
    )
    return {
        name: Figures(of.up_us, of.down_us, of.unknown_us, of.open_us)
        for name, of in uptimes.items()
    }


@cache
def transitions(zone: str) -> tuple[list[int], list[int]]:
    """When a zone's clock goes forward, and when it goes back, by walking its days."""
    info = load_zone(zone)
    forward: list[int] = []
    back: list[int] = []
    for day_s in range(FROM_US // SECOND_US, TO_US // SECOND_US, DAY_S):
        if offset_s(info, day_s) != offset_s(info, day_s + DAY_S):
            before, after = walk_zone(zone, day_s, day_s + DAY_S)
            changes = forward if after.offset_s > before.offset_s else back
            changes.append(after.start_s * SECOND_US)
    return forward, back


clocks = st.one_of(
    st.sampled_from(
        (
            *("00:00", "00:00:00", "00:01", "00:30", "01:00", "01:30", "01:45:30"),
            *("02:00", "02:15", "02:30", "02:59:59", "03:00", "03:15", "04:00"),
            *("09:00", "12:00", "17:00", "17:00:00", "22:00", "23:00", "23:30"),
            *("23:58", "23:58:59", "23:59", "23:59:00", "23:59:30", "23:59:59"),
        )
    ),
    st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59)),
    st.builds(
        "{:02}:{:02}:{:02}".format,
        st.integers(0, 23),
        st.integers(0, 59),
        st.integers(0, 59),
    ),
)
late = st.builds("23:59:{:02}".format, st.integers(0, 59))
times_of_day = st.one_of(
    st.tuples(clocks, clocks),
    st.tuples(clocks, late),
    st.tuples(late, late),
    clocks.map(lambda clock: (clock, clock)),
)
entries = st.builds(
    lambda weekday, times: (weekday, *times), st.integers(0, 6), times_of_day
)
weeks: st.SearchStrategy[Hours] = st.one_of(
    st.just([]),
    st.lists(entries, max_size=10).map(lambda week: weekly(*week)),
    st.builds(
        lambda times, days: weekly(*((day, *times) for day in days)),
        times_of_day,
        st.sets(st.integers(0, 6), min_size=1),
    ),
    st.sampled_from(("23:59", "23:59:59", "00:00")).map(
        lambda end: weekly(*((day, "00:00", end) for day in range(7)))
    ),
)
holds = st.one_of(
    st.sampled_from((5 * MINUTE_US, HOUR_US, None)),
    st.integers(5 * MINUTE_US, 3 * HOUR_US),
    st.integers(5 * MINUTE_US, 9 * DAY_US),
)
around = st.one_of(st.integers(-HOUR_US, 3 * HOUR_US), st.integers(-DAY_US, 8 * DAY_US))
grains = st.sampled_from((1, SECOND_US, MINUTE_US, 30 * MINUTE_US, HOUR_US))
ages = st.integers(9 * DAY_US, 400 * DAY_US)


@st.composite
def moments(draw: st.DrawFn, zone: str | None) -> int:
    """An instant in any week, or in one where the zone's clock goes forward or back."""
    chosen = draw(st.sampled_from(([], *transitions(zone or NO_ZONE))))
    if chosen:
        moment = draw(st.sampled_from(chosen)) + draw(around)
    else:
        moment = draw(st.integers(FROM_US, TO_US))
    grain_us = draw(grains)
    return moment // grain_us * grain_us


@st.composite
def poll_series(draw: st.DrawFn, as_of_us: int, edges: list[int]) -> list[Poll]:
    """Polls around as_of: anywhere, on and beside the edges, in rows with gaps."""
    first_us, last_us = as_of_us - KEPT_US, as_of_us + HOUR_US
    beside = st.builds(
        lambda edge, by: min(max(edge + by, first_us), last_us),
        st.sampled_from(edges),
        st.sampled_from((0, -1, 1, -5 * MINUTE_US, -HOUR_US, 1 - HOUR_US)),
    )
    times = st.one_of(beside, st.integers(first_us, last_us))
    polls = draw(st.lists(st.tuples(times, st.booleans()), max_size=12))
    row_us = draw(times)
    step_us = draw(st.sampled_from((MINUTE_US, 5 * MINUTE_US, HOUR_US, HOUR_US + 1)))
    row = draw(st.lists(st.sampled_from((True, False, None)), max_size=20))
    polls += [
        (row_us + place * step_us, active)
        for place, active in enumerate(row)
        if active is not None and row_us + place * step_us <= last_us
    ]
    if polls:
        again = st.tuples(st.sampled_from(polls), st.booleans())
        polls += [
            (time_us, active != flipped)
            for (time_us, active), flipped in draw(st.lists(again, max_size=4))
        ]
    return draw(st.permutations(polls))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Any store at any time."""
    zone = draw(st.sampled_from(ZONES))
    hours = draw(weeks)
    as_of_us = draw(moments(zone))
    if draw(st.booleans()):
        near = open_spans(hours, zone, as_of_us - DAY_US, as_of_us + DAY_US)
        ends = [end for span in near for end in span]
        as_of_us = draw(st.sampled_from(ends or [as_of_us]))
    starts = [as_of_us - length for length in WINDOWS_US.values()]
    spans = open_spans(hours, zone, starts[-1], as_of_us)
    edges = [as_of_us, *starts, *(end for span in spans for end in span)]
    polls = draw(poll_series(as_of_us, edges))
    return Case(polls, hours, zone, as_of_us, draw(holds), draw(st.booleans()))


@st.composite
def windows(draw: st.DrawFn) -> tuple[Hours, str | None, Span]:
    """Hours, a zone and a window, in ordinary weeks and those of a clock change."""
    zone = draw(st.sampled_from(ZONES))
    end_us = draw(moments(zone))
    length_us = draw(st.one_of(st.integers(1, DAY_US), st.integers(1, 9 * DAY_US)))
    return draw(weeks), zone, (end_us - length_us, end_us)


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES.keys())
def test_every_worked_example_comes_out_to_the_microsecond(example: Example) -> None:
    """Every window of an example holds the minutes written beside it."""
    assert example.expected == product(*example.case)


@pytest.mark.parametrize(
    ("name", "hour", "day", "week"),
    [
        ("half_an_hour_up_then_down", "30.00/30.00", "0.50/0.50", "0.50/0.50"),
        ("one_poll_leaves_the_time_before_it_unknown", "20.00/0.00", "0.33/0.00",
         "0.33/0.00"),
        ("without_limit_one_poll_speaks_for_the_whole_week", "60.00/0.00",
         "24.00/0.00", "168.00/0.00"),
        ("only_business_hours_count", "0.00/0.00", "8.00/0.00", "16.00/0.00"),
        ("a_status_ends_at_closing", "0.00/0.00", "1.02/0.75", "1.02/0.75"),
        ("backfill_covers_the_time_before_the_first_poll", "0.00/0.00", "2.25/0.75",
         "2.25/0.75"),
        ("a_status_holds_for_an_hour_at_most", "0.00/0.00", "1.00/0.75", "1.00/0.75"),
    ],
)  # fmt: skip
def test_worked_examples_read_as_written_with_two_decimals(
    name: str, hour: str, day: str, week: str
) -> None:
    """Up and down in minutes for the hour, in hours for day and week, as in the CSV."""
    figures = product(*EXAMPLES[name].case)
    units_us = {"hour": MINUTE_US, "day": HOUR_US, "week": HOUR_US}
    assert {"hour": hour, "day": day, "week": week} == {
        window: f"{of.up_us / units_us[window]:.2f}/{of.down_us / units_us[window]:.2f}"
        for window, of in figures.items()
    }


@pytest.mark.parametrize(("zone", "hours", "date", "days", "spans"), DAYS)
def test_a_day_has_23_24_or_25_hours(
    zone: str | None,
    hours: tuple[tuple[int, str, str], ...],
    date: str,
    days: int,
    spans: DaySpans,
) -> None:
    """A gap moves an end forward, an ambiguous end is the first, as in the table."""
    start_us = utc(f"{date} 00:00")
    end_us = start_us + days * DAY_US
    openings = parse_hours(weekly(*hours))
    assert spans_us(date, spans) == open_intervals(
        Calendar.weekly(openings, zone or NO_ZONE), start_us, end_us
    )


@pytest.mark.parametrize(("zone", "hours", "date", "days", "spans"), DAYS)
def test_the_week_is_open_for_as_long_as_its_spans(
    zone: str | None,
    hours: tuple[tuple[int, str, str], ...],
    date: str,
    days: int,
    spans: DaySpans,
) -> None:
    """A store that is always up is up for its open time, whatever the clock did."""
    start_us = utc(f"{date} 00:00")
    as_of_us = start_us + WINDOWS_US["week"]
    polls = [(start_us, True)]
    figures = product(polls, weekly(*hours), zone, as_of_us, None, True)["week"]
    oracle = open_spans(weekly(*hours), zone, start_us, as_of_us)
    open_us = sum(end - start for start, end in oracle)
    assert figures == Figures(open_us, 0, 0, open_us)


@THOROUGH
@given(case=cases())
def test_the_product_equals_the_oracle_for_any_store(case: Case) -> None:
    """All figures of all windows are the oracle's, to the microsecond."""
    assert product(*case) == reference(*case)


@QUICK
@given(case=cases())
def test_up_down_and_unknown_make_the_open_time(case: Case) -> None:
    """Nothing of a window's business time is lost or counted twice."""
    for name, of in product(*case).items():
        assert of.up_us + of.down_us + of.unknown_us == of.open_us
        assert min(of.up_us, of.down_us, of.unknown_us) >= 0
        assert of.open_us <= WINDOWS_US[name]


@QUICK
@given(case=cases(), data=st.data())
def test_order_and_repetition_of_polls_do_not_matter(
    case: Case, data: st.DataObject
) -> None:
    """The same polls in another order, some of them again, give the same figures."""
    again = [poll for poll in case.polls if data.draw(st.booleans())]
    shuffled = data.draw(st.permutations(case.polls + again))
    assert product(*case) == product(*case._replace(polls=shuffled))


@QUICK
@given(case=cases())
def test_polls_at_or_after_as_of_change_nothing(case: Case) -> None:
    """A window ends before as_of: what is polled then is not known yet."""
    known = [poll for poll in case.polls if poll[0] < case.as_of_us]
    assert product(*case) == product(*case._replace(polls=known))


@QUICK
@given(case=cases())
def test_open_time_does_not_depend_on_polls(case: Case) -> None:
    """A window is open for as long as with no poll at all, and that is unknown."""
    figures = product(*case)
    for name, of in product(*case._replace(polls=[])).items():
        assert of == Figures(0, 0, figures[name].open_us, figures[name].open_us)


@THOROUGH
@given(window=windows())
def test_open_intervals_are_the_walk_of_the_oracle(
    window: tuple[Hours, str | None, Span],
) -> None:
    """Merged, clipped and sorted, any hours in any zone open and close as walked."""
    hours, zone, (start_us, end_us) = window
    intervals = open_intervals(
        Calendar.weekly(parse_hours(hours), zone or NO_ZONE), start_us, end_us
    )
    assert open_spans(hours, zone, start_us, end_us) == intervals


@QUICK
@given(case=cases(), age_us=ages, active=st.booleans())
def test_without_a_limit_one_old_poll_still_speaks(
    case: Case, age_us: int, active: bool
) -> None:
    """With hold None a poll of long ago covers the whole of every window."""
    polls = [(case.as_of_us - age_us, active)]
    for of in product(*case._replace(polls=polls, hold_us=None)).values():
        up_us, down_us = (of.open_us, 0) if active else (0, of.open_us)
        assert of == Figures(up_us, down_us, 0, of.open_us)


@QUICK
@given(case=cases(), age_us=ages, active=st.booleans())
def test_an_old_poll_speaks_until_the_first_new_one(
    case: Case, age_us: int, active: bool
) -> None:
    """With hold None the old poll covers the time up to the next one, as walked."""
    polls = [*case.polls, (case.as_of_us - age_us, active)]
    case = case._replace(polls=polls, hold_us=None)
    assert product(*case) == reference(*case)


@pytest.mark.parametrize("at_once", [1, 7, 50])
def test_figures_do_not_depend_on_how_many_polls_are_accounted_at_once(
    monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    """Stores without polls, with one, and with more than that."""
    draw = np.random.default_rng(at_once)
    counts = np.array([0, 3, 0, 60, 1, 1, 0, 9, 0])
    now_us = 20_000 * DAY_US
    times_us = [now_us - np.sort(draw.integers(0, 9 * DAY_US, n))[::-1] for n in counts]
    packed = packing.packed_of(
        np.concatenate(times_us), draw.integers(0, 2, counts.sum())
    )
    opened = [[(now_us - 5 * DAY_US, now_us - DAY_US)], [(now_us - 7 * DAY_US, now_us)]]
    times = Times.plain(BusinessTime(opened, now_us - 7 * DAY_US, now_us))
    asked = packed, counts, np.arange(len(counts)) % 2, times, Rules()
    whole = uptime.account(*asked)
    monkeypatch.setattr(uptime, "_POLLS_AT_ONCE", at_once)
    parts = uptime.account(*asked)
    for name in ("up", "down", "open", "excluded", "last"):
        assert (getattr(parts, name) == getattr(whole, name)).all()
    assert whole.up.any()
    assert whole.down.any()
