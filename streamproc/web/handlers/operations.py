"""For whoever runs it: /health, /ready, /metrics, and live updates."""

import asyncio
from dataclasses import asdict, dataclass
from importlib import resources
from typing import Annotated, Any

import orjson
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest

from streamproc.web import templating
from streamproc.web.described import described
from streamproc.web.now.gauges import StateGauges
from streamproc.web.parameters import Text, Whole
from streamproc.web.refusal import Refusal
from streamproc.web.responses import json
from streamproc.web.shapes import OneOf
from streamproc.web.site import Site
from streamproc.web.tables.calls import estimated_keys
from tables.fencing import PartitionLostError

MAX_LIVE = 200
PAGE_OF = Text("of", longest=64)
SINCE = Whole("since", 0, 0, 999_999_999)


@dataclass(frozen=True, slots=True)
class Alive:
    """How the worker is."""

    status: Annotated[str, OneOf(("alive", "ready"))]


@dataclass(frozen=True, slots=True)
class NotReady:
    """What a worker has still to read before it consumes."""

    status: Annotated[str, OneOf(("recovering", "rebalancing", "catching-up"))]
    remaining_records: int


class Operations:
    """Handlers for operators, and the gauges they read."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._live: set[asyncio.Task[Any]] = set()
        registry = site.program.metrics.registry

        def gauge(name: str, told: str, *labels: str) -> Gauge:
            return Gauge(name, told, labels, registry=registry)

        of_topic = "topic", "partition"
        told = "Records of a partition that are not dealt with yet."
        self._lag = gauge("streamproc_lag_records", told, *of_topic)
        told = "Age of the record dealt with last, while there are more."
        self._lag_s = gauge("streamproc_lag_seconds", told, *of_topic)
        told = "Keys of a table's partition here, as RocksDB estimates it."
        self._keys = gauge("streamproc_table_keys", told, "table", "partition")
        told = "Changelog records to be read before the tables are complete."
        self._remaining = gauge("streamproc_recovery_remaining_records", told)
        self._ready = gauge(
            "streamproc_ready", "1 when the worker is ready, as /ready says it."
        )
        told = "Polls that wait since some time ago, of this worker's partitions."
        self._left = gauge("streamproc_catching_up_polls", told)
        self._streams = gauge("streamproc_live_readers", "Readers of live updates.")
        self._states = StateGauges(site.program)

    @described(Alive)
    async def health(self, request: web.Request) -> web.Response:
        """Alive: the process answers, and its event loop turns."""
        try:
            async with asyncio.timeout(5):
                await self._site.app.run(asyncio.sleep(0))
        except TimeoutError as exc:
            raise Refusal(
                503, "stuck", "The worker's event loop stands still."
            ) from exc
        return json(Alive("alive"))

    @described(
        Alive,
        others={503: NotReady},
    )
    async def ready(self, request: web.Request) -> web.Response:
        """Recovered, and done with what waited at the start; else 503 with the rest."""
        program, remaining = self._site.program, await self._site.start_backlog()
        if self._site.is_ready():
            return json(Alive("ready"))
        state = "catching-up"
        if not program.is_ready():
            state = "rebalancing" if program.app.rebalancing else "recovering"
            remaining = self._site.app.remaining_records()
        response = json(NotReady(state, remaining), 503)
        response.headers["Retry-After"] = "2"
        return response

    @described(dict)
    async def openapi(self, request: web.Request) -> web.Response:
        """This file."""
        file = resources.files("streamproc.web").joinpath("openapi.json")
        return web.Response(body=file.read_bytes(), content_type="application/json")

    @described(media=("text/plain",))
    async def metrics(self, request: web.Request) -> web.Response:
        """Everything that is counted, for Prometheus."""
        await self._site.flow.measure_lag()
        await self._site.start_backlog()
        body = await asyncio.to_thread(self._collect)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    def _collect(self) -> bytes:
        site, program = self._site, self._site.program
        for gauge, values in (
            (self._lag, site.flow.lag),
            (self._lag_s, site.flow.lag_seconds()),
        ):
            gauge.clear()
            for tp, value in dict(values).items():
                gauge.labels(tp.topic, str(tp.partition)).set(value)
        self._keys.clear()
        for name, table in list(program.app.tables.items()):
            for partition in table.partitions_owned():
                try:
                    count = estimated_keys(table, partition)
                except PartitionLostError:
                    continue  # it has just moved away
                self._keys.labels(name, str(partition)).set(count)
        self._remaining.set(self._site.app.remaining_records())
        self._ready.set(self._site.is_ready())
        self._left.set(site.flow.left_polls())
        self._states.set()
        self._streams.set(len(self._live))
        return generate_latest(program.metrics.registry)

    async def live(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events: what has changed of the page that somebody looks at.

        ``of`` and ``since`` say which page and version; without them, or when it is not
        kept any more, a tick says that there may be something newer to see.
        """
        if len(self._live) >= MAX_LIVE:
            raise Refusal(503, "busy", "Too many live readers.", retry_after_s=30)
        page, since = PAGE_OF.read(request.query), SINCE.read(request.query)
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        )
        task = asyncio.current_task()
        assert task is not None  # aiohttp runs every handler in one
        self._live.add(task)
        try:
            await response.prepare(request)
            await response.write(b"retry: 3000\n\n")
            while True:
                event, since = await self._event(page, since)
                await response.write(event)
                await asyncio.sleep(templating.LIVE_EVERY_S)
        except ConnectionError:
            pass  # the reader has gone
        finally:
            self._live.discard(task)
        return response

    async def _event(self, page: str, since: int) -> tuple[bytes, int]:
        """The next event of a page's reader, and up to which version it tells."""
        try:
            changed = await self._site.pages.changed(page, since)
        except Refusal as exc:
            return _sent(
                "refused", {"status": exc.status, "message": exc.message}
            ), since
        if changed is None:
            return _sent("tick", await self._news()), since
        since, parts = changed
        return _sent("parts", parts), since

    async def end_live(self, _: web.Application) -> None:
        """Let go of the readers of live updates, which would never finish."""
        for task in self._live:
            task.cancel()

    async def _news(self) -> dict[str, Any]:
        site = self._site
        left = await site.flow.catching_up()
        return {
            "now_us": site.program.now_us(),
            **asdict(site.flow.status()),
            "catching_up": None if left is None else asdict(left),
        }


def _sent(name: str, data: Any) -> bytes:
    """A server-sent event."""
    return f"event: {name}\ndata: {orjson.dumps(data).decode()}\n\n".encode()
