"""How answers are told in JSON: frozen dataclasses, encoded here and nowhere else.

What a type alone cannot say stands beside it, as ``Annotated`` or in the field: which
words there are, which names an object has, another name, that it may be left out.
"""

from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class OneOf:
    """A text is one of these."""

    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Keys:
    """An object has just these names."""

    names: tuple[str, ...]


def called(name: str) -> dict[str, str]:
    """Metadata of a field whose name in JSON is no name in Python."""
    return {"name": name}


OPTIONAL = {"optional": True}
"""Metadata of a field that is left out when it is None."""


@dataclass(frozen=True, slots=True)
class Place:
    """A field of an answer, and whether it may be absent."""

    attribute: str
    name: str
    optional: bool


@cache
def places(kind: Any) -> tuple[Place, ...]:
    """The fields of a kind of answer, in order."""
    return tuple(
        Place(
            one.name,
            one.metadata.get("name", one.name),
            one.metadata.get("optional", False),
        )
        for one in fields(kind)
    )


def encode(answer: Any) -> bytes:
    """An answer as JSON."""
    return orjson.dumps(answer, _members, orjson.OPT_PASSTHROUGH_DATACLASS)


def _members(value: Any) -> dict[str, Any]:
    """A dataclass as an object; raises TypeError for anything else."""
    if not is_dataclass(value):
        raise TypeError(f"{type(value).__name__} is no answer")
    found = {}
    kind: Any = type(value)
    for place in places(kind):
        member = getattr(value, place.attribute)
        if not (place.optional and member is None):
            found[place.name] = member
    return found
