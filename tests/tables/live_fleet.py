"""A partition's tables with the boards on them, and an oracle beside."""

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from streamproc.cells import Cells
from streamproc.rules import history, packing
from streamproc.rules.business import NONE
from streamproc.rules.now import STATES
from streamproc.rules.standing import NowRules
from streamproc.rules.units import DAY_US
from streamproc.settings import Settings
from tables.board import View
from tables.boards import Boards
from tables.fact_tables import FactTables
from tests.reference_now import Store, now_of
from tests.tables.fakes import PARTITION, Changelog, open_table, put

NOON_US = 1_793_534_400_000_000  # 2026-11-01 12:00 UTC: clocks change in Chicago
WHAT = {1: True, 0: False, -1: None}


@dataclass
class Fleet:
    """The tables of a partition, the boards on them, and all that was put in."""

    histories: Any
    facts: FactTables
    labels: Any
    by: NowRules
    polls: dict[bytes, list[tuple[int, bool]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.boards = self.fresh()

    def fresh(self) -> Boards:
        """Boards that know nothing yet."""
        parts = self.histories, self.facts, self.labels, self.by
        return Boards(*parts, lambda: True)

    async def poll(
        self, polls: list[tuple[bytes, int, bool]], sent_ms: int | None = None
    ) -> None:
        """Add a batch of polls, as the agent does; they were sent now unless said."""
        store_ids = sorted({store_id for store_id, _, _ in polls})
        codes = np.array([store_ids.index(i) for i, _, _ in polls], np.int64)
        packed = packing.pack([(at_us, active) for _, at_us, active in polls])
        cells, newest_us = Cells.of(store_ids), max(at_us for _, at_us, _ in polls)
        segments = history.group(codes, packed)
        await self.histories.add(PARTITION, cells, segments, newest_us)
        sent_ms = round(time.time() * 1000) if sent_ms is None else sent_ms
        self.boards.add(PARTITION, cells, codes, packed, sent_ms)
        for store_id, time_us, active in polls:
            self.polls.setdefault(store_id, []).append((time_us, active))

    async def know(self, table: Any, key: bytes, value: bytes) -> None:
        """Write a fact, as the agent does."""
        await put(table, {key: value})
        self.boards.touch(PARTITION, [key.partition(b"\0")[0]])

    def view(self, as_of_us: int) -> View:
        """What the board says."""
        return self.boards.view(PARTITION, as_of_us)

    def told(self, as_of_us: int) -> dict[bytes, tuple[str, int | None]]:
        """State and since of each store, as the board says."""
        view = self.view(as_of_us)
        return {
            store_id: (STATES[view.state[row]], _or_none(int(view.since_us[row])))
            for row, store_id in enumerate(view.store_ids)
        }

    def walked(self, as_of_us: int) -> dict[bytes, tuple[str, int | None]]:
        """The same, as the oracle walks the whole history."""
        found = {}
        of_all = self.facts.of_all(PARTITION)
        known = self.facts.between(PARTITION, b"", None).store_ids
        for store_id in {*self.polls, *known}:
            own = self.facts.of(PARTITION, store_id).with_all(of_all)
            span = NOON_US - 30 * DAY_US, NOON_US + 12 * DAY_US
            store = Store(
                self.polls.get(store_id, []),
                own.open_between(*span),
                own.business_between(*span),
                [(c.begin_us, c.end_us, WHAT[c.status]) for c in own.corrections],
                self.by.rules.hold_us,
                self.by.bridge_us,
            )
            found[store_id] = now_of(store, as_of_us)
        return found


def _or_none(time_us: int) -> int | None:
    return None if time_us == NONE else time_us


async def open_fleet(settings: Settings) -> Fleet:
    """Empty tables, and boards on them."""
    names = ("histories", "hours", "zones", "special_hours", "exclusions")
    histories, *facts, labels = [
        await open_table(settings, Changelog(), name=name)
        for name in (*names, "labels")
    ]
    by = NowRules(settings.rules, settings.bridge_us)
    return Fleet(histories, FactTables(*facts), labels, by)
