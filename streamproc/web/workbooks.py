"""A report's CSV, handed out as a workbook, which a process of its own makes.

Making it takes seconds to minutes of computing, in which a thread would hold up polls.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import suppress

from streamproc.errors import ReportFailedError
from streamproc.report.workbook import About

_PIECE = 1 << 18


async def workbook(csv: AsyncIterator[bytes], about: About) -> AsyncIterator[bytes]:
    """Pieces of the workbook; nothing comes before all of the CSV has been read.

    Raises what reading the CSV raises, or ReportFailedError: a workbook that lacks
    rows is never handed out.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "streamproc.report.workbook", about.encode()),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    feeding = asyncio.create_task(_feed(process, csv))
    assert process.stdout is not None
    try:
        while piece := await process.stdout.read(_PIECE):
            yield piece
        await feeding
        if code := await process.wait():
            raise ReportFailedError(f"the workbook could not be made: exit code {code}")
    finally:
        feeding.cancel()
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _feed(process: asyncio.subprocess.Process, csv: AsyncIterator[bytes]) -> None:
    """Its input ends only after the last piece; else it is killed and makes none."""
    assert process.stdin is not None
    try:
        with suppress(ConnectionError):  # it has failed: its exit code says so
            async for piece in csv:
                process.stdin.write(piece)
                await process.stdin.drain()
            process.stdin.close()
    except BaseException:
        with suppress(ProcessLookupError):
            process.kill()
        raise
