"""What another process appends is consumed at once."""

import asyncio
import sys
import time
from collections.abc import Callable
from typing import Any

from streamproc.topics import topics_for
from streamproc.transport.connect import connect
from tests.system.harness import publish_raw
from tests.waiting import LIMIT_S

AT_ONCE_S, GOES = 0.1, 4

_APPEND = """
import sys, time
from pathlib import Path
from streamproc.transport.sqlite.log import Append, Log
log = Log(Path(sys.argv[1]))
sys.stdin.readline()
log.append([Append("store-polls", 0, [b"x"], [b"garbage"])])
print(time.time(), flush=True)
"""


async def test_appends_of_other_processes_are_seen_within_100_ms(
    start_program: Callable[..., Any],
) -> None:
    """From the append's return to the record being dealt with, most of five times.

    A machine that has much else to do has some goes.
    """
    async with start_program() as program:
        settings = program.settings
        await publish_raw(settings, [b"a"], [b"garbage"])
        medians: list[float] = []
        while len(medians) < GOES and min(medians, default=1.0) >= AT_ONCE_S:
            medians.append(sorted(await _delays(program))[2])
        assert min(medians) < AT_ONCE_S


async def _delays(program: Any) -> list[float]:
    return [await _delay(program, await _rejected(program)) for _ in range(5)]


async def _delay(program: Any, seen: int) -> float:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _APPEND, str(program.settings.data_dir / "log.db")),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    said = asyncio.create_task(process.communicate(b"go\n"))
    async with asyncio.timeout(LIMIT_S):
        while True:
            if await _rejected(program) > seen:
                break
            await asyncio.sleep(0.002)
    now = time.time()
    appended, _ = await said
    return now - float(appended)


async def _rejected(program: Any) -> int:
    client = await connect(program.settings)
    try:
        ends = await client.end_offsets(topics_for(program.settings).rejected)
    finally:
        await client.close()
    return sum(ends.values())
