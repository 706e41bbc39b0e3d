"""Reading at leisure: others go first after each step, and it keeps to its share."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable

import pytest

from streamproc.web.cluster.scans import Scans, Steps


@pytest.fixture
async def start() -> AsyncIterator[Callable[..., Scans]]:
    """Make scans that are closed at the end."""
    made: list[Scans] = []

    def start(**options: float) -> Scans:
        made.append(Scans(**options))
        return made[-1]

    yield start
    for scans in made:
        await scans.close()


def at_once(word: str, done: list[str]) -> Steps[str]:
    """One step."""
    done.append(word)
    yield
    return word


async def test_what_is_waited_for_goes_between_the_steps_of_what_is_read_at_leisure(
    start: Callable[..., Scans],
) -> None:
    """However much is left of it."""
    scans, done = start(at_once_s=60.0), list[str]()
    begun, first = threading.Event(), threading.Event()

    def year() -> Steps[int]:
        begun.set()
        first.wait()
        for number in range(3):
            done.append(f"step {number}")
            yield
        return 3

    later = asyncio.create_task(scans.run(year(), at_leisure=True))
    await asyncio.to_thread(begun.wait)
    other = asyncio.create_task(scans.run(at_once("c", done), at_leisure=True))
    await asyncio.sleep(0)
    sooner = [asyncio.create_task(scans.run(at_once(w, done))) for w in ("a", "b")]
    await asyncio.sleep(0)
    first.set()
    assert await asyncio.gather(*sooner) == ["a", "b"]
    assert (await later, await other) == (3, "c")
    assert done == ["step 0", "a", "b", "c", "step 1", "step 2"]


async def test_what_is_read_at_leisure_waits_when_its_share_is_used_up(
    start: Callable[..., Scans],
) -> None:
    """Others do not."""
    scans, steps, done = start(share=1e-9, at_once_s=0.0), list[int](), list[str]()
    begun = threading.Event()

    def year() -> Steps[int]:
        for number in range(3):
            steps.append(number)
            begun.set()
            until_s = time.thread_time() + 0.001
            while time.thread_time() < until_s:
                pass
            yield
        return 3

    later = asyncio.create_task(scans.run(year(), at_leisure=True))
    await asyncio.to_thread(begun.wait)
    for word in "abc":
        assert await scans.run(at_once(word, done)) == word
    assert steps == [0]
    later.cancel()


async def test_what_nobody_waits_for_any_more_is_ended(
    start: Callable[..., Scans],
) -> None:
    """What it has opened is closed."""
    scans, begun, ended = start(at_once_s=60.0), threading.Event(), threading.Event()

    def endless() -> Steps[int]:
        try:
            while True:
                begun.set()
                yield
        finally:
            ended.set()

    later = asyncio.create_task(scans.run(endless(), at_leisure=True))
    await asyncio.to_thread(begun.wait, 20)
    later.cancel()
    assert await asyncio.to_thread(ended.wait, 20)


async def test_who_waits_is_told_what_failed(start: Callable[..., Scans]) -> None:
    """The others are not kept from theirs."""
    scans, done = start(), list[str]()

    def failing() -> Steps[int]:
        yield
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await scans.run(failing())
    assert await scans.run(at_once("a", done)) == "a"
