"""Stores counted by state and by the values of a label."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamproc.rules.now import STATES
from streamproc.web.now.answers import by_label
from streamproc.web.now.counts import OTHERS, Counts, added, added_by_value, commonest

rows = st.lists(st.integers(0, 9), min_size=len(STATES), max_size=len(STATES))
by_values = st.dictionaries(st.sampled_from([OTHERS, *"abcde"]), rows, max_size=6)


def up(stores: int) -> Counts:
    """So many stores that are up."""
    return [stores if state == "up" else 0 for state in STATES]


@given(by=by_values, most=st.integers(1, 6))
def test_no_store_is_lost_where_the_rarer_values_are_together(
    by: dict[str, Counts], most: int
) -> None:
    """However many values are counted one by one, and whatever they are called."""
    found = commonest(by, most)
    assert added(found.values()) == added(by.values())
    told = by_label("region", by, most).values
    assert sum(each["known"] for each in told.values()) == sum(map(sum, by.values()))


def test_of_no_partition_there_is_no_store_in_any_state() -> None:
    """A row of zeros, as long as any other."""
    assert added([]) == up(0)


def test_the_commonest_values_are_counted_one_by_one() -> None:
    """In the order of their names; equal ones by name; the rest is last."""
    by = {"d": up(3), "c": up(1), "b": up(1), "a": up(2)}
    assert list(commonest(by, 3)) == ["a", "b", "d", OTHERS]
    assert commonest(by, 3)[OTHERS] == up(1)
    assert OTHERS not in commonest(by, 4)


@pytest.mark.parametrize("most", [1, 2])
def test_a_value_that_is_called_as_the_rest_is_is_part_of_it(most: int) -> None:
    """However common it is."""
    by = {"West": up(2), OTHERS: up(5), "East": up(1)}
    rest = up(5 if most == 2 else 6)
    assert commonest(by, most)[OTHERS] == rest


@given(parts=st.lists(by_values))
def test_partitions_are_added_up_value_by_value(parts: list[dict[str, Counts]]) -> None:
    """A value that only some of them have, too."""
    found = added_by_value(parts)
    assert found.keys() == {value for part in parts for value in part}
    everything = [counts for part in parts for counts in part.values()]
    assert added(found.values()) == added(everything)
    for value, counts in found.items():
        assert counts == added(part[value] for part in parts if value in part)
