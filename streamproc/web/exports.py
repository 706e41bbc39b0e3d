"""Large files, handed out a piece at a time, to few readers at once.

What a reader does not take in is not made: one who never reads costs a piece.
"""

import asyncio
import csv
import io
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from aiohttp import web

from streamproc.errors import StreamprocError
from streamproc.web.refusal import Refusal

log = logging.getLogger(__name__)

AT_ONCE = 4
ROWS_PER_PIECE = 1_000
WAIT_S = 5.0
"""How long a reader waits for a turn."""

STALLED_S = 20.0
"""How long a piece may take to be taken in; then the connection is given up."""

Pieces = Callable[[], AsyncIterator[bytes]]


class Export(web.StreamResponse):
    """A response whose body is made while it is sent."""

    def __init__(self, pieces: Pieces, name: str, media: str = "text/csv") -> None:
        """``pieces``: starts making the body. ``name``: what a browser saves it as."""
        super().__init__()
        self.pieces = pieces
        self.content_type = media
        if media.startswith("text/"):
            self.charset = "utf-8"
        self.headers["Content-Disposition"] = f'attachment; filename="{name}"'


class Exports:
    """Sends exports, ``AT_ONCE`` of them."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def send(self, request: web.Request, export: Export) -> None:
        """Send it when its turn comes; raise a 503 Refusal when that takes long."""
        if request.method == "HEAD":
            await export.prepare(request)
            return
        try:
            await asyncio.wait_for(self._turns.acquire(), WAIT_S)
        except TimeoutError as exc:
            why = f"{AT_ONCE} exports are being read."
            raise Refusal(503, "busy", why, retry_after_s=5) from exc
        try:
            await self._send(request, export)
        finally:
            self._turns.release()

    async def _send(self, request: web.Request, export: Export) -> None:
        """A body that breaks off is never ended: its reader can tell."""
        pieces = export.pieces()
        ahead = await anext(pieces, None)  # what fails at once is still answered
        await export.prepare(request)
        try:
            while ahead is not None:
                async with asyncio.timeout(STALLED_S):
                    await export.write(ahead)
                ahead = await anext(pieces, None)
            await export.write_eof()
        except (TimeoutError, ConnectionError, StreamprocError) as exc:
            log.debug("%s ends early: %r", request.path, exc)
            _abort(request)
        except BaseException:
            _abort(request)
            raise


def csv_pieces(rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """Rows of cells as CSV, ``ROWS_PER_PIECE`` at a time."""
    left = iter(rows)
    while some := list(islice(left, ROWS_PER_PIECE)):
        stream = io.StringIO(newline="")
        csv.writer(stream, lineterminator="\n").writerows(some)
        yield stream.getvalue().encode(errors="replace")


async def aside(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Make each piece in a thread, when it is asked for."""
    while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
        yield piece


def _abort(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()
