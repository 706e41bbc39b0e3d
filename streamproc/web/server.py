"""The web server: a service of the app, in a thread and event loop of its own.

It starts before the tables are recovered, so that /health and /ready answer.
"""

import asyncio
import logging
import threading
from typing import Any

from aiohttp import web
from mode import Service

from streamproc.errors import WebAddressError
from streamproc.program import Program
from streamproc.web import own_token
from streamproc.web.app_thread import AppThread
from streamproc.web.connections import Connections
from streamproc.web.routes import make_application
from streamproc.web.site import Site
from streamproc.web.tracebacks import limit_tracebacks

log = logging.getLogger(__name__)

KEEPALIVE_S = 30.0
STOP_S = 2.0
LINGER_S = 1.0
MAX_HEADER_BYTES = 8_190
_BACKLOG = 1_024


class WebServer(Service):
    """Serves one program's pages and API."""

    # The service's own comings and goings are for debugging.
    logger = logging.getLogger("mode.web")

    def __init__(self, program: Program, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._program = program
        self._web_loop = asyncio.new_event_loop()
        self._thread: threading.Thread | None = None
        self._runner: web.AppRunner | None = None
        self._server: asyncio.Server | None = None
        self._chores: list[asyncio.Task[None]] = []

    async def on_start(self) -> None:
        """Bind and serve; raises WebAddressError."""
        self._thread = threading.Thread(
            target=self._web_loop.run_forever, name="web", daemon=True
        )
        self._thread.start()
        await self._on_web(self._serve(AppThread(self._program)))

    async def on_stop(self) -> None:
        """Finish what is being answered, for a moment, and stop."""
        if self._thread is None:
            return
        await self._on_web(self._close())
        self._web_loop.call_soon_threadsafe(self._web_loop.stop)
        await asyncio.to_thread(self._thread.join)
        self._web_loop.close()
        self._thread = None

    async def _on_web(self, work: Any) -> None:
        future = asyncio.run_coroutine_threadsafe(work, self._web_loop)
        await asyncio.wrap_future(future)

    async def _serve(self, app: AppThread) -> None:
        settings = self._program.settings
        limit_tracebacks()
        token = own_token.make()
        connections = Connections(settings.web_connections)
        self._site = Site(self._program, app)
        self._runner = _runner(make_application(self._site, connections, token))
        await self._runner.setup()
        assert self._runner.server is not None  # setup has made it
        connections.server = self._runner.server
        self._server = await self._listen(connections)
        self._chores = [
            self._web_loop.create_task(self._site.flow.keep_measuring()),
            self._web_loop.create_task(self._site.warm_up()),
            self._web_loop.create_task(self._site.suspicions.keep_watching()),
            self._web_loop.create_task(self._site.watch.keep_looking()),
        ]
        # Only now: another worker that has the port may have its token there.
        if settings.api_token:
            own_token.remove(settings)
        else:
            own_token.write(settings, token)
        log.info("Web on %s", settings.advertised_url)

    async def _listen(self, connections: Connections) -> asyncio.Server:
        """Take the port; raises WebAddressError."""
        assert self._runner is not None  # it is set up
        host, port = self._program.settings.web_host, self._program.settings.web_port
        try:
            return await self._web_loop.create_server(
                connections.accept, host, port, backlog=_BACKLOG
            )
        except OSError as exc:
            await self._runner.cleanup()
            why = (
                f"the web cannot listen on {host}:{port}: {exc.strerror or exc}."
                " Set web_port (or web=off)."
            )
            log.error("%s", why)  # Faust ends the worker without a word
            raise WebAddressError(why) from exc

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        if self._runner is not None:
            await self._runner.cleanup()
            await self._site.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._web_loop.shutdown_default_executor()


def _runner(app: web.Application) -> web.AppRunner:
    """What speaks HTTP, with its limits."""
    return web.AppRunner(
        app,
        access_log=None,
        handle_signals=False,
        keepalive_timeout=KEEPALIVE_S,
        max_line_size=MAX_HEADER_BYTES,
        max_field_size=MAX_HEADER_BYTES,
        shutdown_timeout=STOP_S,
        lingering_time=LINGER_S,
    )
