"""The newest refused records, read from their topic: why, where from, what."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from faust.types import TP

from streamproc.report.record import time_text
from streamproc.transport.batch import Batch
from streamproc.transport.client import Client
from streamproc.transport.connect import connect
from streamproc.web import requests
from streamproc.web.responses import json, page
from streamproc.web.site import Site

PER_PARTITION = 500
PER_PAGE = 100
KEPT_S = 2.0
READ_TIMEOUT_S = 5.0
SHOWN_BYTES = 400


@dataclass(frozen=True, slots=True)
class Rejected:
    """A refused record; ``value`` is the start of what was sent."""

    time_us: int
    reason: str
    message: str
    topic: str
    partition: str
    offset: str
    value: str


@dataclass(frozen=True, slots=True)
class RejectedPage:
    """The newest records, newest first, and how many are kept in all."""

    records: list[Rejected]
    kept: int

    def reasons(self) -> list[tuple[str, int]]:
        """How often each reason occurs, most frequent first."""
        return Counter(record.reason for record in self.records).most_common()


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
        records = await self._read_up_to(self._client, positions, ends)
        records.sort(key=lambda r: (r.time_us, r.offset), reverse=True)
        kept = sum(ends[tp] - begins[tp] for tp in ends)
        return RejectedPage(records, kept)

    async def _read_up_to(
        self, client: Client, positions: dict[TP, int], ends: dict[TP, int]
    ) -> list[Rejected]:
        """Records from the positions to the ends; what is slow is left out."""
        records: list[Rejected] = []
        deadline = time.monotonic() + READ_TIMEOUT_S
        while positions and time.monotonic() < deadline:
            for batch in await client.read(positions, 0.5):
                tp = TP(batch.topic, batch.partition)
                records += _records(batch)
                positions[tp] = batch.offset + 1
            positions = {tp: at for tp, at in positions.items() if at < ends[tp]}
        return records


def _records(batch: Batch) -> list[Rejected]:
    found = []
    for row, value in enumerate(batch.values):
        headers: dict[str, Any] = dict(batch.record_headers.get(row, ()))
        fact = {name: text.decode(errors="replace") for name, text in headers.items()}
        found.append(
            Rejected(
                int(batch.timestamps_ms[row]) * 1000,
                fact.get("reason", "unknown"),
                fact.get("message", ""),
                fact.get("topic", ""),
                fact.get("partition", ""),
                fact.get("offset", ""),
                shown(value),
            )
        )
    return found


def shown(value: bytes | None) -> str:
    """The start of a value as text; what cannot be shown is written as escapes."""
    if value is None:
        return "(no value)"
    text = value[:SHOWN_BYTES].decode("utf-8", "backslashreplace")
    text = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
    return text + (f" … ({len(value)} bytes)" if len(value) > SHOWN_BYTES else "")


class RejectedHandlers:
    """Show the refused records."""

    def __init__(self, site: Site, reader: RejectedReader) -> None:
        self._site = site
        self._reader = reader

    async def page(self, request: web.Request) -> web.Response:
        """The newest refused records, by reason."""
        reason = requests.search(request.query, "reason")
        number = requests.integer(request.query, "page", 1, 1, requests.MAX_PAGE)
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
            now_us=self._site.program.now_us(),
            retention_days=self._site.program.settings.rejected_retention,
        )

    async def list(self, request: web.Request) -> web.Response:
        """The newest refused records."""
        reason = requests.search(request.query, "reason")
        limit = requests.integer(request.query, "limit", 100, 1, 2_000)
        found = await self._reader.newest()
        records = [r for r in found.records if reason in ("", r.reason)][:limit]
        return json(
            {
                "kept": found.kept,
                "reasons": dict(found.reasons()),
                "records": [
                    {
                        "time": time_text(r.time_us),
                        "reason": r.reason,
                        "message": r.message,
                        "topic": r.topic,
                        "partition": r.partition,
                        "offset": r.offset,
                        "value": r.value,
                    }
                    for r in records
                ],
            }
        )
