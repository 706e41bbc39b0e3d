"""Labels: a store's name, what it is grouped by, and its target. Pure.

Comes from the topic ``store-labels``; kept in the table ``labels``. They change no
figure.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from streamproc.errors import InvalidInput, shown

MAX_LABELS = 50
MAX_LABEL = 64
MAX_TEXT = 200
MAX_TARGET = 100
_NUMBER = re.compile(r"\d{1,3}(?:\.\d{0,20})?\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Labels:
    """What a store is called and grouped by.

    ``labels``: by their names, in order. ``target``: uptime wanted, in percent.
    """

    name: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    target: float | None = None


def commonest_values(stores: Mapping[str, int], most: int) -> list[str]:
    """The values that most stores have, so many at most; equal ones by name.

    ``stores``: how many have each value.
    """
    return sorted(stores, key=lambda value: (-stores[value], value))[:most]


@dataclass(frozen=True, slots=True)
class Where:
    """Which stores are meant: those whose label has a value; without one it is ""."""

    label: str
    value: str

    @property
    def text(self) -> str:
        """As ``parse_where`` reads it."""
        return f"{self.label}={self.value}"

    def holds(self, labels: Labels) -> bool:
        """Whether a store with these labels is meant."""
        return labels.labels.get(self.label, "") == self.value


def parse_where(text: str) -> Where:
    """The condition of ``label=value``; raises InvalidInput."""
    label, equals, value = text.partition("=")
    if not equals or not label.strip():
        raise InvalidInput(
            "bad-where", f"where is {shown(text)}, expected label=value, region=West"
        )
    return Where(label.strip(), value.strip())


def parse_labels(row: Mapping[str, Any]) -> Labels:
    """The labels of a message; raises InvalidInput and names the field.

    An empty text is none.
    """
    given = row.get("labels")
    if not isinstance(given, Mapping):
        raise InvalidInput(
            "bad-labels", f"labels is {shown(given)}, expected an object; {{}} for none"
        )
    texts = {
        (label := _label(name)): _text(value, "bad-labels", f"label {shown(label)}")
        for name, value in given.items()
    }
    if len(texts) < len(given):
        raise InvalidInput("bad-labels", "two labels differ in blanks only")
    labels = {name: text for name, text in sorted(texts.items()) if text}
    if len(labels) > MAX_LABELS:
        raise InvalidInput("bad-labels", f"more than {MAX_LABELS} labels")
    name = row.get("name")
    text = "" if name is None else _text(name, "bad-name", "name")
    return Labels(text or None, labels, _target(row.get("target")))


def _label(name: object) -> str:
    """A label's name; in one with ``=`` nobody could ask for a value (``Where``)."""
    text = _text(name, "bad-labels", "a label's name")
    if not text or len(text) > MAX_LABEL or "=" in text:
        raise InvalidInput(
            "bad-labels",
            f"a label is called {shown(name)}, expected 1 to {MAX_LABEL} characters,"
            " none of them =",
        )
    return text


def _text(value: object, reason: str, field: str) -> str:
    """A short text without blanks around it."""
    text = value.strip() if isinstance(value, str) else None
    if text is None or len(text) > MAX_TEXT or not text.isprintable():
        raise InvalidInput(
            reason,
            f"{field} is {shown(value)}, expected at most {MAX_TEXT} printable"
            " characters",
        )
    return text


def _is_number(value: object) -> TypeGuard[str | int | float]:
    """Whether it is a number, or a text as people write one: ``99.5``, no ``9_9``."""
    if isinstance(value, str):
        return _NUMBER.match(value.strip()) is not None
    return isinstance(value, int | float) and not isinstance(value, bool)


def _target(value: object) -> float | None:
    """Percent, as a number or its text; None when it is not set."""
    if value is None or value == "":
        return None
    try:
        target = float(value) if _is_number(value) else math.nan
    except OverflowError:
        target = math.nan
    if not 0 < target <= MAX_TARGET:
        raise InvalidInput(
            "bad-target", f"target is {shown(value)}, expected percent, up to 100"
        )
    return target
