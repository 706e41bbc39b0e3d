"""How refusals are worded: one short line, whatever is quoted."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamproc.errors import SHOWN_CHARS, InvalidInput, as_refusal, shown

ROOT = Path(__file__).parent.parent


def nested(depth: int) -> object:
    """Lists in lists."""
    value: object = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("depth", [10, 900, 1_000, 1_100, 50_000])
def test_a_deep_value_is_shown_in_a_few_characters(depth: int) -> None:
    """It was a RecursionError while the refusal was worded."""
    assert shown(nested(depth)) == "[[[[[...]]]]]"
    assert shown({"a": nested(depth)}).startswith("{'a': [[")


def counting(kind: type, read: str, looked_at: list[object]) -> type:
    """A container by the same name that notes each element it hands out."""

    def handed_out(self: Any) -> Iterator[object]:
        for element in getattr(kind, read)(self):
            looked_at.append(element)
            yield element

    return type(kind.__name__, (kind,), {read: handed_out})


@pytest.mark.parametrize(
    ("kind", "read", "value"),
    [
        (list, "__iter__", range(10_000)),
        (dict, "items", {str(n): n for n in range(10_000)}),
    ],
)
def test_the_rest_of_a_long_value_is_not_looked_at(
    kind: type, read: str, value: Any
) -> None:
    """Eight megabytes in one field must not be written out to be cut."""
    looked_at: list[object] = []
    many = counting(kind, read, looked_at)(value)
    assert len(shown({"a": [many]})) <= SHOWN_CHARS
    assert 0 < len(looked_at) < 10


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.floats()
        | st.integers()
        | st.text()
        | st.binary(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_every_value_is_shown_on_one_printable_line(value: object) -> None:
    """Nothing that a terminal would take for a command."""
    text = shown(value)
    assert len(text) <= SHOWN_CHARS
    assert text.isprintable()


def test_numbers_too_long_to_write_are_told_by_their_length() -> None:
    """Python raises ValueError for their digits."""
    assert shown(10**5_000) == "a number of 16610 bits"
    assert shown(1 << 64) == "18446744073709551616"


def test_what_nobody_has_given_is_shown_as_missing() -> None:
    """None is a word of this program's language, not of its readers'."""
    assert shown(None) == "missing"
    assert shown("missing") == "'missing'"


def test_short_values_are_shown_whole() -> None:
    """As they were written, so that they can be searched for."""
    for value in ("up", 7, [1, None], [1, "a"], {"a": 1}, b"x"):
        assert shown(value) == repr(value)


def test_what_reading_raises_becomes_a_refusal_that_names_it() -> None:
    """A refusal stays as it is; the rest is unreadable."""
    refusal = InvalidInput("bad-time", "said already")
    assert as_refusal(refusal) is refusal
    for exc in (
        RecursionError("deep"),
        OverflowError(),
        MemoryError(),
        ValueError("x"),
    ):
        told = as_refusal(exc)
        assert told.reason == "unreadable"
        assert type(exc).__name__ in str(told)
        assert told.__cause__ is exc


@pytest.mark.parametrize("folder", ["streamproc", "agents", "tables"])
def test_no_refusal_quotes_a_value_by_itself(folder: str) -> None:
    """``{value!r}`` builds the whole text first; ``shown`` is bounded."""
    for path in (ROOT / folder).rglob("*.py"):
        for line in path.read_text().splitlines():
            quoted = re.search(r"!r(:[^}]*)?\}", line)
            assert path.name == "cells.py" or not quoted, f"{path}: {line}"
