"""Where it was down: hours by the values of two labels. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from streamproc.web.incidents.summary import half_of
from streamproc.web.store.names import Directory
from tables.outage import Outage

MOST_ROWS = 12
MOST_COLUMNS = 6


@dataclass(frozen=True, slots=True)
class Places:
    """Down time by the values of two labels, in microseconds; most first.

    ``down``, ``across``: the labels; ``across`` is empty where there is one only.
    ``cells``: by row and column. ``heavy``: the fewest of them that make half of it.
    ``hidden``: down time of the rows and columns that are not shown.
    """

    down: str
    across: str
    rows: dict[str, int]
    columns: dict[str, int]
    cells: dict[tuple[str, str], int]
    heavy: frozenset[tuple[str, str]]
    hidden: int


def places(
    found: Sequence[Outage], names: Directory, down: str, across: str
) -> Places | None:
    """Where incidents were; None without labels, or without incidents."""
    if not down or not found:
        return None
    cells: Counter[tuple[str, str]] = Counter()
    for one in found:
        labels = names.of(one.store_id).labels
        place = labels.get(down, ""), labels.get(across, "")
        cells[place] += one.down_us
    rows, columns = Counter[str](), Counter[str]()
    for (row, column), amount in cells.items():
        rows[row] += amount
        columns[column] += amount
    some_rows, some_columns = _most(rows, MOST_ROWS), _most(columns, MOST_COLUMNS)
    shown = {
        place: amount
        for place, amount in cells.items()
        if place[0] in some_rows and place[1] in some_columns
    }
    hidden = sum(cells.values()) - sum(shown.values())
    heavy = frozenset(half_of(cells))
    return Places(down, across, some_rows, some_columns, shown, heavy, hidden)


def _most(amounts: Counter[str], count: int) -> dict[str, int]:
    """The largest, by amount and then by name."""
    ordered = sorted(amounts.items(), key=lambda item: (-item[1], item[0]))
    return dict(ordered[:count])


def chosen_labels(names: Directory, down: str, across: str) -> tuple[str, str]:
    """The two labels that are asked for, where there are such; else the first two."""
    labels = list(names.values)
    first = down if down in labels else next(iter(labels), "")
    others = [label for label in labels if label != first]
    return first, across if across in others else next(iter(others), "")
