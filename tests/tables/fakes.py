"""A changelog in memory, and what of Faust's app a table asks; RocksDB is real."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from faust.types import TP

from streamproc.cells import Cells
from streamproc.settings import Settings
from streamproc.transport.batch import Batch
from streamproc.transport.columns import Columns
from streamproc.worker import app
from tables.batch_table import BatchTable

PARTITION = 0


class Changelog:
    """Producer, consumer and reader of one partition, for one worker.

    ``happened`` is shared with whoever else wants to note what came when. ``fail``:
    what the next append raises. ``member``: whether the group counts this worker in.
    """

    def __init__(self) -> None:
        self.records: list[tuple[bytes, bytes | None]] = []
        self.happened: list[str] = []
        self.fail: Exception | None = None
        self.member = True
        self.begin = 0

    async def append_batch(
        self,
        topic: str,
        partition: int,
        keys: Sequence[bytes],
        values: Sequence[bytes | None],
        headers: Any = None,
    ) -> int:
        """Append records; return the offset of the last."""
        if self.fail is not None:
            raise self.fail
        self.append(dict(zip(keys, values, strict=True)))
        return len(self.records) - 1

    def append(self, changes: Mapping[bytes, bytes | None]) -> None:
        """Append as another worker would."""
        self.records += changes.items()
        self.happened.append("changelog")

    async def is_member(self) -> bool:
        """Whether the group still counts this worker in."""
        return self.member

    async def keys_between(self, tp: TP, first: int, end: int) -> set[bytes]:
        """Keys of the records with ``first`` <= offset < ``end``."""
        return {key for key, _ in self.records[first:end]}

    async def highwaters(self, *tps: TP) -> dict[TP, int]:
        """End of the partition."""
        return {tp: len(self.records) for tp in tps}

    async def log_starts(self, *tps: TP) -> dict[TP, int]:
        """Where records were deleted up to."""
        return dict.fromkeys(tps, self.begin)

    async def earliest_offsets(self, *tps: TP) -> dict[TP, int]:
        """Begin of the partition."""
        return dict.fromkeys(tps, self.begin)

    async def read(self, positions: Mapping[TP, int], timeout_s: float) -> list[Batch]:
        """Some records from the position on, a few at a time."""
        ((tp, first),) = positions.items()
        some = self.records[first : first + 3]
        columns = Columns(
            np.arange(first, first + len(some)),
            np.zeros(len(some), np.int64),
            Cells.of([key for key, _ in some]),
            Cells.of([value for _, value in some]),
        )
        return [Batch(tp, columns)] if some else []

    async def rewind(self, tp: TP) -> int:
        """Read a partition of the input from its beginning."""
        self.happened.append(f"rewind {tp.topic}")
        return 0

    async def close(self) -> None:
        """Nothing is open."""


class App:
    """What a table asks of Faust's app."""

    def __init__(self, conf: Any, changelog: Changelog) -> None:
        self.conf = conf
        self.producer = self.consumer = changelog
        self.consumer_generation_id = 1
        self.tables = SimpleNamespace(actives_ready=True)
        self.assignor = SimpleNamespace(
            is_active=lambda tp: True, assigned_standbys=set
        )
        self.crashed: list[BaseException] = []

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The test's."""
        return asyncio.get_running_loop()

    async def crash(self, reason: BaseException) -> None:
        """Note the reason."""
        self.crashed.append(reason)


def make(settings: Settings, changelog: Changelog, name: str = "zones") -> Any:
    """A table of the program with the changelog given; no worker runs."""
    table: Any = getattr(app.build(settings), name)
    table.changelog(PARTITION)  # is known from now on
    table.app = table.data.app = App(table.app.conf, changelog)
    table.add_future = asyncio.ensure_future

    async def connect() -> Changelog:
        return changelog

    table.connect = connect
    return table


async def open_table(settings: Settings, changelog: Changelog, **named: Any) -> Any:
    """The same, with its partition's database open."""
    table = make(settings, changelog, **named)
    await table.data._try_open_db_for_partition(PARTITION, generation_id=1)
    if table.name == "histories":
        table.archive = await open_table(settings, Changelog(), name="archive")
    return table


async def put(table: Any, changes: Mapping[bytes, bytes | None]) -> None:
    """Write as an agent does."""
    async with table.exclusive(PARTITION):
        await table.write(PARTITION, changes)


def directory(table: BatchTable) -> Path:
    """Where the partition's database lies."""
    path: Path = table.data.partition_path(PARTITION)
    return path
