"""Business time: one look-up for a span is two look-ups for its ends."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from streamproc.rules.business import BusinessTime

SPAN = 60

edges = st.lists(st.integers(0, SPAN), max_size=8, unique=True)
schedules = st.lists(edges, min_size=1, max_size=4)
spans = st.tuples(st.integers(0, 3), st.integers(-9, SPAN + 9), st.integers(0, SPAN))


def walked(intervals: list[tuple[int, int]], at: int) -> int:
    """The open instants before an instant, counted one by one."""
    return sum(a <= t < b for t in range(SPAN) if t < at for a, b in intervals)


@given(schedules, st.lists(spans, max_size=20), st.sampled_from([0, 1_000]))
@settings(deadline=None)
def test_both_ends_of_a_span_are_what_a_walk_counts(
    openings: list[list[int]], asked: list[tuple[int, int, int]], begin: int
) -> None:
    """Within an opening, over several, while closed, and outside of all."""
    own = [list(zip(s[::2], s[1::2], strict=False)) for s in map(sorted, openings)]
    time = BusinessTime(
        [[(begin + a, begin + b) for a, b in each] for each in own], begin, begin + SPAN
    )
    which = np.array([number % len(own) for number, _, _ in asked], np.int64)
    first = np.array([start for _, start, _ in asked], np.int64)
    last = first + np.array([length for _, _, length in asked], np.int64)
    b_first, b_last = time.spans(which, begin + first, begin + last)
    for row, number in enumerate(which.tolist()):
        assert b_first[row] == walked(own[number], int(first[row]))
        assert b_last[row] == walked(own[number], int(last[row]))
