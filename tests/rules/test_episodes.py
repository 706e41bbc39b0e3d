"""What happened to a store, against a walk over its business time."""

from hypothesis import given, settings
from hypothesis import strategies as st

from streamproc.rules.units import MINUTE_US
from tests.reference_events import Walk
from tests.rules.one_event import BRIDGE_US, told
from tests.rules.test_incidents import ALWAYS, DAY0, at
from tests.rules.test_uptime import THOROUGH

DAY_MINUTES = 24 * 60
AS_OF = DAY_MINUTES + 1
EARLY = [(at(0), at(6)), (at(9), at(17)), (at(22), at(23, 30))]
SHORT = [(at(8, 0), at(8, 20)), (at(8, 25), at(9)), (at(12), at(13, 10))]

polls = st.dictionaries(
    st.integers(1, DAY_MINUTES - 1), st.booleans(), min_size=1, max_size=40
)
regular = st.builds(
    lambda first, every, missing, down: {
        minute: number not in down
        for number, minute in enumerate(range(first, DAY_MINUTES, every))
        if number not in missing
    },
    st.integers(1, 60),
    st.integers(5, 90),
    st.sets(st.integers(0, 40), max_size=25),
    st.sets(st.integers(0, 40), max_size=15),
).filter(bool)


@settings(THOROUGH, max_examples=400)
@given(
    st.one_of(polls, regular),
    st.sampled_from([ALWAYS, EARLY, SHORT]),
    st.integers(1, 3),
    st.sampled_from([None, 5, 30, 60]),
)
def test_what_is_told_of_a_store_is_what_a_walk_finds(
    polled: dict[int, bool],
    opened: list[tuple[int, int]],
    confirm: int,
    hold: int | None,
) -> None:
    """Kind, at and since of all of it, to the minute that it is given in."""
    ordered = dict(sorted(polled.items()))
    minutes = [
        minute
        for begin, end in opened
        for minute in range((begin - DAY0) // MINUTE_US, (end - DAY0) // MINUTE_US)
        if minute < AS_OF
    ]
    walk = Walk(ordered, minutes, hold, BRIDGE_US // MINUTE_US, confirm)
    found, _ = told(
        [(DAY0 + minute * MINUTE_US, active) for minute, active in ordered.items()],
        opened,
        DAY0 + AS_OF * MINUTE_US,
        confirm=confirm,
        hold_us=None if hold is None else hold * MINUTE_US,
    )
    assert [
        (one.kind, (one.at_us - DAY0) // MINUTE_US, (one.since_us - DAY0) // MINUTE_US)
        for one in found
    ] == walk.told()
