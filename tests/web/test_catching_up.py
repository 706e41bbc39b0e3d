"""A worker that starts with a backlog says so until it is worked off."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from agents import polls as polls_agent
from streamproc.rules.now import STATES
from streamproc.rules.poll import encode_poll
from streamproc.web.cluster import peers
from streamproc.web.cluster.status import Status
from streamproc.web.flow import Left, left_of
from streamproc.worker import process
from tests.waiting import until
from tests.web.live_site import LiveSite, ago
from tests.web.test_now import put_polls


class Held:
    """Keeps the agent from its polls until it is let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._let_go = asyncio.Event()
        keep = polls_agent.keep

        async def held(*given: Any) -> None:
            await self._let_go.wait()
            await keep(*given)

        monkeypatch.setattr(polls_agent, "keep", held)

    def let_go(self, site: LiveSite) -> None:
        """Let it go on."""
        site._loop.call_soon_threadsafe(self._let_go.set)


@pytest.fixture
def with_backlog(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., tuple[LiveSite, Held]]]:
    """A worker that starts with five polls before it, which it does not get at."""
    started: list[tuple[LiveSite, Held]] = []

    async def publish(before: LiveSite) -> None:
        await process.prepare(before.program)
        polls = [ago(minute, "a", True) for minute in (1, 2, 3, 4, 5)]
        messages = [(poll.store_id, encode_poll(poll)) for poll in polls]
        await before._publish(before.program.topics.polls, messages)

    def start(**options: Any) -> tuple[LiveSite, Held]:
        before = LiveSite(tmp_path)
        asyncio.run(publish(before))
        before._loop.close()
        started.append((LiveSite(tmp_path, options), Held(monkeypatch)))
        started[-1][0].start()
        return started[-1]

    yield start
    for site, held in started:
        held.let_go(site)
        site.stop()


def test_left_is_the_sum_and_the_slowest_worker_is_the_last() -> None:
    """Of workers that have a backlog; without a rate, nobody knows."""

    def one(left: int, rate: float) -> Status:
        return Status(True, rate, left, 0.0, None, left)

    assert left_of([one(0, 100.0)]) is None
    assert left_of([one(500, 100.0), one(900, 300.0), one(0, 1.0)]) == Left(1400, 5.0)
    assert left_of([one(500, 0.0), one(900, 300.0)]) == Left(1400, None)


def test_what_is_shown_is_as_of_the_worker_that_is_the_farthest_behind() -> None:
    """Of those with a backlog; what one of them does not know nobody does."""

    def one(left: int, reached_ms: int | None) -> Status:
        return Status(True, 1.0, left, 0.0, None, left, reached_ms)

    told = left_of([one(5, 9_000), one(5, 7_000), one(0, 1_000)])
    assert told == Left(10, 5.0, 7_000_000)
    assert left_of([one(5, 9_000), one(5, None)]) == Left(10, 5.0, None)


def test_states_are_in_the_metrics_by_the_values_of_chosen_labels(
    start_site: Callable[..., LiveSite],
) -> None:
    """As many values as are set; the rarer ones together are *."""
    site = start_site(state_labels="region, brand", state_label_values=2)
    put_polls(site, [ago(5, name, name != "a") for name in "abcde"])
    regions = {"a": "West", "b": "West", "c": "East", "d": "East", "e": "South"}
    site.publish(
        site.program.topics.labels,
        [
            (i, orjson.dumps({"store_id": i, "labels": {"region": region}}))
            for i, region in regions.items()
        ],
    )
    site.settle()
    lines = site.get("/metrics").text.splitlines()
    told = dict(line.rsplit(" ", 1) for line in lines if "streamproc_stores" in line)
    assert told['streamproc_stores{state="up"}'] == "4.0"
    assert told['streamproc_stores{state="down"}'] == "1.0"

    def by(value: str, state: str) -> str:
        labels = f'label="region",state="{state}",value="{value}"'
        return told[f"streamproc_stores_by_label{{{labels}}}"]

    assert (by("West", "down"), by("West", "up"), by("East", "up")) == (
        *("1.0", "1.0"),
        "2.0",
    )
    assert by("*", "up") == "1.0"
    assert sum("by_label{" in name for name in told) == 3 * len(STATES)


def test_a_worker_that_has_caught_up_says_so(site: LiveSite) -> None:
    """Nothing is left, and what all stores are now is known."""
    site.get("/api/v1/now")
    status = site.get("/api/v1/status").json
    assert (status["ready"], status["start_backlog"]) == (True, 0)
    assert status["catching_up"] is None
    assert (status["workers"], status["silent_workers"]) == (1, 0)
    partitions = range(site.settings.partitions)
    assert status["boards"] == [{"partition": p, "looked_up": None} for p in partitions]


def test_ready_waits_for_the_backlog_that_was_there_at_the_start(
    with_backlog: Callable[..., tuple[LiveSite, Held]],
) -> None:
    """503 with what is left of it; then ready, and a later backlog changes nothing."""
    site, held = with_backlog()
    answer = site.get("/ready")
    assert answer.status == 503
    assert answer.json == {"status": "catching-up", "remaining_records": 5}
    assert site.get("/api/v1/status").json["start_backlog"] == 5
    left = until(lambda: site.get("/api/v1/now").json["catching_up"])
    assert left == {"left": 5, "about_s": None, "reached": None}
    assert "streamproc_ready 0.0" in site.get("/metrics").text
    held.let_go(site)
    site.settle()
    assert site.get("/ready").json == {"status": "ready"}
    assert "streamproc_ready 1.0" in site.get("/metrics").text


def test_pages_do_not_wait_for_polls_that_are_still_being_read(
    with_backlog: Callable[..., tuple[LiveSite, Held]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They show what is in the tables; what the API tells of a span is of all polls."""
    monkeypatch.setattr(peers, "CATCH_UP_S", 0.05)
    site, held = with_backlog()
    zone = orjson.dumps({"store_id": "a", "timezone_str": "UTC"})
    site.publish(site.program.topics.zones, [("a", zone)])
    until(lambda: site.get("/api/v1/stores/a").status == 200)
    for page in ("/", "/stores", "/stores/a", "/incidents"):
        assert site.get(page).status == 200, page
    spans = ("/api/v1/incidents", "/api/v1/stores/a/periods", "/api/v1/periods/today")
    for span in spans:
        assert site.get(span).status == 503, span
    monkeypatch.undo()
    held.let_go(site)
    site.settle()
    for span in spans:
        assert site.get(span).status == 200, span


def test_ready_waits_no_longer_than_is_set(
    with_backlog: Callable[..., tuple[LiveSite, Held]],
) -> None:
    """ready_wait 0: ready as soon as it consumes."""
    site, _ = with_backlog(ready_wait=0)
    site.get("/ready")  # it begins to look
    assert site.get("/ready").json == {"status": "ready"}
