"""Names and labels of a partition's stores, in memory, beside its board."""

import threading
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from streamproc.cells import Ints
from streamproc.rules.labels import Labels
from tables.fact_tables import LabelsTable
from tables.labels import decode

NO_LABELS = Labels()


class LabelBook:
    """The labels of one partition: read once, and again where they change."""

    def __init__(self, table: LabelsTable, partition: int) -> None:
        self._table = table
        self._partition = partition
        self._lock = threading.Lock()
        self._known: dict[bytes, Labels] | None = None
        self._touched: set[bytes] = set()
        self._columns: dict[str, tuple[object, Ints, list[str]]] = {}

    def touch(self, store_ids: Iterable[bytes]) -> None:
        """Note stores whose labels may be others; from any thread."""
        with self._lock:
            self._touched.update(store_ids)

    def all(self) -> Mapping[bytes, Labels]:
        """Labels by store id; stores without any are left out."""
        with self._lock:
            return self._current()

    def column(
        self, name: str, key: object, store_ids: Sequence[bytes]
    ) -> tuple[Ints, list[str]]:
        """Each store's value of a label: its position in a list of values.

        Empty where it has none. ``key``: the same as long as ``store_ids`` are.
        """
        with self._lock:
            known = self._current()
            kept = self._columns.get(name)
            if kept is None or kept[0] != key:
                values = [
                    known.get(store_id, NO_LABELS).labels.get(name, "")
                    for store_id in store_ids
                ]
                kept = (key, *_numbered(values))
                self._columns[name] = kept
        return kept[1], kept[2]

    def _current(self) -> dict[bytes, Labels]:
        """All labels, with what has changed since this was asked last."""
        if self._known is None:
            self._touched = set()
            self._known = {
                store_id: decode(value)
                for store_id, value in self._table.scan(self._partition)
            }
        if self._touched:
            some, self._touched = sorted(self._touched), set()
            changed = dict(self._known)
            for store_id in some:
                changed.pop(store_id, None)
                value = self._table.read(self._partition, store_id)
                if value is not None:
                    changed[store_id] = decode(value)
            self._known = changed
            self._columns = {}
        return self._known


def _numbered(values: Sequence[str]) -> tuple[Ints, list[str]]:
    """The distinct values, and the position of each one."""
    number: dict[str, int] = {}
    positions = [number.setdefault(value, len(number)) for value in values]
    return np.array(positions, np.int64), list(number)
