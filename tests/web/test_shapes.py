"""Answers as JSON: dataclasses, under the names that they are told by."""

import json
from dataclasses import dataclass, field
from typing import Annotated, Any

import pytest

from streamproc.web import shapes
from streamproc.web.shapes import OPTIONAL, Keys, OneOf, called
from tools.schemas import Says, Schemas


@dataclass(frozen=True, slots=True)
class Inner:
    """What is inside."""

    start: str = field(metadata=called("from"))


@dataclass(frozen=True, slots=True)
class Outer:
    """What is outside."""

    inner: list[Inner]
    kind: Annotated[str, OneOf(("a", "b"))]
    sums: Annotated[dict[str, int], Keys(("x", "y"))]
    missing: float | None
    told: str | None = field(default=None, metadata=OPTIONAL)


def encoded(answer: Any) -> Any:
    """What a reader gets."""
    return json.loads(shapes.encode(answer))


def test_a_field_is_told_by_its_own_name_and_left_out_only_where_it_may_be() -> None:
    """None is null, except for a field that is optional."""
    outer = Outer([Inner("now")], "a", {"x": 1, "y": 2}, None)
    assert encoded(outer) == {
        "inner": [{"from": "now"}],
        "kind": "a",
        "sums": {"x": 1, "y": 2},
        "missing": None,
    }
    assert encoded(Outer([], "b", {}, 1.5, "yes"))["told"] == "yes"


def test_what_is_no_answer_is_not_encoded() -> None:
    """Nothing is guessed of an object."""
    with pytest.raises(TypeError):
        shapes.encode({"answer": object()})


def test_a_schema_says_what_the_type_and_its_notes_say() -> None:
    """Words, names, null, and that a field may be absent."""
    schemas = Schemas()
    assert schemas.of(Outer) == {"$ref": "#/components/schemas/Outer"}
    outer = schemas.components["Outer"]
    assert outer["required"] == ["inner", "kind", "sums", "missing"]
    assert outer["properties"]["kind"] == {"type": "string", "enum": ["a", "b"]}
    assert outer["properties"]["sums"]["required"] == ["x", "y"]
    assert outer["properties"]["missing"] == {"type": ["number", "null"]}
    assert outer["properties"]["told"] == {"type": "string"}
    assert outer["description"] == "What is outside."
    assert schemas.components["Inner"]["properties"] == {"from": {"type": "string"}}
    assert schemas.of(Annotated[int, Says(minimum=0)])["minimum"] == 0


def test_two_answers_of_one_name_are_no_file() -> None:
    """One would silently describe the other."""
    schemas = Schemas()
    schemas.of(Inner)
    other: Any = dataclass(type("Inner", (), {"__annotations__": {"x": int}}))
    with pytest.raises(TypeError, match="two answers are called Inner"):
        schemas.of(other)
