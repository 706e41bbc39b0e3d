"""Table ``changes``: what was changed of stores, by whom, with the values before.

Written by ``agents.stores`` before the facts themselves: after a crash in between the
same records are read again, which change the facts and are not noted twice, since the
offset is kept up to which a topic's records are noted. See ``tables.changed``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import faust
import orjson

from streamproc.rules.units import DAY_MS
from tables.batch_table import BatchTable
from tables.changed import (
    FIRST,
    Head,
    Noted,
    decode_head,
    encode,
    encode_time,
    runs_of,
)

STATE = b"\0state"
"""Key of what is known of the log itself."""

MOST_RUNS = 10_000
"""Runs that a partition keeps; the oldest go first."""

_LET_GO_AT_ONCE = 500


@dataclass
class State:
    """How many runs there are, and up to where each topic's records are noted.

    ``seen``: by kind, the offset and the latest time, in milliseconds, of what was
    noted. Records that come after a topic was made anew begin at 0 once more, but
    are later.
    """

    runs: int = 0
    seen: dict[str, tuple[int, int]] = field(default_factory=dict)

    def is_noted(self, kind: str, offset: int, at_ms: int) -> bool:
        """Whether a record was read before."""
        last, latest_ms = self.seen.get(kind, (-1, -1))
        return offset <= last and at_ms <= latest_ms

    def note(self, kind: str, offset: int, at_ms: int) -> None:
        """All up to here is noted."""
        _, latest_ms = self.seen.get(kind, (-1, -1))
        self.seen[kind] = offset, max(latest_ms, at_ms)


class ChangeLog(BatchTable):
    """Runs of changes by their time."""

    own_keys = (*BatchTable.own_keys, STATE)

    def __init__(self, app: faust.App, *, history_days: int = 400, **kw: Any) -> None:
        super().__init__(app, **kw)
        self._kept_ms = history_days * DAY_MS
        self._stores: dict[int, tuple[int, frozenset[str]]] = {}

    def take_over(self) -> None:
        """Write again: the partitions have been assigned anew."""
        super().take_over()
        self._stores.clear()

    async def note(
        self, partition: int, kind: str, noted: Sequence[Noted], now_ms: int
    ) -> None:
        """Write what a batch's records change, once; durable when it returns.

        ``kind``: name of the table they are of; ``noted`` in the order of the records.
        """
        if not noted:
            return
        async with self.exclusive(partition):
            state = self._state(partition)
            fresh = [
                one for one in noted if not state.is_noted(kind, one.offset, one.at_ms)
            ]
            if fresh:
                await self._write_runs(partition, kind, fresh, state, now_ms)

    async def _write_runs(
        self,
        partition: int,
        kind: str,
        fresh: Sequence[Noted],
        state: State,
        now_ms: int,
    ) -> None:
        changes: dict[bytes, bytes | None] = {
            run.head.key: encode(run) for run in runs_of(kind, fresh)
        }
        state.runs += len(changes)
        gone = self._to_let_go(partition, state.runs - MOST_RUNS, now_ms)
        state.runs -= len(gone)
        state.note(kind, fresh[-1].offset, max(one.at_ms for one in fresh))
        changes |= dict.fromkeys(gone)
        changes[STATE] = orjson.dumps(state)
        await self.write(partition, changes)

    def _state(self, partition: int) -> State:
        value = self.read(partition, STATE)
        if value is None:
            return State()
        told = orjson.loads(value)
        return State(told["runs"], {k: (o, ms) for k, (o, ms) in told["seen"].items()})

    def _to_let_go(self, partition: int, too_many: int, now_ms: int) -> list[bytes]:
        """Keys of the oldest runs: those past their time, and those that are too many.

        Some at a time; the next change goes on.
        """
        kept = encode_time(now_ms - self._kept_ms)
        gone: list[bytes] = []
        for keys, _ in self.runs(partition, FIRST):
            for key in keys:
                is_old = key < kept or len(gone) < too_many
                if not is_old or len(gone) == _LET_GO_AT_ONCE:
                    return gone
                gone.append(key)
        return gone

    def since(self, partition: int, begin_ms: int = 0) -> Iterator[tuple[Head, bytes]]:
        """Runs from a time on, oldest first: whence each comes, and its value."""
        for _, values in self.runs(partition, encode_time(begin_ms)):
            for value in values:
                yield decode_head(value), value

    def stores(self, partition: int) -> frozenset[str]:
        """Ids of the stores of which anything is noted, ``*`` for all.

        Kept until something is written: each page of a store asks for it.
        """
        version = self.data.versions[partition]
        known = self._stores.get(partition)
        if known is not None and known[0] == version:
            return known[1]
        runs = self.since(partition)
        found = frozenset(store_id for head, _ in runs for store_id in head.store_ids)
        self._stores[partition] = version, found
        return found
