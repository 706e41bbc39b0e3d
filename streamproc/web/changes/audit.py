"""Who changed what of a store, and when: as far as the topics' records tell.

Topics of facts are compacted: the newest record of each fact is kept, and older ones
until the broker compacts them; a fact that was forgotten for as long as the broker
keeps that.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from faust.types import TP

from streamproc.program import Program
from streamproc.report.record import time_text
from streamproc.transport.batch import Batch, Record, singles
from streamproc.transport.client import Client
from streamproc.transport.connect import connect
from streamproc.transport.partitioner import partition_for
from streamproc.transport.tail import read_to
from streamproc.transport.topic import Topic
from streamproc.web.changes.making import BY
from tables.fact_records import KINDS, read_message
from tables.facts import ALL_STORES

MOST_TOLD = 1_000
"""Of a store's changes; the newest ones."""

_NAMES = {
    "hours": "hours",
    "zones": "zone",
    "special_hours": "special-hours",
    "exclusions": "exclusions",
    "labels": "labels",
}


@dataclass(frozen=True, slots=True)
class StoreChange:
    """One change of a fact; ``what`` is its record, null where it was forgotten.

    ``key``: the date or the id of the fact, empty where a store has one only. ``by``:
    who made it, where that was told. ``of_all``: it was made of all stores.
    """

    at: str
    kind: str
    key: str
    by: str | None
    of_all: bool
    what: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class StoreChanges:
    """What was changed of a store, newest first, as far as records are kept.

    The newest record of each fact always is, older ones until their topic is compacted.
    """

    store_id: str
    changes: list[StoreChange]


@dataclass
class ChangesReader:
    """Reads the topics of facts; one reading at a time."""

    program: Program
    _client: Client | None = None
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def of(self, store_id: str) -> StoreChanges:
        """All changes of a store, or of all stores, that records are kept of."""
        partition = partition_for(store_id.encode(), self.program.settings.partitions)
        async with self._one_at_a_time:
            if self._client is None:
                self._client = await connect(self.program.settings)
            found: list[tuple[int, int, StoreChange]] = []
            for table in KINDS:
                topic: Topic = getattr(self.program.topics, table)
                tp = TP(topic.name, partition)
                async for batch in self._batches(self._client, topic, tp):
                    found += await asyncio.to_thread(_of_store, batch, table, store_id)
        found.sort(key=lambda one: one[:2], reverse=True)
        return StoreChanges(store_id, [change for _, _, change in found[:MOST_TOLD]])

    async def close(self) -> None:
        """Disconnect."""
        if self._client is not None:
            await self._client.close()

    @staticmethod
    async def _batches(client: Client, topic: Topic, tp: TP) -> AsyncIterator[Batch]:
        """All records of a partition that there are now."""
        begins, ends = (
            await client.begin_offsets(topic),
            await client.end_offsets(topic),
        )
        async for batch in read_to(client, {tp: begins[tp]}, {tp: ends[tp]}):
            yield batch


def _of_store(
    batch: Batch, table: str, store_id: str
) -> list[tuple[int, int, StoreChange]]:
    """A batch's changes of a store, each with when and where it stands."""
    return list(_changes(batch, table, {store_id.encode(), ALL_STORES}))


def _changes(
    batch: Batch, table: str, store_ids: set[bytes]
) -> Iterator[tuple[int, int, StoreChange]]:
    for one in singles(batch):
        if _may_be_of(one, store_ids):
            change = _change(one, table, store_ids)
            if change is not None:
                yield one.timestamp, one.offset, change


def _may_be_of(one: Record, store_ids: set[bytes]) -> bool:
    """Quick no for records of others: a producer may give any key, and escape."""
    key, value = one.key or b"", one.value or b""
    return b"\\u" in value or any(each in key or each in value for each in store_ids)


def _change(one: Record, table: str, store_ids: set[bytes]) -> StoreChange | None:
    """The change that a record makes; None for one of others, or that was refused."""
    try:
        fact = read_message(0, one.key, one.value, one.timestamp, KINDS[table])
    except Exception:  # for the agents that is a refusal, too
        return None
    if fact.store_id not in store_ids:
        return None
    what = None if fact.value is None else orjson.loads(one.value or b"null")
    return StoreChange(
        time_text(one.timestamp * 1_000),
        _NAMES[table],
        fact.text.decode(),
        _author(dict(one.headers), what),
        fact.is_of_all,
        what,
    )


def _author(headers: Mapping[str, bytes], what: Mapping[str, Any] | None) -> str | None:
    """Who made a change: by the record's header, else by what it says itself."""
    told = headers.get(BY)
    if told is not None:
        return told.decode(errors="replace")
    by = (what or {}).get(BY)
    return by if isinstance(by, str) else None
