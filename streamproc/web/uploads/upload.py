"""One file: read and judged as ``load`` does it, then published, or forgotten."""

import asyncio
import csv
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from streamproc.errors import StreamprocError
from streamproc.loading import publishing
from streamproc.loading.loader import Loader
from streamproc.loading.options import Files, Loaded, Reading
from streamproc.origin import Origin, new_change
from streamproc.rejected import LOAD, Rejected
from streamproc.transport.connect import connect
from streamproc.web.refusal import Refusal
from streamproc.web.site import Site

KINDS = ("polls", "hours", "zones", "special_hours", "exclusions", "labels")
SHOWN = 20
"""Refused rows that are shown; all of them can be had as a file."""

READ, REFUSED, PUBLISHING, PUBLISHED, FAILED = (
    *("read", "refused", "publishing"),
    *("published", "failed"),
)


@dataclass
class Upload:
    """A file and how far it is. ``state``: one of those above.

    ``done`` of ``total`` messages are published; ``why``: what stands against it.
    """

    token: str
    name: str
    kind: str
    directory: Path
    by: str = ""
    state: str = READ
    why: str = ""
    done: int = 0
    loader: Loader | None = None
    loaded: Loaded = field(default_factory=Loaded)
    refused_rows: list[list[str]] = field(default_factory=list)

    @property
    def path(self) -> Path:
        """Where the file is."""
        return self.directory / self.name

    @property
    def rejects(self) -> Path | None:
        """Where its refused rows are, if there are any."""
        return next(iter(self.loaded.rejects), None)

    @property
    def total(self) -> int:
        """Messages that would be published."""
        told = self.loaded
        return told.polls + told.hours + told.zones + sum(told.more.values())

    @contextmanager
    def step(self, label: str, total: int | None, unit: str) -> Iterator["Upload"]:
        """Progress of a step, as the loader tells of it."""
        yield self

    def advance(self, count: int) -> None:
        """Count some more; only messages, while they are published."""
        if self.state == PUBLISHING:
            self.done += count

    def forget(self) -> None:
        """Let go of the file and of what was read."""
        self.loader = None
        shutil.rmtree(self.directory, ignore_errors=True)


def new_upload(token: str, name: str, kind: str, content: bytes, by: str) -> Upload:
    """An upload whose file is in a directory of its own."""
    directory = Path(tempfile.mkdtemp(prefix="streamproc-upload-"))
    upload = Upload(token, name, kind, directory, by)
    upload.path.write_bytes(content)
    return upload


def try_out(upload: Upload, now_us: int) -> None:
    """Read and judge the file; nothing is published."""
    reading = Reading(skip_refused=True)
    upload.loader = Loader(now_us, upload.step, upload.directory, reading)
    try:
        upload.loader.read(Files(**{upload.kind: upload.path}))
    except (StreamprocError, OSError) as exc:
        upload.state = REFUSED
        # Where the file lies here is nobody's business.
        upload.why = str(exc).replace(f"{upload.directory}/", "")
    upload.loaded = upload.loader.loaded
    if upload.rejects is not None:
        with upload.rejects.open(newline="") as stream:
            rows = csv.reader(stream)
            next(rows, None)
            upload.refused_rows = [row for row, _ in zip(rows, range(SHOWN))]  # noqa: B905


async def publish(site: Site, upload: Upload) -> None:
    """Publish what was read, and count what was refused; the state says how it went."""
    try:
        assert upload.loader is not None  # it was tried out
        client = await connect(site.program.settings)
        topics = site.program.topics
        origin = Origin(new_change(), LOAD, upload.by or None, upload.name)
        try:
            await publishing.publish(upload.loader, client, topics, origin)
        finally:
            await client.close()
        await site.appender.keep(_refused(site, upload))
        upload.state = PUBLISHED
    except (StreamprocError, Refusal, OSError) as exc:
        upload.state, upload.why = FAILED, str(exc)
    except asyncio.CancelledError:
        upload.state, upload.why = FAILED, "The worker was stopped."
        raise


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
