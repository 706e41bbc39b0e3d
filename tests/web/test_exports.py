"""Exports: a piece at a time, to four readers at once; a broken one is seen to be."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from streamproc.errors import StreamprocError
from streamproc.web import exports
from streamproc.web.exports import AT_ONCE, Export, Exports
from streamproc.web.refusal import Refusal
from tests.web.live_site import LiveSite

PIECE = b"x" * (1 << 20)
MANY = 64
"""Pieces of a file that no socket's buffers hold."""

Maker = Callable[[], AsyncIterator[bytes]]


@asynccontextmanager
async def served(pieces: Maker) -> AsyncIterator[str]:
    """A server that hands out one export; gives its URL."""
    sending = Exports()

    async def answer(request: web.Request) -> web.StreamResponse:
        export = Export(pieces, "file.csv")
        try:
            await sending.send(request, export)
        except Refusal as exc:
            return web.Response(status=exc.status)
        return export

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


async def ask_and_never_read(url: str) -> asyncio.StreamWriter:
    """A reader that asks for the file and takes nothing in."""
    port = int(url.rsplit(":", 1)[1].rstrip("/"))
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
    reader._transport.pause_reading()  # type: ignore[attr-defined]
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return writer


async def test_readers_that_never_read_cost_a_few_pieces_and_shut_nobody_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Four at once are made; after a while they are given up, and others get theirs."""
    monkeypatch.setattr(exports, "STALLED_S", 0.5)
    made: list[int] = []
    files = 0
    full = asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal files
        files += 1
        if files == AT_ONCE:
            full.set()
        for number in range(MANY):
            made.append(number)
            yield PIECE

    async with served(pieces) as url, aiohttp.ClientSession() as session:
        silent = [await ask_and_never_read(url) for _ in range(AT_ONCE * 3)]
        started = asyncio.get_running_loop().time()
        await full.wait()
        assert files == AT_ONCE
        async with session.get(url) as response:
            assert response.status == 200
            assert len(await response.read()) == MANY * len(PIECE)
        assert asyncio.get_running_loop().time() - started < exports.WAIT_S * 2
        assert len(made) < (AT_ONCE * 3 + 1) * MANY // 2
        for writer in silent:
            writer.close()


async def test_who_waits_too_long_for_a_turn_is_asked_to_come_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A 503, nothing of the export made."""
    monkeypatch.setattr(exports, "WAIT_S", 0.1)
    going = asyncio.Event()
    files = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal files
        files += 1
        yield b"a"
        await going.wait()

    async with served(pieces) as url, aiohttp.ClientSession() as session:
        turns = [await session.get(url) for _ in range(AT_ONCE)]
        async with session.get(url) as late:
            assert late.status == 503
        assert files == AT_ONCE
        going.set()
        assert [await turn.read() for turn in turns] == [b"a"] * AT_ONCE


@pytest.mark.parametrize("failure", [StreamprocError("moved"), ConnectionError()])
async def test_an_export_that_breaks_off_is_seen_to(failure: Exception) -> None:
    """What was sent does not pass for the whole file."""

    async def pieces() -> AsyncIterator[bytes]:
        yield b"a"
        raise failure

    async with served(pieces) as url, aiohttp.ClientSession() as session:
        async with session.get(url) as response:
            with pytest.raises(aiohttp.ClientError):
                await response.read()
        async with session.head(url) as response:
            assert response.status == 200


async def test_what_fails_before_the_first_piece_is_answered() -> None:
    """Nothing has been sent yet, so a refusal can be."""

    async def pieces() -> AsyncIterator[bytes]:
        raise Refusal(503, "moving", "Ask again.")
        yield b""

    async with (
        served(pieces) as url,
        aiohttp.ClientSession() as session,
        session.get(url) as response,
    ):
        assert response.status == 503


def test_exports_carry_the_security_headers_of_every_answer(site: LiveSite) -> None:
    """They are sent in another way, behind the same middleware."""
    export = site.get("/api/v1/stores?format=csv")
    assert export.headers["X-Content-Type-Options"] == "nosniff"
    assert export.headers["Cache-Control"] == "no-store"
    assert "attachment" in export.headers["Content-Disposition"]


def test_a_report_replaced_while_it_is_read_is_not_pieced_together(
    site: LiveSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of one report and half of the next would be figures of none."""
    from streamproc.web.reports import reading

    assert reading.FilePiece(b"", 1, 1) != reading.FilePiece(b"", 1, 2)
    path = site.program.report_files.combined
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"old\n" * 1000)
    monkeypatch.setattr(reading, "PIECE_BYTES", 100)
    asked = []
    piece = reading.Reports._piece

    async def replaced(
        self: reading.Reports, which: str, start: int, length: int
    ) -> reading.FilePiece | None:
        asked.append(start)
        if start == 100:
            path.with_suffix(".new").write_bytes(b"new\n" * 1000)
            path.with_suffix(".new").replace(path)
        return await piece(self, which, start, length)

    monkeypatch.setattr(reading.Reports, "_piece", replaced)
    with pytest.raises(Exception, match=r"IncompleteRead|reset"):
        site.get("/combined_report.csv")
    assert asked[-1] == 100
    path.unlink()


def test_an_export_of_many_pieces_has_every_row_once(
    site: LiveSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it is cut, the last piece may be a short one."""
    whole = site.get("/api/v1/stores?sort=store&format=csv").body
    monkeypatch.setattr("streamproc.web.fleet.answers.ROWS_AT_ONCE", 7)
    monkeypatch.setattr("streamproc.web.exports.ROWS_PER_PIECE", 11)
    assert site.get("/api/v1/stores?sort=store&format=csv").body == whole
    assert whole.count(b"\n") == 1 + site.get("/api/v1/stores").json["total"]


@pytest.mark.parametrize("size", [0, 99, 100, 101, 250])
def test_a_reports_file_comes_whole_in_pieces(
    start_site: Callable[..., LiveSite], monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """To the byte, whatever is left for the last piece."""
    monkeypatch.setattr("streamproc.web.reports.reading.PIECE_BYTES", 100)
    site = start_site()
    path = site.program.report_files.combined
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(range(256))[:size])
    assert site.get("/combined_report.csv").body == path.read_bytes()
