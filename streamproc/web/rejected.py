"""The newest refused records, read from their topic: why, where from, what."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Annotated

from aiohttp import web

from streamproc import rejected
from streamproc.errors import plain
from streamproc.rejected import Rejected
from streamproc.report.record import time_text
from streamproc.transport.client import Client
from streamproc.transport.connect import connect
from streamproc.web import requests
from streamproc.web.described import described
from streamproc.web.parameters import PAGE, Text, Whole
from streamproc.web.responses import json, page
from streamproc.web.shapes import OneOf
from streamproc.web.site import Site

PER_PARTITION = 500
PER_PAGE = 100
REASON = Text("reason")
LIMIT = Whole("limit", 100, 1, 2_000)
KEPT_S = 2.0
SHOWN_BYTES = 400
SHOWN_REASONS = 20
SHOWN_MESSAGE = 1_000
SHOWN_NAME = 250
"""Most characters of a field: any program may have written the record."""


@dataclass(frozen=True, slots=True)
class RejectedPage:
    """The newest records, newest first, and how many are kept in all."""

    records: list[Rejected]
    kept: int

    def reasons(self) -> list[tuple[str, int]]:
        """How often the most frequent reasons occur."""
        counts: Counter[str] = Counter()
        for one in self.records:
            counts[one.reason] += one.count
        return counts.most_common(SHOWN_REASONS)


@dataclass
class RejectedReader:
    """Reads the topic for the page; many readers share one reading."""

    site: Site
    _client: Client | None = None
    _page: RejectedPage = field(default_factory=lambda: RejectedPage([], 0))
    _read_at: float = float("-inf")
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def newest(self) -> RejectedPage:
        """The newest records of every partition, at most ``PER_PARTITION`` each."""
        async with self._one_at_a_time:
            if time.monotonic() - self._read_at > KEPT_S:
                self._page = await self._read()
                self._read_at = time.monotonic()
            return self._page

    async def close(self) -> None:
        """Disconnect."""
        if self._client is not None:
            await self._client.close()

    async def _read(self) -> RejectedPage:
        if self._client is None:
            self._client = await connect(self.site.program.settings)
        topic = self.site.program.topics.rejected
        begins = await self._client.begin_offsets(topic)
        ends = await self._client.end_offsets(topic)
        positions = {
            tp: max(begins[tp], end - PER_PARTITION)
            for tp, end in ends.items()
            if end > begins[tp]
        }
        records = [
            _clipped(one) async for one in rejected.read(self._client, positions, ends)
        ]
        records.sort(key=lambda r: (r.time_ms, r.offset), reverse=True)
        kept = sum(ends[tp] - begins[tp] for tp in ends)
        return RejectedPage(records, kept)


def _clipped(one: Rejected) -> Rejected:
    """The record with as much of each of its fields as is shown."""
    return replace(
        one,
        reason=_printable(one.reason, SHOWN_NAME),
        message=_printable(one.message, SHOWN_MESSAGE),
        topic=_printable(one.topic, SHOWN_NAME),
        file=_printable(one.file, SHOWN_NAME),
        key=None,
        value=one.value and one.value[:SHOWN_BYTES],
        kept_at="",
    )


def _printable(text: str, most: int) -> str:
    """The start of a text; what cannot be shown is written as escapes."""
    return plain(text[:most]) + (" …" if len(text) > most else "")


def value_text(one: Rejected) -> str:
    """The start of a value as text, and how long it is when that is not all."""
    if one.value is None:
        return "(no value)"
    text = plain(one.value[:SHOWN_BYTES].decode("utf-8", "backslashreplace"))
    return text + (f" … ({one.size} bytes)" if one.size > SHOWN_BYTES else "")


@dataclass(frozen=True, slots=True)
class RejectedRecord:
    """A refused record; without partition and offset when it was on no topic.

    ``value``: its start. ``count``: how many rows of ``file`` were refused like it.
    """

    time: str
    door: Annotated[str, OneOf((rejected.TOPIC, rejected.GATEWAY, rejected.LOAD))]
    reason: str
    message: str
    topic: str
    partition: str
    offset: str
    file: str
    count: int
    value: str


@dataclass(frozen=True, slots=True)
class RejectedAnswer:
    """The newest refused records; ``kept``: how many there are in all."""

    kept: int
    reasons: dict[str, int]
    records: list[RejectedRecord]


def record_of(one: Rejected) -> RejectedRecord:
    """A refused record as the API tells of it."""
    on_a_topic = one.offset != rejected.NONE
    return RejectedRecord(
        time_text(one.time_ms * 1000),
        one.door,
        one.reason,
        one.message,
        one.topic,
        str(one.partition) if on_a_topic else "",
        str(one.offset) if on_a_topic else "",
        one.file,
        one.count,
        value_text(one),
    )


class RejectedHandlers:
    """Show the refused records."""

    def __init__(self, site: Site, reader: RejectedReader) -> None:
        self._site = site
        self._reader = reader

    async def page(self, request: web.Request) -> web.Response:
        """The newest refused records, by reason."""
        reason = REASON.read(request.query)
        number = PAGE.read(request.query)
        found = await self._reader.newest()
        records = [r for r in found.records if reason in ("", r.reason)]
        first = (number - 1) * PER_PAGE
        return page(
            request,
            "rejected.html",
            found=found,
            reason=reason,
            records=records[first : first + PER_PAGE],
            total=len(records),
            page=number,
            pages=requests.pages(len(records), PER_PAGE),
            value_text=value_text,
            now_us=self._site.program.now_us(),
            retention_days=self._site.program.settings.rejected_retention,
        )

    @described(RejectedAnswer, REASON, LIMIT)
    async def list(self, request: web.Request) -> web.Response:
        """The newest refused records."""
        reason = REASON.read(request.query)
        limit = LIMIT.read(request.query)
        found = await self._reader.newest()
        records = [r for r in found.records if reason in ("", r.reason)][:limit]
        told = [record_of(one) for one in records]
        return json(RejectedAnswer(found.kept, dict(found.reasons()), told))
