"""Work that is done in a process of its own: there, or here when there is none."""

import asyncio
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from streamproc.web import aside as aside_module
from streamproc.web.aside import MOST, Aside, EndedError
from tests.waiting import LIMIT_S, until, until_awaited, until_in_loop
from tests.web.live_site import LiveSite


def where(_: object) -> tuple[int, int]:
    """Process and thread that do this."""
    return os.getpid(), threading.get_ident()


def refuse(job: str) -> str:
    """Fail."""
    raise ValueError(f"no {job}")


def end(spared: int) -> int:
    """End the process, unless it is a certain one."""
    if os.getpid() != spared:
        os._exit(3)
    return spared


def late(seconds: float) -> int:
    """Take some time."""
    time.sleep(seconds)
    return os.getpid()


def chatter(text: str) -> str:
    """Write to the standard output, which is where answers go."""
    print(text, flush=True)  # noqa: T201
    os.write(1, text.encode())
    return text


@pytest.fixture
async def aside() -> AsyncIterator[Aside]:
    """One whose process is there."""
    made = Aside()
    await begun(made)
    yield made
    await made.close()


async def begun(made: Aside) -> int:
    """Begin the process; which one it is."""

    async def asked() -> int | None:
        await made.run(where, None)
        return made.pid

    pid = await until_awaited(asked)
    assert pid is not None
    return pid


async def test_work_is_done_in_another_process(aside: Aside) -> None:
    """One process, whatever comes after."""
    first, _ = await aside.run(where, None)
    assert first == aside.pid != os.getpid()
    assert (await aside.run(where, None))[0] == first


async def test_until_the_process_is_there_work_is_done_here() -> None:
    """Nobody waits for it to begin; in a thread, so that nobody waits for that."""
    made = Aside()
    process, thread = await made.run(where, None)
    assert process == os.getpid()
    assert thread != threading.get_ident()
    await made.close()


async def test_what_fails_there_fails_with_its_own_error(aside: Aside) -> None:
    """And the next one is done there again."""
    with pytest.raises(ValueError, match="no coffee"):
        await aside.run(refuse, "coffee")
    assert (await aside.run(where, None))[0] == aside.pid


async def test_work_of_a_process_that_ends_is_done_here(aside: Aside) -> None:
    """Also what waited behind it."""
    pid, here = aside.pid, os.getpid()
    first, second = await asyncio.gather(aside.run(end, here), aside.run(late, 0.0))
    assert (first, second) == (here, here)
    assert aside.pid != pid


async def test_who_asks_a_process_that_has_ended_does_not_wait(aside: Aside) -> None:
    """Its end may not have been dealt with yet."""
    other: Any = aside._other
    other.process.kill()
    await until_in_loop(lambda: other.has_ended)
    with pytest.raises(EndedError):
        await other.ask(b"a job")
    aside._other = other
    assert (await aside.run(where, None))[0] == os.getpid()


async def test_a_process_that_has_ended_is_begun_again(
    aside: Aside, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a while, so that one which always ends costs little."""
    first = aside.pid
    assert first is not None
    monkeypatch.setattr(aside_module, "AGAIN_S", 0.0)
    os.kill(first, signal.SIGKILL)
    await until_in_loop(lambda: aside.pid != first)
    assert await begun(aside) != first


async def test_it_is_not_begun_again_at_once(aside: Aside) -> None:
    """Nor with every job."""
    assert aside.pid is not None
    os.kill(aside.pid, signal.SIGKILL)
    await until_in_loop(lambda: aside._life is None)
    assert (await aside.run(where, None))[0] == os.getpid()
    assert aside._life is None


async def test_more_work_than_it_can_do_is_done_here(aside: Aside) -> None:
    """Two processes are better than one that is waited for."""
    jobs = [aside.run(late, 0.2) for _ in range(MOST + 3)]
    found = await asyncio.gather(*jobs)
    assert found.count(os.getpid()) == 3


async def test_who_does_not_wait_any_more_shifts_no_answer(aside: Aside) -> None:
    """Answers come in the order of the jobs."""
    given_up = asyncio.create_task(aside.run(late, 0.3))
    await asyncio.sleep(0.05)
    given_up.cancel()
    assert await aside.run(chatter, "mine") == "mine"


async def test_what_work_prints_is_no_answer(
    aside: Aside, capfd: pytest.CaptureFixture[str]
) -> None:
    """It goes to the standard error."""
    assert await aside.run(chatter, "hear, hear") == "hear, hear"
    assert await aside.run(chatter, "again") == "again"


async def test_closing_ends_the_process() -> None:
    """And waits until it has ended."""
    made = Aside()
    pid = await begun(made)
    await made.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_the_process_ends_with_its_worker() -> None:
    """Also where the worker was killed: nobody is left behind."""
    script = (
        "import asyncio, sys\n"
        "from streamproc.web.aside import Aside\n"
        "from tests.web.test_aside import begun\n"
        "async def main():\n"
        "    made = Aside()\n"
        "    print(await begun(made), flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    parent: Any = subprocess.Popen([sys.executable, "-c", script], stdout=-1, text=True)
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait(LIMIT_S)
    parent.stdout.close()
    until(lambda: not is_running(pid))


def is_running(pid: int) -> bool:
    """Whether a process has not ended; who has no parent left may be a zombie."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(") ")[2][0] != "Z"
    except FileNotFoundError:
        return False


def test_ctrl_c_is_for_the_worker() -> None:
    """It ends the process in its own time, when all pages are made."""
    command = [sys.executable, "-m", "streamproc.web.aside"]
    process = subprocess.Popen(command, stdin=-1, stdout=-1)
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        job = pickle.dumps((where, None))
        message = aside_module._SIZE.pack(len(job)) + job
        process.stdin.write(message)
        process.stdin.flush()
        assert process.stdout.read(aside_module._SIZE.size)
        process.send_signal(signal.SIGINT)
        process.stdin.close()
        process.stdout.read()
        assert process.wait(LIMIT_S) == 0


@pytest.mark.parametrize("period", ["this-week", "last-month", "day:2025-05-05"])
def test_a_page_is_the_same_wherever_it_is_made(site: LiveSite, period: str) -> None:
    """To the byte, but for the address that its parts are followed at."""
    web: Any = site.program.app.web_service
    aside, loop = web._site.aside, web._web_loop
    asyncio.run_coroutine_threadsafe(begun(aside), loop).result(LIMIT_S)

    def page() -> str:
        loop.call_soon_threadsafe(web._site.pages._entries.clear)
        # Of now, it says what is at hand of all stores, which others may have asked.
        as_of = "2025-05-06T14:30:00Z"
        return site.page(f"/stores/gamma?period={period}&as_of={as_of}")

    there = page()
    run, aside.run = aside.run, asyncio.to_thread
    try:
        here = page()
    finally:
        aside.run = run
    assert "Gamma" in there or "gamma" in there
    assert there == here
