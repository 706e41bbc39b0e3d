"""JSON Schemas of dataclasses and the types of their fields."""

import types
from dataclasses import is_dataclass
from functools import reduce
from operator import or_
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from streamproc.web.shapes import Keys, OneOf, places

_PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean"}


class Says:
    """Keywords of JSON Schema beside a type."""

    def __init__(self, **keywords: Any) -> None:
        self.keywords = keywords


class Schemas:
    """Schemas by the name of their dataclass; each is told once."""

    def __init__(self) -> None:
        self.components: dict[str, Any] = {}
        self._kinds: dict[str, type] = {}

    def of(self, kind: Any) -> dict[str, Any]:
        """The schema of a type; raises TypeError for one that is no answer's."""
        origin, args = get_origin(kind), get_args(kind)
        if kind is Any:
            return {}
        if kind is dict:
            return {"type": "object"}
        if kind in _PLAIN:
            return {"type": _PLAIN[kind]}
        if origin is Annotated:
            return self._annotated(self.of(args[0]), args[1:])
        if origin in (Union, types.UnionType):
            return self._union(args)
        if origin in (list, tuple):
            return {"type": "array", "items": self.of(args[0])}
        if origin is dict:
            return {"type": "object", "additionalProperties": self.of(args[1])}
        if is_dataclass(kind):
            return self._named(kind)
        raise TypeError(f"{kind!r} has no schema")

    def _annotated(self, schema: dict[str, Any], notes: Any) -> dict[str, Any]:
        for note in notes:
            if isinstance(note, OneOf):
                schema = {**schema, "enum": list(note.choices)}
            elif isinstance(note, Keys):
                value = schema["additionalProperties"]
                names = dict.fromkeys(note.names, value)
                required = list(note.names)
                schema = {"type": "object", "required": required, "properties": names}
            else:
                schema = {**schema, **note.keywords}
        return schema

    def _union(self, kinds: Any) -> dict[str, Any]:
        some = [self.of(kind) for kind in kinds if kind is not type(None)]
        null = [{"type": "null"}] if type(None) in kinds else []
        if len(some) == 1 and null and isinstance(some[0].get("type"), str):
            return {**some[0], "type": [some[0]["type"], "null"]}
        return {"anyOf": [*some, *null]}

    def _named(self, kind: Any) -> dict[str, Any]:
        name = kind.__name__
        if self._kinds.setdefault(name, kind) is not kind:
            raise TypeError(f"two answers are called {name}")
        if name not in self.components:
            self.components[name] = {}  # it may hold itself
            self.components[name] = self._object(kind)
        return {"$ref": f"#/components/schemas/{name}"}

    def _object(self, kind: Any) -> dict[str, Any]:
        hints = get_type_hints(kind, include_extras=True)
        fields = places(kind)
        found = {
            "type": "object",
            "description": " ".join((kind.__doc__ or "").split()),
            "properties": {
                one.name: self.of(_present(hints[one.attribute], one.optional))
                for one in fields
            },
        }
        required = [one.name for one in fields if not one.optional]
        return {**found, "required": required} if required else found


def _present(kind: Any, optional: bool) -> Any:
    """The type of a field when it is there: one that is None is left out."""
    if not optional or get_origin(kind) not in (Union, types.UnionType):
        return kind
    return reduce(or_, (one for one in get_args(kind) if one is not type(None)))
