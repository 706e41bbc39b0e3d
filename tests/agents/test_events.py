"""The task that tells what has changed: one look after the other, however long."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest

from agents import events
from agents.events import Teller
from streamproc.errors import TopicMissingError


async def test_a_look_that_takes_long_is_nothing_to_be_warned_of(
    start_program: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The first one looks at all stores; the next begins when it has ended."""
    looks: list[str] = []
    three = asyncio.Event()

    async def tick(self: Teller) -> None:
        assert looks.count("begun") == looks.count("ended")
        looks.append("begun")
        await asyncio.sleep(0.05)
        looks.append("ended")
        if len(looks) == 6:
            three.set()

    monkeypatch.setattr(Teller, "tick", tick)
    monkeypatch.setattr(events, "TICK_S", 0.01)
    with caplog.at_level(logging.WARNING):
        async with start_program(), asyncio.timeout(20):
            await three.wait()
    assert "overlapping" not in caplog.text


async def test_a_look_that_fails_ends_the_worker(
    start_program: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else nobody would be told any more, and nobody would know."""

    async def tick(self: Teller) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Teller, "tick", tick)
    async with start_program() as program, asyncio.timeout(20):
        while not program.app.crashed:  # noqa: ASYNC110 - there is no event
            await asyncio.sleep(0.01)
        assert isinstance(program.app.crash_reason, ZeroDivisionError)


async def test_what_nobody_says_is_told_later(
    start_program: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A topic is missing or no broker answers: the worker goes on, and looks again."""
    asked, again, as_of = 0, asyncio.Event(), Teller._as_of

    async def answer(self: Teller, partition: int, watch: Any) -> int | None:
        nonlocal asked
        asked += 1
        if asked < 10:
            raise TopicMissingError("topic store-hours is missing")
        again.set()
        return await as_of(self, partition, watch)

    monkeypatch.setattr(Teller, "_as_of", answer)
    monkeypatch.setattr(events, "TICK_S", 0.01)
    async with start_program() as program, asyncio.timeout(20):
        await again.wait()
        assert not program.app.crashed
