"""Items that are worked out one ahead of their use."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from agents.ahead import both, worked_ahead
from tests.waiting import LIMIT_S


async def test_the_next_item_is_worked_on_while_one_is_used() -> None:
    """Each waits for the other: it ends only when both go on at the same time."""
    used, begun = threading.Event(), threading.Event()

    def items() -> Iterator[int]:
        yield 0
        begun.set()
        assert used.wait(LIMIT_S)
        yield 1

    found = []
    async with worked_ahead(items()) as coming:
        async for item in coming:
            found.append(item)
            assert await asyncio.to_thread(begun.wait, LIMIT_S)
            used.set()
    assert found == [0, 1]


async def test_what_an_item_raises_is_raised_where_it_is_used() -> None:
    """The items before it are used first."""

    def items() -> Iterator[int]:
        yield 0
        raise ValueError("no more")

    async with worked_ahead(items()) as coming:
        assert await anext(coming) == 0
        with pytest.raises(ValueError, match="no more"):
            await anext(coming)


async def test_nothing_is_worked_on_when_the_use_of_an_item_fails() -> None:
    """Whoever comes next finds nobody who still reads."""
    working, ended = threading.Event(), threading.Event()

    def items() -> Iterator[int]:
        yield 0
        working.set()
        assert go_on.wait(LIMIT_S)
        ended.set()
        raise LookupError("of nobody's interest by then")

    async def use() -> None:
        async with worked_ahead(items()) as coming:
            await anext(coming)
            await asyncio.to_thread(working.wait, LIMIT_S)
            asyncio.get_running_loop().call_later(0.01, go_on.set)
            raise ValueError("first")

    go_on = threading.Event()
    with pytest.raises(ValueError, match="first"):
        await use()
    assert ended.is_set()


async def test_both_have_ended_when_one_of_them_has_failed() -> None:
    """The error is the first one's, and nothing goes on behind it."""
    ended = []

    async def fails() -> None:
        raise ValueError("first")

    async def goes_on() -> None:
        await asyncio.sleep(0)
        ended.append(True)
        raise LookupError("second")

    with pytest.raises(ValueError, match="first"):
        await both(fails(), goes_on())
    assert ended == [True]
