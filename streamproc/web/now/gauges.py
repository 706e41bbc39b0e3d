"""Stores by state as Prometheus gauges: of the partitions that are here."""

from collections.abc import Sequence

import numpy as np
from prometheus_client import Gauge

from streamproc.program import Program
from streamproc.rules.now import STATES
from streamproc.web.now.calls import Wanted, part_of
from streamproc.web.now.counts import Counts, added_by_value, commonest
from tables.boards import BoardNotReadyError
from tables.fencing import PartitionLostError


class StateGauges:
    """How many stores are in each state, all of them and by the values of labels.

    They have no samples while that is not known.
    """

    def __init__(self, program: Program) -> None:
        self._program = program
        registry = program.metrics.registry
        self._stores = Gauge(
            "streamproc_stores",
            "Stores of this worker's partitions by what they are now.",
            ["state"],
            registry=registry,
        )
        self._by_label = Gauge(
            "streamproc_stores_by_label",
            "The same by the values of the labels in state_labels; * for rarer ones.",
            ["label", "value", "state"],
            registry=registry,
        )

    def set(self) -> None:
        """Look at all boards."""
        labels = self._program.settings.state_label_names
        self._stores.clear()
        self._by_label.clear()
        try:
            parts = [self._part(p, labels) for p in self._partitions()]
        except (BoardNotReadyError, PartitionLostError):
            return  # no figure rather than a wrong one
        for state, name in enumerate(STATES):
            self._stores.labels(name).set(sum(counts[state] for counts, _ in parts))
        for label in labels:
            self._set_label(label, [by[label] for _, by in parts])

    def _partitions(self) -> list[int]:
        return self._program.histories.partitions_owned()

    def _part(
        self, partition: int, labels: Sequence[str]
    ) -> tuple[Counts, dict[str, dict[str, Counts]]]:
        """Counts of a partition, and those of each label's values."""
        boards = self._program.boards
        now_us = self._program.now_us()
        view, book = boards.view(partition, now_us), boards.labels(partition)
        counts = np.bincount(view.state, minlength=len(STATES)).tolist()
        return counts, {
            label: part_of(view, book, Wanted(now_us, by=label)).by for label in labels
        }

    def _set_label(self, label: str, parts: Sequence[dict[str, Counts]]) -> None:
        """One label's values; beyond so many, the rarer ones together."""
        most = self._program.settings.state_label_values
        for value, counts in commonest(added_by_value(parts), most).items():
            for name, count in zip(STATES, counts, strict=True):
                self._by_label.labels(label, value, name).set(count)
