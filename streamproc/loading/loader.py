"""Loads CSV files into the topics: what is known of stores first, then polls.

Everything is read and judged before anything is published.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from streamproc.errors import LoadError
from streamproc.loading.dates import read_exclusions, read_special_hours
from streamproc.loading.joins import Join, refuse_cut_ids
from streamproc.loading.labels import read_labels
from streamproc.loading.polls import PollFile
from streamproc.loading.refused import Refused, RejectsFile, counted
from streamproc.loading.source import size_of
from streamproc.loading.stores import StoreFile, read_hours, read_zones
from streamproc.rules.poll import STATUS
from streamproc.rules.schedule import Weekdays
from streamproc.topics import Topics, placed
from streamproc.transport.client import Client
from streamproc.transport.topic import Topic

MESSAGES_AT_ONCE = 100_000
"""Enough that a worker, which follows, finds many polls of a store together."""


class ProgressBar(Protocol):
    """What shows how far a step has come."""

    def advance(self, count: int) -> None:
        """Count some more."""


NewProgress = Callable[[str, int | None, str], AbstractContextManager[ProgressBar]]
"""Called with label, total and unit of a step."""


@dataclass(frozen=True, slots=True)
class Files:
    """What to load; each may be missing."""

    polls: Path | None = None
    hours: Path | None = None
    zones: Path | None = None
    special_hours: Path | None = None
    exclusions: Path | None = None
    labels: Path | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """How the files are to be read, and when they are not believed.

    ``names``: a file's own words for columns. ``words``: what its statuses say.
    ``weekdays``: how it counts them. ``strict``: the first refused row ends it.
    ``skip_refused``: stores whose hours or zone cannot be read are left as they were;
    without it nothing is published. ``leave_out``: they have no polls then, either.
    ``max_refused``: most of the polls' rows, a share, that may be refused. ``force``:
    ids that do not join, or are cut, are believed. ``until_us``: a time from which on
    no poll counts, so that what is older is kept in full.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, bool] = field(default_factory=lambda: STATUS)
    weekdays: Weekdays | None = None
    strict: bool = False
    skip_refused: bool = False
    leave_out: bool = False
    max_refused: float = 0.5
    force: bool = False
    until_us: int | None = None


@dataclass(slots=True)
class Loaded:
    """What came of it: messages to publish, rows refused by reason, and by file, too.

    ``more``: messages of other kinds. ``summary``: what there is to say of the files,
    ``remarks``: what to look at.
    """

    polls: int = 0
    hours: int = 0
    zones: int = 0
    more: dict[str, int] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    refused_in: Counter[tuple[Path, str]] = field(default_factory=Counter)
    rejects: list[Path] = field(default_factory=list)
    summary: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


