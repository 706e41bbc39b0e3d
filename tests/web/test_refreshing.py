"""Overviews under a flood of instants: now and latest are answered all the same."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamproc.report.record import time_text
from streamproc.web.budget import Budget
from streamproc.web.fleet import refreshing
from streamproc.web.fleet.refreshing import Overviews
from tests.waiting import LIMIT_S
from tests.web.live_site import NOW_US, SECOND_US, LiveSite

SHARE, AT_ONCE_S = 0.03, 1.0
jobs = st.lists(st.tuples(st.floats(0, 5), st.floats(0, 600)), max_size=40)


@given(jobs)
def test_work_never_takes_more_than_its_share_of_the_time(
    jobs: list[tuple[float, float]],
) -> None:
    """Whatever is asked for and whenever: the share, what may be at once, one more."""
    budget, now_s, done_s, longest_s = Budget(SHARE, AT_ONCE_S), 0.0, 0.0, 0.0
    for took_s, pause_s in jobs:
        if not budget.wait_s(now_s):
            now_s += took_s
            budget.spend(took_s, now_s)
            done_s, longest_s = done_s + took_s, max(longest_s, took_s)
        now_s += pause_s
        assert done_s <= now_s * SHARE + AT_ONCE_S + longest_s + 1e-6


@given(st.floats(AT_ONCE_S, 100))
def test_who_waits_as_long_as_told_is_served(took_s: float) -> None:
    """Retry-After is long enough, and no second longer."""
    patient, hasty = Budget(SHARE, AT_ONCE_S), Budget(SHARE, AT_ONCE_S)
    for budget in (patient, hasty):
        budget.spend(took_s, 0.0)
    wait_s = patient.wait_s(0.0)
    assert patient.wait_s(float(wait_s)) == 0
    assert wait_s == 0 or hasty.wait_s(wait_s - 1.01) > 0


class Slow:
    """Explicit instants take until they are let go; now and latest do not."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.began: list[int] = []
        self.ended: list[int] = []
        self.order: list[int | str] = []
        self._go = threading.Event()
        compute = Overviews._compute

        async def slowly(overviews: Overviews, as_of: Any) -> Any:
            try:
                if not isinstance(as_of, int):
                    return await compute(overviews, as_of)
                self.began.append(as_of)
                while not self._go.is_set():  # noqa: ASYNC110 - set by another thread
                    await asyncio.sleep(0.005)
                return await compute(overviews, as_of)
            finally:
                self.order.append(as_of)
                self.ended += [as_of] if isinstance(as_of, int) else []

        monkeypatch.setattr(Overviews, "_compute", slowly)

    def let_go(self) -> None:
        """Let all of them be computed."""
        self._go.set()


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    """Make explicit instants slow."""
    made = Slow(monkeypatch)
    yield made
    made.let_go()


def instant(number: int) -> int:
    """One of many distinct instants of the last hour."""
    return NOW_US - number * SECOND_US


async def flood(site: LiveSite, paths: list[str]) -> list[Any]:
    """Ask for all of these at once."""
    return await asyncio.gather(*(asyncio.to_thread(site.get, p) for p in paths))


async def test_a_flood_of_instants_leaves_now_and_latest_alone(
    start_site: Callable[..., LiveSite], slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One instant is computed, a few wait, the others are told to come back."""
    monkeypatch.setattr(refreshing, "BURST_S", 0.01)
    site = await asyncio.to_thread(lambda: start_site().fill())
    paths = [f"/api/v1/stores?as_of={time_text(instant(n))}" for n in range(1, 25)]
    flooding = asyncio.create_task(flood(site, paths))
    while not slow.began:  # noqa: ASYNC110 - told by another thread
        await asyncio.sleep(0.005)
    slow.let_go()
    for path in ("/", "/?as_of=latest", "/api/v1/overview"):
        assert (await asyncio.to_thread(site.get, path)).status == 200
    answers = await flooding
    refused = [a for a in answers if a.status == 503]
    assert {a.status for a in answers} == {200, 503}
    assert {a.json["error"] for a in refused} == {"busy"}
    assert all(int(a.headers["Retry-After"]) >= 1 for a in refused)


async def overview(site: LiveSite, as_of: Any) -> Any:
    """Ask the worker's own overviews, in their event loop."""
    web = site.program.app.web_service
    work = web._site.overviews.get(as_of)
    return await asyncio.wrap_future(
        asyncio.run_coroutine_threadsafe(work, web._web_loop)
    )


async def test_now_is_computed_before_instants_that_wait(
    start_site: Callable[..., LiveSite], slow: Slow
) -> None:
    """An instant that waits for its turn is behind it, however early it came."""
    site = await asyncio.to_thread(lambda: start_site().fill())
    waiting = [asyncio.create_task(overview(site, instant(n))) for n in range(1, 4)]
    while not slow.began:  # noqa: ASYNC110 - told by another thread
        await asyncio.sleep(0.005)
    slow.order.clear()
    now = asyncio.create_task(overview(site, "now"))
    entries = site.program.app.web_service._site.overviews._entries
    while "now" not in entries:  # noqa: ASYNC110 - told by another thread
        await asyncio.sleep(0.005)
    slow.let_go()
    assert (await now).as_of_us == NOW_US
    await asyncio.gather(*waiting)
    assert slow.order.index("now") == 1


async def test_work_that_nobody_waits_for_any_more_ends(
    start_site: Callable[..., LiveSite], slow: Slow
) -> None:
    """A reader that timed out or left takes the computation with it, others do not."""
    site = await asyncio.to_thread(lambda: start_site().fill())
    one, two = (asyncio.create_task(overview(site, instant(1))) for _ in range(2))
    while not slow.began:  # noqa: ASYNC110 - told by another thread
        await asyncio.sleep(0.005)
    one.cancel()
    await asyncio.gather(one, return_exceptions=True)
    assert not slow.ended
    two.cancel()
    await asyncio.gather(two, return_exceptions=True)
    async with asyncio.timeout(LIMIT_S):
        while not slow.ended:  # noqa: ASYNC110 - told by another thread
            await asyncio.sleep(0.005)
    slow.let_go()
    assert (await overview(site, instant(1))).as_of_us == instant(1)
    assert len(slow.began) == 2


async def test_many_instants_are_not_kept_and_now_is(
    start_site: Callable[..., LiveSite],
) -> None:
    """Each costs memory; now and latest stay, whatever is asked for in between."""
    site = await asyncio.to_thread(lambda: start_site().fill())
    first = await overview(site, "now")
    for number in range(1, 3 * refreshing.KEPT):
        await overview(site, instant(number))
    kept = site.program.app.web_service._site.overviews._entries
    assert len(kept) <= refreshing.KEPT + 2
    assert kept["now"].overview is first
