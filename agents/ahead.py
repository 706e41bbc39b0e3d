"""What is worked out in a thread, while what came of it before is dealt with."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager
from typing import TypeVar

Item = TypeVar("Item")


@asynccontextmanager
async def worked_ahead(items: Iterator[Item]) -> AsyncIterator[AsyncIterator[Item]]:
    """Some items, none of them None, each worked out one ahead of its use.

    At the end nothing is worked on any more, however it came.
    """
    coming = _next(items)

    async def each() -> AsyncIterator[Item]:
        nonlocal coming
        while (item := await coming) is not None:
            coming = _next(items)
            yield item

    try:
        yield each()
    finally:
        await asyncio.gather(coming, return_exceptions=True)


def _next(items: Iterator[Item]) -> "asyncio.Task[Item | None]":
    return asyncio.create_task(asyncio.to_thread(next, items, None))


async def both(one: Awaitable[None], other: Awaitable[None]) -> None:
    """Do two things at the same time; raises the first error when both have ended."""
    for error in await asyncio.gather(one, other, return_exceptions=True):
        if error is not None:
            raise error
