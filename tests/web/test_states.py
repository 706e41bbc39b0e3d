"""What all stores are, as columns: their order, and what an object is made of."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streamproc.rules.now import DOWN, STATES, WORST_FIRST
from streamproc.rules.zones import DEFAULT_ZONE
from streamproc.web.now.everyone import Everyone
from streamproc.web.now.states import STATES_NOW, StoreState, joined
from tests.web.states import states

TIMES = st.none() | st.integers(0, 3)
STORES = st.lists(
    st.builds(
        StoreState,
        st.text("ab1é\uffff😀", min_size=1, max_size=3),
        st.integers(0, len(STATES) - 1),
        TIMES,
        TIMES,
        st.sampled_from(["UTC", "Europe/Berlin"]),
        TIMES,
    ),
    max_size=12,
    unique_by=lambda one: one.store_id,
)


def worst_first(one: StoreState) -> Any:
    """By badness, then since when, what is not known before all, then by id."""
    since_us = -1 if one.since_us is None else one.since_us
    return WORST_FIRST.index(one.state), since_us, one.store_id


@given(STORES)
def test_the_worst_come_first_then_what_is_so_for_longest(
    stores: list[StoreState],
) -> None:
    """Since when unknown is longest; ids decide where all else is equal."""
    found = states(*stores).ordered()
    assert list(found) == sorted(stores, key=worst_first)


@given(STORES, STORES)
def test_stores_of_all_partitions_are_as_their_owners_tell(
    some: list[StoreState], others: list[StoreState]
) -> None:
    """Told to another worker, and joined; equal zones are one object."""
    sent = [
        STATES_NOW.decode(STATES_NOW.encode(states(*part))) for part in (some, others)
    ]
    found = joined(sent)
    assert list(found) == [*some, *others]
    assert len(set(map(id, found.zones))) == len(set(found.zones))


def test_everyone_is_found_by_id_and_by_state() -> None:
    """The first of a state only as many as are wanted; nobody by an id that is none."""
    told = [StoreState(str(n), DOWN, None, None, "Asia/Tokyo", n) for n in range(3)]
    everyone = Everyone(0, states(*told))
    assert everyone.of("1") == told[1]
    assert everyone.of("x") is None
    assert (everyone.zone_of("2"), everyone.zone_of("x")) == (
        "Asia/Tokyo",
        DEFAULT_ZONE,
    )
    assert everyone.in_state(2, DOWN) == told[:2]
    assert (everyone.counts["down"], everyone.counts["open"]) == (3, 3)
