"""The last answers of workers: given out while one of them does not answer."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from streamproc.web.cluster import remembered
from streamproc.web.cluster.calls import Call
from streamproc.web.cluster.remembered import LostWorker, Remembered
from streamproc.web.refusal import Refusal, moving
from tests.waiting import LIMIT_S

ECHO: Call[int] = Call("echo", lambda program, args: 0)


class Workers:
    """Two workers, each with a partition: this one has 0, the other one has 1."""

    me = "http://me"

    def __init__(self) -> None:
        self.program = SimpleNamespace(settings=SimpleNamespace(partitions=2))
        self.silent: set[int] = set()
        self.takes_s: dict[int, float] = {}

    def require_ready(self) -> None:
        """This one always is."""

    def owner_or_none(self, _: str, partition: int) -> str:
        """Whose a partition is."""
        return "http://other" if partition else self.me

    async def ask(self, _: Call[int], partition: int, *, said: int) -> int:
        """Say the same, unless silent; it may take its time."""
        await asyncio.sleep(self.takes_s.get(partition, 0))
        if partition in self.silent:
            raise moving("It does not answer.")
        return said


@pytest.fixture
def workers() -> Workers:
    """Both answer."""
    return Workers()


def remembering(workers: Workers) -> Remembered[int]:
    """One question to both of them."""
    cluster: Any = workers
    return Remembered(cluster, ECHO)


async def answers(one: Remembered[int], now_us: int) -> list[int]:
    """What each of them said last; each says what time it is."""
    return [last.answer for last in await one.ask(now_us, said=now_us)]


async def test_who_is_silent_is_told_of_as_it_was(
    workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Since its last answer; when it answers again, who keeps its answers is told."""
    monkeypatch.setattr(remembered, "ASK_AGAIN_S", 0.01)
    one, back = remembering(workers), asyncio.Event()
    one.on_back = back.set
    assert await answers(one, 5) == [5, 5]
    workers.silent = {1}
    assert await answers(one, 7) == [7, 5]
    assert one.lost == (LostWorker("http://other", 5, (1,)),)
    assert one.gone == {1}
    assert await answers(one, 8) == [8, 5]
    assert not back.is_set()
    workers.silent = set()
    async with asyncio.timeout(LIMIT_S):
        await back.wait()
    assert not one.lost
    assert await answers(one, 9) == [9, 9]
    await one.close()


async def test_what_this_worker_cannot_answer_itself_is_refused(
    workers: Workers,
) -> None:
    """It is here: nobody is lost, it is being looked up."""
    one = remembering(workers)
    await answers(one, 5)
    workers.silent = {0}
    with pytest.raises(Refusal):
        await answers(one, 7)
    assert not one.lost


async def test_only_another_worker_that_is_slow_is_taken_for_lost(
    workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What this one takes long for is waited for: it is here, and comes."""
    monkeypatch.setattr(remembered, "PATIENCE_S", 0.05)
    one = remembering(workers)
    await answers(one, 5)
    workers.takes_s = {0: 0.2, 1: 60}
    assert await answers(one, 7) == [7, 5]
    assert one.gone == {1}
    await one.close()


async def test_who_has_never_answered_is_not_made_up(workers: Workers) -> None:
    """There is no last answer: the question is refused."""
    workers.silent = {1}
    with pytest.raises(Refusal):
        await answers(remembering(workers), 5)


async def test_nobody_is_asked_any_more_once_it_is_closed(workers: Workers) -> None:
    """Its tasks have ended."""
    one, before = remembering(workers), asyncio.all_tasks()
    await answers(one, 5)
    workers.silent = {1}
    await answers(one, 7)
    assert len(asyncio.all_tasks()) == len(before) + 1
    await one.close()
    assert asyncio.all_tasks() == before
