"""What takes longer than anybody waits is found by who asks again."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import pytest

from streamproc.web.late import MOST, Late, StillMakingError
from streamproc.web.refusal import Refusal

Make = Callable[[], Coroutine[Any, Any, int]]


class Counted:
    """Makes numbers, each when it may."""

    def __init__(self) -> None:
        self.made = 0
        self.may = asyncio.Event()

    async def __call__(self) -> int:
        await self.may.wait()
        self.made += 1
        return self.made


async def test_what_is_made_soon_is_made_for_everybody_anew() -> None:
    """So it is of all that was accepted before it was asked for."""
    late, make = Late[str, int](), Counted()
    make.may.set()
    assert [await late.get("a", make) for _ in range(2)] == [1, 2]


async def test_what_takes_long_goes_on_and_is_found_later() -> None:
    """Until then who asks is told when to ask again; it is made once."""
    late, make = Late[str, int](0.001), Counted()
    for _ in range(3):
        with pytest.raises(StillMakingError) as refused:
            await late.get("a", make)
        assert (refused.value.status, refused.value.retry_after_s) == (503, 5)
    make.may.set()
    assert await late.get("a", make) == await late.get("a", make) == 1


async def test_what_takes_long_and_fails_is_told_once_and_tried_again() -> None:
    """Nothing of it is kept."""
    late, may = Late[str, int](0.001), asyncio.Event()
    ok = Counted()
    ok.may.set()

    async def failing() -> int:
        await may.wait()
        raise ValueError("no")

    with suppress(StillMakingError):
        await late.get("a", failing)
    may.set()
    with pytest.raises(ValueError, match="no"):
        await late.get("a", failing)
    assert await late.get("a", ok) == 1


async def test_few_that_take_long_are_made_at_once() -> None:
    """One too many is ended; the oldest that is done makes room."""
    late, ended, makers = Late[int, int](0.001), asyncio.Event(), list[Counted]()

    async def ending() -> int:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return 0

    for key in range(MOST):
        makers.append(Counted())
        with pytest.raises(StillMakingError):
            await late.get(key, makers[-1])
    with pytest.raises(Refusal, match="Too much"):
        await late.get(MOST, ending)
    await ended.wait()
    makers[0].may.set()
    assert await late.get(0, makers[0]) == 1
    with pytest.raises(StillMakingError):
        await late.get(MOST, ending)
    assert await late.get(0, makers[0]) == 2  # it had to go


async def test_who_goes_away_ends_what_nobody_else_waits_for() -> None:
    """As long as it is not one that takes long."""
    late, begun, ended = Late[str, int](), asyncio.Event(), asyncio.Event()

    async def make() -> int:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return 0

    asking = asyncio.create_task(late.get("a", make))
    await begun.wait()
    asking.cancel()
    await ended.wait()
