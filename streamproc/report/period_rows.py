"""Rows of a report of a period: as columns, as JSON pieces. Pure.

One per store and slice. Comes from ``sliced``; leads to ``period_csv``.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import orjson

from streamproc.cells import Ints
from streamproc.errors import InvalidInput, as_refusal
from streamproc.rules.sliced import Sliced

FIELDS = (
    *("store", "slice", "from_us", "to_us"),
    *("up", "down", "excluded", "open", "incidents", "longest"),
)
_PIECE_BYTES = 400_000
_ROW_BYTES = 200
"""Most that the numbers of a row take as text."""


@dataclass(frozen=True, slots=True)
class Named:
    """A store: its id, its name, and its labels by their names."""

    store_id: str
    name: str | None
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PeriodRows:
    """Rows as columns.

    ``stores``: those of the rows, each once. ``numbers``: shape (fields, n), by
    ``FIELDS``: the number of the store and of the slice, its real ends, its amounts in
    microseconds, how many incidents, and the down time of the longest in microseconds.
    """

    stores: list[Named]
    numbers: Ints

    def __len__(self) -> int:
        return len(self.numbers[0])

    def of(self, field: str) -> Ints:
        """One column, shape (n,)."""
        column: Ints = self.numbers[FIELDS.index(field)]
        return column

    @property
    def unknown(self) -> Ints:
        """Business time that nothing is known of."""
        return self.of("open") - self.of("excluded") - self.of("up") - self.of("down")

    def chosen(self, rows: Ints | slice) -> "PeriodRows":
        """Some of the rows, and no other stores than theirs."""
        numbers = self.numbers[:, rows]
        used, again = np.unique(numbers[0], return_inverse=True)
        numbers = np.concatenate((again.reshape(1, -1), numbers[1:]))
        return PeriodRows([self.stores[store] for store in used.tolist()], numbers)


NO_PERIOD_ROWS = PeriodRows([], np.zeros((len(FIELDS), 0), np.int64))


def period_rows(stores: list[Named], edges_us: Ints, figures: Sliced) -> PeriodRows:
    """Rows of accounted stores; a slice without length has none.

    ``edges_us``: shape (stores, slices + 1).
    """
    store, number = np.nonzero(np.diff(edges_us, axis=1) > 0)
    columns = [
        *(store, number, edges_us[store, number], edges_us[store, number + 1]),
        *(
            each[store, number]
            for each in (
                *(figures.up, figures.down, figures.excluded, figures.open),
                *(figures.incidents, figures.longest),
            )
        ),
    ]
    return PeriodRows(stores, np.array(columns, np.int64)).chosen(slice(None))


def pieces(rows: PeriodRows) -> Iterator[PeriodRows]:
    """Cut rows into pieces that fit into one message, whatever their labels are."""
    if not len(rows):
        return
    store = rows.of("store")
    sizes = np.array([len(orjson.dumps(named)) for named in rows.stores], np.int64)
    is_first = np.concatenate(([True], store[1:] != store[:-1]))
    written = np.cumsum(_ROW_BYTES + sizes[store] * is_first)
    cuts = np.flatnonzero(np.diff(written // _PIECE_BYTES)) + 1
    bounds = [0, *cuts.tolist(), len(rows)]
    for first, last in pairwise(bounds):
        yield rows.chosen(slice(first, last))


def encode_period_rows(rows: PeriodRows) -> bytes:
    """A piece as JSON."""
    told = {"stores": rows.stores, "numbers": np.ascontiguousarray(rows.numbers)}
    return orjson.dumps(told, option=orjson.OPT_SERIALIZE_NUMPY)


def decode_period_rows(value: bytes) -> PeriodRows:
    """Rows of a piece; raises InvalidInput for what is none."""
    try:
        told = orjson.loads(value)
        stores = [_named(**each) for each in told["stores"]]
        numbers = np.array(told["numbers"], np.int64).reshape(len(FIELDS), -1)
        if len(numbers[0]) and not 0 <= numbers[0].min() <= numbers[0].max() < len(
            stores
        ):
            raise ValueError("a row of no store")
    except (KeyError, TypeError, ValueError, OverflowError) as exc:
        raise as_refusal(exc, "bad-request") from exc
    return PeriodRows(stores, numbers)


def _named(store_id: object, name: object, labels: object) -> Named:
    """A store of a piece, checked."""
    if not isinstance(store_id, str) or not isinstance(name, str | None):
        raise InvalidInput("bad-request", "not rows: stores")
    if not isinstance(labels, dict) or not all(
        isinstance(text, str) for text in labels.values()
    ):
        raise InvalidInput("bad-request", "not rows: labels")
    return Named(store_id, name, labels)


def join_period_rows(parts: Sequence[PeriodRows]) -> PeriodRows:
    """All rows, sorted by store id as text, bytewise, then by slice."""
    by_id = {named.store_id: named for part in parts for named in part.stores}
    stores = [by_id[store_id] for store_id in sorted(by_id)]
    place = {named.store_id: at for at, named in enumerate(stores)}
    numbered = []
    for part in parts:
        places = np.array([place[named.store_id] for named in part.stores], np.int64)
        numbered.append(np.concatenate(([places[part.of("store")]], part.numbers[1:])))
    numbers = np.concatenate([NO_PERIOD_ROWS.numbers, *numbered], axis=1)
    order = np.lexsort((numbers[FIELDS.index("slice")], numbers[0]))
    return PeriodRows(stores, numbers[:, order])