@dataclass
class Loader:
    """Reads files, judges them, and publishes them; see ``docs/files.md``.

    ``fallback_dir``: where the rejects files go when the input's directory cannot be
    written. ``stores`` and ``polls``: what was read, until it is published.
    """

    now_us: int
    new_progress: NewProgress
    fallback_dir: Path
    reading: Reading = field(default_factory=Reading)
    loaded: Loaded = field(default_factory=Loaded)
    stores: list[StoreFile] = field(default_factory=list)
    polls: PollFile | None = None

    def read(self, files: Files) -> Loaded:
        """Read and judge all files; raises LoadError when one is not to be believed."""
        names = self.reading.names
        if files.hours is not None:
            with self._read(files.hours, "hours") as (progress, tell):
                self.stores.append(
                    read_hours(
                        files.hours, progress, tell, names, self.reading.weekdays
                    )
                )
        if files.zones is not None:
            with self._read(files.zones, "zones") as (progress, tell):
                self.stores.append(read_zones(files.zones, progress, tell, names))
        for path, kind, reader in (
            (files.special_hours, "special hours", read_special_hours),
            (files.exclusions, "exclusions", read_exclusions),
            (files.labels, "labels", read_labels),
        ):
            if path is not None:
                with self._read(path, kind) as (progress, tell):
                    self.stores.append(reader(path, progress, tell, names))
        if files.polls is not None:
            self.polls = PollFile(files.polls, names, self.reading.words)
            with self._read(files.polls, "polls") as (progress, tell):
                self.polls.read(self.now_us, progress, tell)
        self._judge()
        return self.loaded

    def _judge(self) -> None:
        """Raise LoadError for files that would make a wrong report."""
        self._refuse_broken_stores()
        if self.polls is not None:
            self._refuse_unread_polls(self.polls)
        for path, store_ids in self._ids():
            if not self.reading.force:
                refuse_cut_ids(path, store_ids)
        for file in self.stores:
            self.loaded.remarks += file.remarks
            self._judge_join(file)
        # Labels change no figure.
        counting = [file for file in self.stores if file.kind != "labels"]
        broken = set().union(*(file.broken for file in counting))
        if broken and self.reading.leave_out:
            self._leave_out(broken)
        if self.polls is not None and self.reading.until_us is not None:
            later = self.polls.keep_before(self.reading.until_us)
            if later:
                told = counted(later, "poll")
                self.loaded.summary.append(f"{told} at or after as_of: not counted")
        self._count()

    def _refuse_broken_stores(self) -> None:
        """Hours and zones that cannot be read are not absent."""
        told = [
            f"{counted(file.refused, 'row')} of {counted(len(file.broken), 'store')}"
            f" refused in {first}"
            for file in self.stores
            if (first := file.first_refused) is not None
        ]
        if told and not self.reading.skip_refused:
            left = (
                "leaves those stores out of the report"
                if self.reading.leave_out
                else "leaves those stores' hours and zones as they were"
            )
            raise LoadError(
                f"{'; '.join(told)}. Nothing was published; mend the rows, or"
                f" --skip-refused {left}"
            )

    def _refuse_unread_polls(self, file: PollFile) -> None:
        """Refused polls are lost observations; too many are no observation."""
        first, most = file.first_refused, self.reading.max_refused
        if first is None or (len(file) and file.refused <= most * file.rows):
            return
        raise LoadError(
            f"{file.refused:,} of {counted(file.rows, 'row')} refused in {first}."
            f" Nothing was published; --max-refused (a share, {most:g} now) allows more"
        )

    def _ids(self) -> Iterator[tuple[Path, Sequence[str]]]:
        for file in self.stores:
            yield file.path, file.store_ids
        if self.polls is not None:
            yield self.polls.path, self.polls.store_ids

    def _judge_join(self, file: StoreFile) -> None:
        """Say how many stores of a file have polls; refuse when it is next to none."""
        if self.polls is None or not file.store_ids:
            return
        join = Join(file.kind, set(file.store_ids), set(self.polls.store_ids))
        self.loaded.summary.append(str(join))
        if join.is_broken and not self.reading.force:
            raise LoadError(
                f"{join}: these are not the same ids ({join.examples()}). Nothing was"
                " published; --force does so all the same"
            )
        self.loaded.remarks += join.remarks()

    def _leave_out(self, broken: set[str]) -> None:
        """Stores of which something cannot be read have no row in the report."""
        for file in self.stores:
            file.leave_out(broken)
        if self.polls is not None:
            self.polls.leave_out(broken)
        shown = ", ".join(sorted(broken)[:3])
        self.loaded.remarks.append(
            f"{counted(len(broken), 'store')} left out of the report, as their hours or"
            f" zone cannot be read: {shown}{', …' if len(broken) > 3 else ''}"
        )

    def _count(self) -> None:
        kinds = {file.kind: file for file in self.stores}
        hours, zones = kinds.get("hours"), kinds.get("zones")
        self.loaded.hours = len(hours.store_ids) if hours else 0
        self.loaded.zones = len(zones.store_ids) if zones else 0
        self.loaded.more = {
            kind: len(kinds[kind].messages)
            for kind in ("special hours", "exclusions", "labels")
            if kind in kinds
        }
        self.loaded.polls = 0 if self.polls is None else len(self.polls)

    async def publish(self, client: Client, topics: Topics) -> None:
        """Publish what was read."""
        by_kind = {
            "hours": topics.hours,
            "zones": topics.zones,
            "special hours": topics.special_hours,
            "exclusions": topics.exclusions,
            "labels": topics.labels,
        }
        for file in self.stores:
            await self._publish_facts(client, by_kind[file.kind], file)
        if self.polls is not None:
            messages = self.polls.messages(MESSAGES_AT_ONCE, topics.polls.partitions)
            await self._publish(client, topics.polls, messages, len(self.polls))
        self.stores, self.polls = [], None  # a report may need the memory

    async def _publish_facts(
        self, client: Client, topic: Topic, file: StoreFile
    ) -> None:
        facts = placed(*file.columns(), topic.partitions)
        name, total = f"publishing {topic.name}", len(facts.keys)
        with self.new_progress(name, total, "messages") as bar:
            if total:
                await client.publish(
                    topic, facts.keys, facts.values, facts.headers, facts.partitions
                )
            bar.advance(total)

    async def _publish(
        self,
        client: Client,
        topic: Topic,
        messages: Iterable[tuple[Sequence[bytes | None], Sequence[bytes | None]]],
        total: int,
    ) -> None:
        with self.new_progress(f"publishing {topic.name}", total, "messages") as bar:
            for keys, values in messages:
                if len(keys):
                    await client.publish(topic, keys, values)
                bar.advance(len(keys))

    @contextmanager
    def _read(
        self, path: Path, kind: str
    ) -> Iterator[tuple[Callable[[int], None], Callable[[Refused], None]]]:
        """Show progress, and keep refused rows in a file."""
        rejects = RejectsFile(path, self.fallback_dir, kind)

        def refuse(row: Refused) -> None:
            if self.reading.strict:
                raise LoadError(f"{row}. Nothing was published")
            self.loaded.refused[row.reason] += 1
            self.loaded.refused_in[row.path, row.reason] += 1
            rejects.add(row)

        name = "standard input" if path.name == "-" else path.name
        try:
            with self.new_progress(f"reading {name}", size_of(path), "B") as bar:
                yield bar.advance, refuse
        finally:
            rejects.close()
        if rejects.count:
            self.loaded.rejects.append(rejects.path)
