"""What every refusal is worded with: values and texts from outside, shown safely."""

import difflib
import reprlib
from collections.abc import Iterable
from itertools import islice
from typing import Any

SHOWN_CHARS = 80
"""Most of a value that a refusal quotes."""


class _Quoting(reprlib.Repr):
    """``repr`` of the first of everything, whose cost does not grow with the value."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = self.maxlist = self.maxdict = 4
        self.maxstring = self.maxother = self.maxlong = SHOWN_CHARS

    def repr_bytes(self, value: bytes, level: int) -> str:
        """The beginning, unlike the inherited, which writes all and then cuts."""
        return repr(value[:SHOWN_CHARS])

    def repr_int(self, value: int, level: int) -> str:
        """Digits; Python refuses to write those of a number that is too long."""
        bits = value.bit_length()
        return repr(value) if bits < 256 else f"a number of {bits} bits"

    def repr_dict(self, value: dict[Any, Any], level: int) -> str:
        """The first entries in their own order: sorting them would read all."""
        if value and level <= 0:
            return "{...}"
        entries = [
            f"{self.repr1(name, level - 1)}: {self.repr1(item, level - 1)}"
            for name, item in islice(value.items(), self.maxdict)
        ]
        more = ["..."] if len(value) > self.maxdict else []
        return "{" + ", ".join(entries + more) + "}"


_quoting = _Quoting()


def shown(value: object) -> str:
    """A value as a refusal quotes it: one short line, whatever the value is.

    Neither deep nesting nor length matter; control characters are escaped. None is
    what nobody has given: ``missing``.
    """
    if value is None:
        return "missing"
    text = _quoting.repr(value)
    return text if len(text) <= SHOWN_CHARS else text[: SHOWN_CHARS - 3] + "..."


def plain(text: str, keep: str = "") -> str:
    """The text with every character that does not print spelt out; ``keep`` stays.

    Ids, records, headers of files and settings come from outside: an escape sequence
    in one of them would be a command to the terminal that shows it.
    """
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() or char in keep else repr(char)[1:-1]
        for char in text
    )


def did_you_mean(word: str, known: Iterable[str], likeness: float = 0.6) -> str:
    """``; did you mean X?`` with the known word that is nearest, if one is near.

    ``likeness``: from 0 to 1, as difflib measures it.
    """
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=likeness)
    return f"; did you mean {near[0]}?" if near else ""


def counted(count: int, noun: str) -> str:
    """A number of things, in words."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
