"""How a file is to be read, as texts of an option or a form's field say it. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from streamproc.errors import InvalidInput, shown
from streamproc.loading.choices import needs
from streamproc.loading.header import COLUMNS, folded
from streamproc.loading.options import Reading
from streamproc.rules.poll import STATUS
from streamproc.rules.schedule import WEEKDAYS, Weekdays


def _pairs(text: str) -> dict[str, str]:
    """``A=B,C=D`` as a dict; raises InvalidInput."""
    pairs = [pair.partition("=") for pair in text.split(",")]
    if not all(left.strip() and right.strip() for left, _, right in pairs):
        raise InvalidInput("bad-option", f"{shown(text)} is not of the form A=B,C=D")
    return {left.strip(): right.strip() for left, _, right in pairs}


def names_of(text: str) -> dict[str, str]:
    """``store_id=shop`` as a file's names by ours; raises InvalidInput."""
    known = {folded(name): name for name in COLUMNS} | {"day": "dayOfWeek"}
    pairs = _pairs(text)
    if wrong := [name for name in pairs if folded(name) not in known]:
        told = f"{shown(wrong[0])} is no column; there are: {', '.join(COLUMNS)}"
        raise InvalidInput("bad-option", told)
    return {known[folded(name)]: theirs for name, theirs in pairs.items()}


def words_of(text: str) -> dict[str, bool]:
    """``up=active`` as words in small letters, and whether each says up.

    Raises InvalidInput.
    """
    pairs = _pairs(text)
    if wrong := [word for word in pairs.values() if word not in STATUS]:
        told = f"{shown(wrong[0])} is neither active nor inactive"
        raise InvalidInput("bad-option", told)
    return STATUS | {word.lower(): STATUS[is_] for word, is_ in pairs.items()}


def _weekdays_of(text: str) -> Weekdays:
    if text not in WEEKDAYS:
        told = f"{shown(text)} is none of {', '.join(WEEKDAYS)}"
        raise InvalidInput("bad-option", told)
    return WEEKDAYS[text]


def _share_of(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise InvalidInput("bad-option", f"{shown(text)} is no share from 0 to 1")
    return share


_READ: Mapping[str, Callable[[str], Any]] = {
    "names": names_of,
    "words": words_of,
    "weekdays": _weekdays_of,
    "max_refused": _share_of,
    "skip_refused": bool,
    "force": bool,
}


def reading_of(texts: Mapping[str, str]) -> Reading:
    """How to read, by the texts of a form's fields; an empty one is the default.

    Raises OptionNeededError for a text that its field does not take.
    """
    given: dict[str, Any] = {}
    for name, read in _READ.items():
        if text := texts.get(name, "").strip():
            given[name] = _told(name, read, text)
    return replace(Reading(), **given)


def _told(name: str, read: Callable[[str], Any], text: str) -> Any:
    try:
        return read(text)
    except InvalidInput as exc:
        why = str(exc)
        raise needs(name, lambda say: f"{say(name)}: {why}") from exc
