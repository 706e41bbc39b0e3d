"""What is told of a store, as a row of a file, as JSON and as a record."""

from dataclasses import dataclass
from typing import Any

import orjson

Row = dict[str, str]


@dataclass(frozen=True, eq=False)
class Told:
    """One thing that is told of a store: its rows, as a file of that kind has them."""

    kind: str
    store_id: str
    rows: tuple[Row, ...]

    @property
    def key(self) -> str:
        """The key of its record."""
        rest = {
            "special_hours": self.rows[0].get("date", ""),
            "exclusions": self.rows[0].get("id", ""),
            "hours": self.rows[0].get("valid_from", ""),
        }.get(self.kind, "")
        return f"{self.store_id}\0{rest}" if rest else self.store_id

    @property
    def message(self) -> dict[str, Any]:
        """The same as JSON."""
        first = dict(self.rows[0])
        if self.kind == "hours":
            since = first.get("valid_from")
            week = [without(row, "valid_from") for row in self.rows]
            return {"hours": week, **({"valid_from": since} if since else {})}
        if self.kind == "special_hours":
            openings = [without(row, "date") for row in self.rows]
            return {"date": first["date"], "openings": openings}
        if self.kind == "labels":
            own = {name: first.pop(name) for name in ("name", "target")}
            return {**own, "labels": first}
        if self.kind == "exclusions":
            given = {name: text for name, text in first.items() if text}
            return {name.removesuffix("_utc"): text for name, text in given.items()}
        return first

    @property
    def value(self) -> bytes:
        """Its record."""
        return orjson.dumps({"store_id": self.store_id, **self.message})


def without(row: dict[str, Any], *names: str) -> dict[str, Any]:
    """The other fields of a row."""
    return {each: value for each, value in row.items() if each not in names}
