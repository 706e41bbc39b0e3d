"""Reads CSV files: what is known of stores first, then polls, and judges them all.

``judging`` says what is not believed; ``publishing`` comes after it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from streamproc.errors import LoadError
from streamproc.loading.dates import read_exclusions, read_special_hours
from streamproc.loading.hours import read_hours
from streamproc.loading.judging import Judge
from streamproc.loading.labels import read_labels
from streamproc.loading.options import Files, Loaded, NewProgress, Reading
from streamproc.loading.polls import PollFile
from streamproc.loading.refused import Refused, RejectsFile
from streamproc.loading.source import size_of
from streamproc.loading.stores import StoreFile
from streamproc.loading.zones import read_zones


@dataclass
class Loader:
    """Reads files and judges them; see ``docs/files.md``.

    ``fallback_dir``: where the rejects files go when the input's directory cannot be
    written. ``stores`` and ``polls``: what was read.
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
        for path, kind, reader in (
            (files.hours, "hours", partial(read_hours, weekdays=self.reading.weekdays)),
            (files.zones, "zones", read_zones),
            (files.special_hours, "special hours", read_special_hours),
            (files.exclusions, "exclusions", read_exclusions),
            (files.labels, "labels", read_labels),
        ):
            if path is not None:
                with self._read(path, kind) as (progress, tell):
                    self.stores.append(reader(path, progress, tell, names))
        for path in files.polls:
            if self.polls is None:
                self.polls = PollFile(path, names, self.reading.words)
            else:
                self.polls.go_on_in(path)
            with self._read(path, "polls") as (progress, tell):
                self.polls.read(self.now_us, progress, tell)
        Judge(self.reading, self.loaded, self.stores, self.polls).judge()
        self._count()
        return self.loaded

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
