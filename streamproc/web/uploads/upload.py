"""One file: read and judged as ``load`` does it, then published, or forgotten.

Between the two only the file is kept: what was read of it is let go, and read again.
"""

import asyncio
import csv
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from streamproc.errors import OptionNeededError, StreamprocError
from streamproc.loading import publishing
from streamproc.loading.choices import on_page
from streamproc.loading.loader import Loader
from streamproc.loading.options import Files, Loaded
from streamproc.loading.reading import reading_of
from streamproc.loading.source import check_unpacked
from streamproc.origin import Origin, new_change
from streamproc.rejected import LOAD, Rejected
from streamproc.transport.connect import connect
from streamproc.web.refusal import Refusal
from streamproc.web.site import Site

SHOWN = 20
"""Refused rows that are shown; all of them can be had as a file."""

SWELLS = 32
"""So many times the size of a body a file may have when it is unpacked."""

READ, REFUSED, PUBLISHING, PUBLISHED, FAILED = (
    *("read", "refused", "publishing"),
    *("published", "failed"),
)


@dataclass
class Upload:
    """A file and how far it is. ``state``: one of those above.

    ``texts``: of the fields that say how it is read. ``most_bytes``: it may have when
    it is unpacked. ``done`` of ``total`` messages are published; ``why``: what stands
    against it, ``option`` and ``value``: what answers that, empty where nobody knows.
    """

    token: str
    name: str
    kind: str
    directory: Path
    most_bytes: int
    by: str = ""
    texts: Mapping[str, str] = field(default_factory=dict)
    now_us: int = 0
    state: str = READ
    why: str = ""
    option: str = ""
    value: str = ""
    done: int = 0
    loaded: Loaded = field(default_factory=Loaded)
    refused_rows: list[list[str]] = field(default_factory=list)
    _counts: bool = False

    @property
    def path(self) -> Path:
        """Where the file is."""
        return self.directory / self.name

    @property
    def rejects(self) -> Path | None:
        """Where its refused rows are, if there are any."""
        return next(iter(self.loaded.rejects), None)

    def text_of(self, option: str) -> str:
        """What the field of an option holds; with what is sure to belong there."""
        text, sure = self.texts.get(option, ""), self.value
        if not sure or option != self.option:
            return text
        return f"{text},{sure}" if text else sure

    @property
    def can_be_published(self) -> bool:
        """Whether it was read, and is not in the log yet, or not all of it."""
        return self.state in (READ, FAILED) and self.total > 0

    @property
    def total(self) -> int:
        """Messages that would be published."""
        told = self.loaded
        return told.polls + told.hours + told.zones + sum(told.more.values())

    @contextmanager
    def step(self, label: str, total: int | None, unit: str) -> Iterator["Upload"]:
        """Progress of a step, as the loader tells of it; of reading nothing is told."""
        self._counts = unit == "messages"
        yield self

    def advance(self, count: int) -> None:
        """Count some more messages that are published."""
        if self._counts:
            self.done += count

    def forget(self) -> None:
        """Let go of the file."""
        shutil.rmtree(self.directory, ignore_errors=True)


def read_in(upload: Upload) -> Loader:
    """Read and judge the file as its fields say; raises StreamprocError or OSError."""
    reading = reading_of(upload.texts)
    check_unpacked(upload.path, upload.most_bytes)
    loader = Loader(upload.now_us, upload.step, upload.directory, reading)
    upload.loaded = loader.loaded
    loader.read(Files.of({upload.kind: upload.path}))
    return loader


def try_out(upload: Upload, kind: str, texts: Mapping[str, str], now_us: int) -> None:
    """Read and judge the file, anew if need be; nothing is published."""
    upload.kind, upload.texts, upload.now_us = kind, texts, now_us
    upload.state, upload.why, upload.option, upload.value = READ, "", "", ""
    upload.loaded, upload.refused_rows = Loaded(), []
    try:
        read_in(upload)
    except (StreamprocError, OSError) as exc:
        _refuse(upload, exc)
    if upload.rejects is not None:
        with upload.rejects.open(newline="") as stream:
            rows = csv.reader(stream)
            next(rows, None)
            upload.refused_rows = [row for row, _ in zip(rows, range(SHOWN))]  # noqa: B905


def _refuse(upload: Upload, exc: Exception) -> None:
    upload.state, upload.why = REFUSED, str(exc)
    if isinstance(exc, OptionNeededError):
        upload.why = exc.tell(on_page)
        upload.option, upload.value = exc.option, exc.value
    # Where the file lies here is nobody's business.
    upload.why = upload.why.replace(f"{upload.directory}/", "")


async def publish(site: Site, upload: Upload, reading: asyncio.Lock) -> None:
    """Publish the file, and count what was refused; the state says how it went.

    ``reading``: held while a file is read, of which one is in memory at a time.
    """
    try:
        async with reading:
            loader = await asyncio.to_thread(read_in, upload)
            await _publish(site, upload, loader)
        await site.appender.keep(_refused(site, upload))
        upload.state = PUBLISHED
    except (StreamprocError, Refusal, OSError) as exc:
        upload.state, upload.why = FAILED, str(exc)
    except asyncio.CancelledError:
        upload.state, upload.why = FAILED, "The worker was stopped."
        raise


async def _publish(site: Site, upload: Upload, loader: Loader) -> None:
    upload.done = 0
    client = await connect(site.program.settings)
    origin = Origin(new_change(), LOAD, upload.by or None, upload.name)
    try:
        await publishing.publish(loader, client, site.program.topics, origin)
    finally:
        await client.close()


def _refused(site: Site, upload: Upload) -> list[Rejected]:
    topic = getattr(site.program.topics, upload.kind).name
    return [
        Rejected(
            LOAD,
            reason,
            f"rows of {upload.name}, uploaded",
            topic,
            count=count,
            file=upload.name,
        )
        for reason, count in upload.loaded.refused.items()
    ]
