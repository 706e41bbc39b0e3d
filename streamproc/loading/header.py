"""The first line of a CSV file: its separator, and where the wanted columns stand."""

import csv
import difflib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from streamproc.errors import LoadError, shown
from streamproc.loading.choices import KIND, needs
from streamproc.loading.source import Block

SEPARATORS = (",", ";", "\t", "|")

POLLS = ("store_id", "status", "timestamp_utc")
HOURS = ("store_id", "dayOfWeek", "start_time_local", "end_time_local")
ZONES = ("store_id", "timezone_str")
HOURS_ALSO = ("valid_from",)
SPECIAL_HOURS = ("store_id", "date", "start_time_local", "end_time_local")
SPECIAL_HOURS_ALSO = ("note",)
EXCLUSIONS = ("store_id", "id", "kind")
EXCLUSIONS_ALSO = ("from_utc", "to_utc", "from_local", "to_local", "note", "by")
LABELS = ("store_id",)
LABELS_ALSO = ("name", "target")
COLUMNS = tuple(
    dict.fromkeys(
        (
            *(*POLLS, *HOURS, *HOURS_ALSO, *ZONES),
            *(*SPECIAL_HOURS, *SPECIAL_HOURS_ALSO, *EXCLUSIONS, *EXCLUSIONS_ALSO),
            *LABELS_ALSO,
        )
    )
)

_TELLING = (
    *(("polls", POLLS), ("hours", HOURS), ("zones", ZONES)),
    *(("special_hours", SPECIAL_HOURS), ("exclusions", EXCLUSIONS)),
)
"""Columns that tell a kind of file from the others; those of labels are in all."""

ABSENT = -1
"""Place of a column that is not there."""

_ALSO = {"dayOfWeek": ("day",)}
_ALIKE = 0.8
"""How much like a column's name another one is that may be meant for it."""

Columns = tuple[tuple[str, ...], tuple[str, ...]]
"""Those that must be there, and those that may."""


@dataclass(frozen=True, slots=True)
class Header:
    """What the rows of a file look like.

    ``names``: the columns as they are called there. ``at``: where each of the wanted
    ones stands, ``ABSENT`` for one that may be missing and is. ``lines``: how many
    lines the header takes.
    """

    separator: str
    names: tuple[str, ...]
    at: tuple[int, ...]
    lines: int


def folded(name: str) -> str:
    """A column's name without case, blanks, ``_`` and ``-``."""
    return "".join(char for char in name.strip().lower() if char not in " _-")


def read_header(
    path: Path,
    block: Block,
    wanted: Sequence[str],
    names: Mapping[str, str],
    optional: Sequence[str] = (),
    with_others: bool = False,
) -> Header:
    """Find the wanted columns; ``names`` are a file's own words for some of them.

    ``optional``: some that may be missing. ``with_others``: all further ones come
    after them, those without a name too. Raises LoadError that shows the line.
    """
    lines = block.text[: 1 << 16].decode(errors="replace").splitlines()
    number = next((n for n, line in enumerate(lines) if line.strip()), 0)
    separators: Sequence[str] = SEPARATORS
    if lines and lines[number].strip().lower().startswith("sep="):
        separators, number = (lines[number].lstrip()[4:5] or ",",), number + 1
    text = lines[number] if number < len(lines) else ""
    found = [_columns(text, separator) for separator in separators]
    best = max(found, key=lambda columns: len(_places(columns, wanted, names)))
    separator = separators[found.index(best)]
    places = _places(best, wanted, names)
    _refuse_missing(path, number + block.line, text, best, wanted, places)
    places |= _places(best, optional, names)
    _refuse_twice(path, number + block.line, best, places.values())
    at = tuple(places.get(name, ABSENT) for name in (*wanted, *optional))
    if with_others:
        at += tuple(n for n in range(len(best)) if n not in at)
    return Header(separator, tuple(best), at, number + 1)


def _columns(text: str, separator: str) -> list[str]:
    return [name.strip() for name in next(csv.reader([text], delimiter=separator), [])]


def _places(
    columns: Sequence[str], wanted: Sequence[str], names: Mapping[str, str]
) -> dict[str, int]:
    """Where each of the wanted columns stands, of those that are there."""
    known = [folded(column) for column in columns]
    places = {}
    for name in wanted:
        for word in (*filter(None, [names.get(name)]), name, *_ALSO.get(name, ())):
            if folded(word) in known:
                places[name] = known.index(folded(word))
                break
    return places


def _refuse_missing(
    path: Path,
    line: int,
    text: str,
    columns: Sequence[str],
    wanted: Sequence[str],
    places: Mapping[str, int],
) -> None:
    missing = [name for name in wanted if name not in places]
    if not missing:
        return
    if not text.strip():
        raise LoadError(f"{path}: is empty; expected a header: {','.join(wanted)}")
    if not places:
        raise needs(
            "names",
            lambda say: (
                f"{path}, line {line}: no header but {shown(text)}; expected the"
                f" columns {', '.join(wanted)}; other names are told with"
                f" {say('names', f'{wanted[0]}=NAME')}"
            ),
        )
    told = (
        f"{path}, line {line}: no column {_either(missing[0])};"
        f" there are: {', '.join(columns)}"
    )
    if kind := _kind_of(columns):
        raise needs(
            KIND, lambda say: f"{told}, as files have for {say(KIND, kind)}", kind
        )
    raise needs(
        "names",
        lambda say: (
            f"{told}; another name is told with {say('names', f'{missing[0]}=NAME')}"
        ),
        _only_name(missing, columns, places.values()),
    )


def _either(name: str) -> str:
    """What a column may be called."""
    return " or ".join((name, *_ALSO.get(name, ())))


def _kind_of(columns: Sequence[str]) -> str:
    """The one kind of file whose columns are all there; empty if there is none."""
    fit = [kind for kind, own in _TELLING if len(_places(columns, own, {})) == len(own)]
    return fit[0] if len(fit) == 1 else ""


def _only_name(
    missing: Sequence[str], columns: Sequence[str], taken: Iterable[int]
) -> str:
    """``ours=theirs`` where one column is missing, and one is left; else empty."""
    at = set(taken)
    left = [name for n, name in enumerate(columns) if n not in at and name]
    return f"{missing[0]}={left[0]}" if len(left) == len(missing) == 1 else ""


def _refuse_twice(
    path: Path, line: int, columns: Sequence[str], places: Iterable[int]
) -> None:
    """One of two columns of a name would count, and nobody knows which."""
    counts = Counter(map(folded, columns))
    if twice := [columns[at] for at in places if counts[folded(columns[at])] > 1]:
        raise LoadError(f"{path}, line {line}: two columns are {twice[0]}")


def misread(
    path: Path, header: Header, columns: Columns, names: Mapping[str, str]
) -> Iterator[str]:
    """What to look at of the columns that may be missing, and are.

    Such a one counts as not told at all: without ``valid_from`` a store's weeks would
    be one. So it is said where another column has nearly its name, or where the file
    does not have the one that is named for it.
    """
    wanted, optional = columns
    places = header.at[: len(wanted) + len(optional)]
    left = {
        folded(name): name for at, name in enumerate(header.names) if at not in places
    }
    for name, at in zip(optional, places[len(wanted) :], strict=True):
        if at != ABSENT:
            continue
        if name in names:
            told = f"no column is called {shown(names[name])}, so none is read as"
            yield f"{path}: {told} {name}"
        elif near := difflib.get_close_matches(folded(name), left, 1, _ALIKE):
            told = f"column {shown(left[near[0]])} is not read; rename it if it is"
            yield f"{path}: {told} meant as {name}"
