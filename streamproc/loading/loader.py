"""Loads CSV files into the topics: hours and zones first, then polls by time."""

import csv
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from streamproc.errors import LoadError
from streamproc.loading import csv_files
from streamproc.loading.csv_files import PollFile, Refused
from streamproc.topics import Topics
from streamproc.transport.client import Client
from streamproc.transport.topic import Topic

MESSAGES_AT_ONCE = 20_000


class ProgressBar(Protocol):
    """What shows how far a step has come."""

    def advance(self, count: int) -> None:
        """Count some more."""


NewProgress = Callable[[str, int | None, str], AbstractContextManager[ProgressBar]]
"""Called with label, total and unit of a step."""


@dataclass(slots=True)
class Loaded:
    """What came of it: messages published, rows refused by reason, and by file, too.

    ``rejects``: the files that refused rows were written to.
    """

    polls: int = 0
    hours: int = 0
    zones: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    refused_in: Counter[tuple[Path, str]] = field(default_factory=Counter)
    rejects: list[Path] = field(default_factory=list)


@dataclass
class Loader:
    """Loads files through a client; see ``docs/operations.md``.

    ``strict``: the first refused row raises LoadError. ``fallback_dir``: where
    the rejects files go when the input's directory cannot be written.
    """

    client: Client
    topics: Topics
    now_us: int
    new_progress: NewProgress
    fallback_dir: Path
    strict: bool = False
    loaded: Loaded = field(default_factory=Loaded)

    async def load(
        self, polls: Path | None, hours: Path | None, zones: Path | None
    ) -> Loaded:
        """Check all files, then publish; nothing is published when one is bad."""
        hours_table = self._read(hours, csv_files.read_hours)
        zones_table = self._read(zones, csv_files.read_zones)
        poll_file = self._read_polls(polls)
        for topic, table in (
            (self.topics.hours, hours_table),
            (self.topics.zones, zones_table),
        ):
            if table is not None:
                await self._publish(
                    topic, [(table.keys, table.values)], len(table.keys)
                )
        if poll_file is not None:
            messages = poll_file.messages(MESSAGES_AT_ONCE)
            await self._publish(self.topics.polls, messages, len(poll_file))
            self.loaded.polls = len(poll_file)
        self.loaded.hours = len(hours_table.keys) if hours_table else 0
        self.loaded.zones = len(zones_table.keys) if zones_table else 0
        return self.loaded

    def _read(
        self,
        path: Path | None,
        read: Callable[
            [Path, csv_files.Progress, Callable[[Refused], None]], csv_files.Table
        ],
    ) -> csv_files.Table | None:
        if path is None:
            return None
        with self._rejects(path) as refuse, self._reading(path) as progress:
            return read(path, progress.advance, refuse)

    def _read_polls(self, path: Path | None) -> PollFile | None:
        if path is None:
            return None
        file = PollFile(path)
        with self._rejects(path) as refuse, self._reading(path) as progress:
            file.read(self.now_us, progress.advance, refuse)
        return file

    def _reading(self, path: Path) -> AbstractContextManager[ProgressBar]:
        try:
            size = path.stat().st_size
        except OSError as exc:
            raise LoadError(f"{path}: {exc.strerror}") from exc
        return self.new_progress(f"reading {path.name}", size, "B")

    async def _publish(
        self,
        topic: Topic,
        messages: Iterable[tuple[list[bytes], list[bytes]]],
        total: int,
    ) -> None:
        with self.new_progress(f"publishing {topic.name}", total, "messages") as bar:
            for keys, values in messages:
                if keys:
                    await self.client.publish(topic, keys, values)
                bar.advance(len(keys))

    @contextmanager
    def _rejects(self, path: Path) -> Iterator[Callable[[Refused], None]]:
        """Keep refused rows in a file; it appears with the first of them."""
        rejects = RejectsFile(path, self.fallback_dir)

        def refuse(row: Refused) -> None:
            if self.strict:
                raise LoadError(f"{row.path}, line {row.line}: {row.message}")
            self.loaded.refused[row.reason] += 1
            self.loaded.refused_in[row.path, row.reason] += 1
            rejects.add(row)

        try:
            yield refuse
        finally:
            rejects.close()
        if rejects.path is not None:
            self.loaded.rejects.append(rejects.path)


class RejectsFile:
    """``INPUT.rejects.csv``, beside the input or else in the fallback directory."""

    def __init__(self, source: Path, fallback_dir: Path) -> None:
        self._name = f"{source.name}.rejects.csv"
        beside = os.access(source.parent, os.W_OK)
        self._directory = source.parent if beside else fallback_dir
        self.path: Path | None = None

    def add(self, row: Refused) -> None:
        """Write one refused row: line, reason, message, and the row itself."""
        if self.path is None:
            self._directory.mkdir(parents=True, exist_ok=True)
            self.path = self._directory / self._name
            self._stream = self.path.open("w", encoding="utf-8", newline="")
            self._writer = csv.writer(self._stream)
            self._writer.writerow(("line", "reason", "message", "row"))
        self._writer.writerow((row.line, row.reason, row.message, ",".join(row.row)))

    def close(self) -> None:
        """Finish the file, if there is one."""
        if self.path is not None:
            self._stream.close()
