"""What stands for the broker and the table of reports, and notes what happens."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from faust.types import TP

from streamproc.cells import Cells
from streamproc.program import Program
from streamproc.report import record
from streamproc.report.messages import Message
from streamproc.report.record import Report
from streamproc.report.wire import Headers, Record, encode
from streamproc.settings import Settings
from streamproc.topics import topics_for
from streamproc.transport.batch import Batch
from streamproc.transport.columns import Columns
from tables.changed import Noted

NOW_US = 1_674_648_000_000_000  # 2023-01-25 12:00 UTC, a Wednesday


@dataclass
class Sent:
    """One record that was produced."""

    topic: str
    partition: int
    key: bytes
    value: bytes | None
    headers: Headers


@dataclass
class Happened:
    """Everything that was made durable, in its order."""

    events: list[Any] = field(default_factory=list)

    def sent(self, topic: str) -> list[Sent]:
        """What was produced to a topic."""
        return [e for e in self.events if isinstance(e, Sent) and e.topic == topic]


class Producer:
    """Stands for Faust's: notes what it is given, or raises ``error``."""

    def __init__(self, happened: Happened) -> None:
        self._happened = happened
        self.error: Exception | None = None

    async def append_batch(
        self,
        topic: str,
        partition: int,
        keys: Any,
        values: Any,
        headers: Any = None,
    ) -> None:
        """Note what is sent."""
        if self.error is not None:
            raise self.error
        for row, (key, value) in enumerate(zip(keys, values, strict=True)):
            of_row = (headers or {}).get(row, ())
            self._happened.events.append(Sent(topic, partition, key, value, of_row))


class Reports:
    """Stands for the table of reports: keeps what can be written, or raises."""

    def __init__(self, happened: Happened) -> None:
        self._happened = happened
        self.kept: dict[str, Report] = {}
        self.error: Exception | None = None
        self.mine = True

    def require(self, partition: int) -> None:
        """Be there."""

    def owns(self, partition: int) -> bool:
        """Whether this worker collects."""
        return self.mine

    def all(self) -> list[Report]:
        """What was saved."""
        return list(self.kept.values())

    async def save(self, changes: dict[str, Report | None]) -> None:
        """Write as the real one does: whole records, encoded."""
        if self.error is not None:
            raise self.error
        for name, report in changes.items():
            self._happened.events.append(("saved", name))
            if report is None:
                del self.kept[name]
            else:
                self.kept[name] = record.decode(record.encode(report))


def program(
    root: Path | None = None, settings: Settings | None = None, **parts: Any
) -> Program:
    """A program without a broker; ``parts`` replaces what stands for the rest.

    What was made durable, in its order: ``program.happened``.
    """
    settings = settings or Settings(
        data_dir=root or Path("nowhere"), partitions=2, hourly=False, monthly=False
    )
    happened = Happened()
    tables = SimpleNamespace(actives_ready=True)
    app: Any = SimpleNamespace(
        producer=Producer(happened),
        consumer_generation_id=1,
        tables=tables,
        rebalancing=False,
    )
    given: dict[str, Any] = {
        "histories": None,
        "archive": None,
        "hours": None,
        "zones": None,
        "special_hours": None,
        "exclusions": None,
        "labels": None,
        "reports": Reports(happened),
        "announced": None,
        "changes": ChangeLog(),
        "webhook": None,
        "now_us": lambda: NOW_US,
        **parts,
    }
    made = Program(settings, app, topics_for(settings), **given)
    made.__dict__["worker_id"] = "me"
    made.__dict__["happened"] = happened
    return made


def batch(
    values: list[bytes | None],
    headers: dict[int, Headers] | None = None,
    partition: int = 0,
    topic: str = "topic",
) -> Batch:
    """Records of one partition, all with the key ``42``, from offset 0 on."""
    count = len(values)
    return Batch(
        TP(topic, partition),
        Columns(
            np.arange(count),
            np.zeros(count, np.int64),
            Cells.of([b"42"] * count),
            Cells.of(values),
            headers or {},
        ),
    )


class Source(str):
    """A topic as an agent consumes it: its name."""

    maxsize: int | None = None


def mail(program: Program, *messages: Message | Record, partition: int = 0) -> Batch:
    """A batch of messages as a worker like the program sends them."""
    records = [
        one if isinstance(one, Record) else encode(one, program.identity)
        for one in messages
    ]
    return batch(
        [one.value for one in records],
        {row: one.headers for row, one in enumerate(records)},
        partition,
    )


class Stream:
    """Stands for Faust's: hands out batches, and notes what is acked."""

    def __init__(self, happened: Happened, *batches: Batch) -> None:
        self._happened = happened
        self._batches = batches

    def noack(self) -> "Stream":
        """Leave acking to the agent."""
        return self

    async def events(self) -> AsyncIterator[Any]:
        """Each batch as an event."""
        for one in self._batches:
            message = SimpleNamespace(
                tp=TP(one.topic, one.partition), generation_id=1, offset=one.offset
            )
            yield SimpleNamespace(value=one, message=message)

    async def ack(self, event: Any) -> None:
        """Note what is acked."""
        self._happened.events.append(("acked", event.value.partition))


class Table:
    """Stands for a table: notes what is written under its lock, or raises."""

    def __init__(self, name: str, happened: Happened) -> None:
        self.name = name
        self.error: Exception | None = None
        self.kept: dict[bytes, bytes] = {}
        self._happened = happened
        self._locked = False

    @asynccontextmanager
    async def exclusive(self, partition: int) -> AsyncIterator[None]:
        """The partition's lock."""
        self._locked = True
        yield
        self._locked = False

    def keys_under(
        self, partition: int, prefixes: Iterable[bytes]
    ) -> dict[bytes, list[bytes]]:
        """Keys that go on after a NUL byte behind a prefix."""
        return {
            prefix: keys
            for prefix in prefixes
            if (keys := [k for k in self.kept if k.startswith(prefix + b"\0")])
        }

    def read_many(self, partition: int, keys: Sequence[bytes]) -> list[bytes | None]:
        """Value of each key."""
        return [self.kept.get(key) for key in keys]

    async def write(self, partition: int, changes: dict[bytes, bytes | None]) -> None:
        """Note and keep what is written."""
        assert self._locked
        if self.error is not None:
            raise self.error
        self._happened.events.append(("written", self.name, partition, dict(changes)))
        for key, value in changes.items():
            self.kept.pop(key, None)
            if value is not None:
                self.kept[key] = value


class ChangeLog:
    """Stands for the log of changes: keeps what is noted."""

    def __init__(self) -> None:
        self.noted: list[Noted] = []

    async def note(
        self, partition: int, kind: str, noted: Sequence[Noted], now_ms: int
    ) -> None:
        """Keep them."""
        self.noted += noted


async def run_agent(
    program: Program, register: Callable[[Program], None], name: str, *batches: Batch
) -> None:
    """Register the agents of a module, and let the one of that name consume batches."""
    agents: dict[str, Any] = {}
    app: Any = program.app
    app.topic = lambda topic, **_: Source(topic)
    app.agent = lambda _, name: lambda agent: agents.setdefault(name, agent)
    app.crashed = []

    async def crash(reason: BaseException) -> None:
        app.crashed.append(reason)

    app.crash = crash
    register(program)
    await agents[name](Stream(program.__dict__["happened"], *batches))
