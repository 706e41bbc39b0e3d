"""Keeps a log from growing: retention by time and compaction by key.

What Kafka's brokers do in the background. Work is cut into short steps, none of which
holds the log for long; ``at_leisure`` rests between them.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from faust.types import TP

from streamproc.errors import DamagedRecordsError
from streamproc.transport.sqlite.compaction import Compaction
from streamproc.transport.sqlite.log import Log
from streamproc.transport.sqlite.schema import TopicInfo

log = logging.getLogger(__name__)

_DIRTY_BYTES = 1 << 20
_REST = 3.0
"""How long it rests after a step, in lengths of the step."""

_EXPIRED_AT_ONCE = 100
_VACUUM_PAGES = 500


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What a step, or a whole run, has removed."""

    expired_batches: int = 0
    compacted_records: int = 0

    def __add__(self, other: "Cleaned") -> "Cleaned":
        """What both have removed."""
        return Cleaned(
            self.expired_batches + other.expired_batches,
            self.compacted_records + other.compacted_records,
        )

    def __bool__(self) -> bool:
        """Whether anything was removed."""
        return bool(self.expired_batches or self.compacted_records)


class Cleaner:
    """Cleans one log, again and again; one at a time, in any thread."""

    def __init__(self, log: Log, dirty_bytes: int = _DIRTY_BYTES) -> None:
        self._log = log
        self._dirty_bytes = dirty_bytes
        self._told: set[str] = set()
        self._used = self._pages()[0]

    def run(self, now_ms: int | None = None) -> Cleaned:
        """Expire and compact whatever is due, without a rest."""
        return sum(self.steps(now_ms), Cleaned())

    def steps(self, now_ms: int | None = None) -> Iterator[Cleaned]:
        """Expire and compact in short steps; others have the log between them.

        It may be left off after any step: the next run goes on from there.
        """
        now_ms = int(time.time() * 1000) if now_ms is None else now_ms
        used, _ = self._pages()
        grown = max(used - self._used, 0)
        self._log.forget_topics()
        for name in self._log.topics():
            info = self._log.topic(name)
            for partition in range(info.partitions):
                yield from self._expire(info, partition, now_ms)
                if info.compacted:
                    yield from self._compact_if_whole(info, partition, now_ms)
        yield from self._give_back_pages(grown)
        self._used, _ = self._pages()

    # -- retention ------------------------------------------------------------

    def _expire(
        self, info: TopicInfo, partition: int, now_ms: int
    ) -> Iterator[Cleaned]:
        """Delete old batches, but never what a consumer group has yet to read."""
        if info.retention_ms is None:
            return
        before_ms, deleted = now_ms - info.retention_ms, _EXPIRED_AT_ONCE
        while deleted == _EXPIRED_AT_ONCE:
            deleted = self._expire_some(info, partition, before_ms)
            yield Cleaned(expired_batches=deleted)

    def _expire_some(self, info: TopicInfo, partition: int, before_ms: int) -> int:
        with self._log.transaction() as db:
            done = db.execute(
                "SELECT min(next_offset) FROM committed"
                " WHERE topic_id = ? AND partition = ?",
                (info.id, partition),
            ).fetchone()[0]
            limit = "" if done is None else f" AND last_offset < {int(done)}"
            return db.execute(
                "DELETE FROM batch WHERE rowid IN (SELECT rowid FROM batch"
                f" WHERE topic_id = ? AND partition = ? AND newest_ms < ?{limit}"
                f" LIMIT {_EXPIRED_AT_ONCE})",
                (info.id, partition, before_ms),
            ).rowcount

    # -- compaction -----------------------------------------------------------

    def _compact_if_whole(
        self, info: TopicInfo, partition: int, now_ms: int
    ) -> Iterator[Cleaned]:
        """Leave a damaged partition as it is: the tables made of it may be whole."""
        place = self._log.partition(TP(info.name, partition))
        pass_ = Compaction(self._log, place, self._dirty_bytes, now_ms)
        try:
            for removed in pass_.steps():
                yield Cleaned(compacted_records=removed)
        except DamagedRecordsError as exc:
            if str(exc) not in self._told:
                self._told.add(str(exc))
                log.error("Not compacted: %s", exc)

    # -- free pages -----------------------------------------------------------

    def _give_back_pages(self, kept: int) -> Iterator[Cleaned]:
        """Return free pages to the file system, some at a time, but for ``kept``.

        Each one costs a page from the end of the file to be moved into its place. So
        as many as were taken since the run before are kept: they are used next.
        """
        _, free = self._pages()
        if free <= kept:
            return
        while free > kept:
            with self._log.writer() as db:
                pages = min(free - kept, _VACUUM_PAGES)
                # Not execute: that steps once, and frees a single page.
                db.executescript(f"PRAGMA incremental_vacuum({pages})")
            _, free = self._pages()
            yield Cleaned()
        with self._log.writer() as db:
            db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def _pages(self) -> tuple[int, int]:
        """How many pages of the file are used, and how many are free."""
        with self._log.reading() as db:
            (pages,) = db.execute("PRAGMA page_count").fetchone()
            (free,) = db.execute("PRAGMA freelist_count").fetchone()
        return pages - free, free


async def at_leisure(
    steps: Iterator[Cleaned],
    sleep: Callable[[float], Awaitable[object]],
    is_ending: Callable[[], bool],
    clock: Callable[[], float] = time.monotonic,
) -> Cleaned:
    """Take the steps in a thread, and the log for a share of the time only.

    Whoever writes to the log without a pause gets the lock again before others that
    wait for it. ``sleep``: for some seconds; may return early when it ends.
    """
    cleaned = Cleaned()
    while not is_ending():
        began = clock()
        step = await asyncio.to_thread(next, steps, None)
        if step is None:
            break
        cleaned += step
        await sleep(_REST * (clock() - began))
    return cleaned
