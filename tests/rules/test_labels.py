"""Labels: what is understood, and what is refused with which reason."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamproc.errors import InvalidInput
from streamproc.rules.labels import (
    MAX_LABELS,
    Labels,
    commonest_values,
    parse_labels,
)
from tables import labels as labels_table


@pytest.mark.parametrize(
    ("row", "labels"),
    [
        ({"labels": {}}, Labels()),
        (
            {"name": " Main St ", "labels": {"region": "West"}, "target": 98.5},
            Labels("Main St", {"region": "West"}, 98.5),
        ),
        ({"labels": {" a ": " x ", "b": ""}, "name": ""}, Labels(None, {"a": "x"})),
        ({"labels": {}, "target": "99"}, Labels(target=99.0)),
        ({"labels": {}, "target": ""}, Labels()),
        ({"labels": {}, "target": 100, "name": None}, Labels(target=100.0)),
        ({"labels": {"größe": "groß"}}, Labels(labels={"größe": "groß"})),
    ],
)
def test_labels_are_understood(row: dict[str, Any], labels: Labels) -> None:
    """Blanks around a text do not count, an empty one is none."""
    assert parse_labels(row) == labels


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({}, "bad-labels"),
        ({"labels": None}, "bad-labels"),
        ({"labels": ["west"]}, "bad-labels"),
        ({"labels": {"": "x"}}, "bad-labels"),
        ({"labels": {"floor": 3}}, "bad-labels"),
        ({"labels": {"a=b": "x"}}, "bad-labels"),
        ({"labels": {"x" * 65: "y"}}, "bad-labels"),
        ({"labels": {"x": "y" * 201}}, "bad-labels"),
        ({"labels": {"x": "\x1b[2J"}}, "bad-labels"),
        ({"labels": {str(n): "x" for n in range(MAX_LABELS + 1)}}, "bad-labels"),
        ({"labels": {}, "name": 7}, "bad-name"),
        ({"labels": {}, "name": "a\nb"}, "bad-name"),
        ({"labels": {}, "name": 0}, "bad-name"),
        ({"labels": {}, "name": False}, "bad-name"),
        ({"labels": {}, "name": []}, "bad-name"),
        ({"labels": {"region": "West", " region": "East"}}, "bad-labels"),
        ({"labels": {}, "target": 0}, "bad-target"),
        ({"labels": {}, "target": 100.1}, "bad-target"),
        ({"labels": {}, "target": -1}, "bad-target"),
        ({"labels": {}, "target": "high"}, "bad-target"),
        ({"labels": {}, "target": "nan"}, "bad-target"),
        ({"labels": {}, "target": "9_9"}, "bad-target"),
        ({"labels": {}, "target": "\u0669\u0669"}, "bad-target"),
        ({"labels": {}, "target": "99,5"}, "bad-target"),
        ({"labels": {}, "target": True}, "bad-target"),
        ({"labels": {}, "target": [99]}, "bad-target"),
        ({"labels": {}, "target": 10**400}, "bad-target"),
    ],
)
def test_what_is_no_label_is_refused(row: dict[str, Any], reason: str) -> None:
    """With the reason of its field."""
    with pytest.raises(InvalidInput) as caught:
        parse_labels(row)
    assert caught.value.reason == reason
    assert len(str(caught.value)) < 200


def test_a_refused_label_is_named() -> None:
    """Beside its value: a store may have fifty of them."""
    with pytest.raises(InvalidInput, match="label 'floor' is 3, expected"):
        parse_labels({"labels": {"region": "West", "floor": 3}})


@given(
    st.builds(
        Labels,
        st.none() | st.text(min_size=1),
        st.dictionaries(st.text(min_size=1), st.text(min_size=1)),
        st.none() | st.floats(0.01, 100),
    )
)
def test_what_the_table_keeps_is_what_was_told(labels: Labels) -> None:
    """Encode and decode are a pair."""
    assert labels_table.decode(labels_table.encode(labels)) == labels
    assert labels_table.decode(None) == Labels()


def test_the_values_that_most_stores_have_come_first() -> None:
    """Equal ones by name; no more than are asked for."""
    stores = {"North": 1, "West": 3, "": 3, "East": 2}
    assert commonest_values(stores, 3) == ["", "West", "East"]
    assert commonest_values(stores, 9)[-1] == "North"
