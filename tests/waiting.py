"""Waiting for what no event tells: another process, a page, another thread."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

LIMIT_S = 120.0
PAUSE_MS = 50


def until(
    answer: Callable[[], T],
    enough: Callable[[T], object] = bool,
    *,
    limit_s: float = LIMIT_S,
    pause_ms: Callable[[float], object] = lambda ms: time.sleep(ms / 1000),
) -> T:
    """What is answered, when it is enough; the test fails after the limit.

    ``pause_ms``: lets that happen which is waited for, for so many milliseconds.
    """
    give_up = time.monotonic() + limit_s
    while not enough(found := answer()):
        assert time.monotonic() < give_up, found
        pause_ms(PAUSE_MS)
    return found


async def until_in_loop(
    answer: Callable[[], T],
    enough: Callable[[T], object] = bool,
    *,
    limit_s: float = LIMIT_S,
) -> T:
    """What is answered, when it is enough, while the event loop goes on."""

    async def awaited() -> T:
        return answer()

    return await until_awaited(awaited, enough, limit_s=limit_s)


async def until_awaited(
    answer: Callable[[], Awaitable[T]],
    enough: Callable[[T], object] = bool,
    *,
    limit_s: float = LIMIT_S,
) -> T:
    """What is answered, when it is enough; TimeoutError after the limit."""
    async with asyncio.timeout(limit_s):
        while not enough(found := await answer()):  # noqa: ASYNC110 - see above
            await asyncio.sleep(PAUSE_MS / 1000)
    return found
