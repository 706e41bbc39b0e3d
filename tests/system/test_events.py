"""From a poll to what is told of it: in the topic, and at the webhook."""

import asyncio
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

import aiohttp
import orjson
import pytest

from streamproc.bulk import QUIET_US
from streamproc.events import Event
from streamproc.report.record import time_text
from streamproc.rules.poll import Poll
from streamproc.settings import Settings
from tests.system.events import MINUTE_US, ago, kinds, now_us, until_told
from tests.system.harness import WorkerProcess, publish, publish_raw
from tests.waiting import LIMIT_S
from tests.web.live_site import free_port
from tests.webhook.receiver import HANG, Receiver, receiving

Start = Callable[..., Any]
MakeSettings = Callable[..., Settings]
StartWorker = Callable[..., WorkerProcess]
TOKEN = "0123456789abcdef"
SOON_S, MOST_GOES = 5.0, 8


async def test_a_store_that_goes_down_and_up_is_told_of(start_program: Start) -> None:
    """Once each, with the labels it has, and how long it was down."""
    async with start_program() as program:
        settings = program.settings
        labels = (
            b'{"store_id": "7", "name": "Main Street", "labels": {"region": "West"}}'
        )
        await publish_raw(settings, [b"7"], [labels], "labels")
        await program.catch_up(0)
        first = ago(10, "7", False)
        await publish(settings, [first])
        (begun,) = await until_told(settings, lambda told: len(told) == 1)
        last = ago(0.05, "7", True)
        await publish(settings, [last])
        _, ended = await until_told(settings, lambda told: len(told) == 2)
        await asyncio.sleep(1.5)
        assert len(await until_told(settings, lambda told: True)) == 2
    assert isinstance(begun, Event)
    assert isinstance(ended, Event)
    assert (begun.kind, begun.at_us, begun.since_us) == (
        "down",
        first.time_us,
        first.time_us,
    )
    assert (begun.name, begun.labels) == ("Main Street", {"region": "West"})
    assert (ended.kind, ended.at_us) == ("up", last.time_us)
    assert ended.incident == begun.incident
    assert ended.down_us == last.time_us - first.time_us


async def test_a_restart_tells_what_happened_meanwhile_and_nothing_twice(
    start_program: Start,
) -> None:
    """Polls came while no worker ran."""
    async with start_program() as program:
        settings = program.settings
        await publish(settings, [ago(10, "7", False), ago(10, "8", False)])
        await until_told(settings, lambda told: len(told) == 2)
    await publish(settings, [ago(1, "7", True), ago(2, "9", False), ago(1, "9", True)])
    async with start_program() as program:
        told = await until_told(settings, lambda told: len(told) >= 5)
        await asyncio.sleep(1.5)
        told = await until_told(settings, lambda told: True)
    assert len(told) == 5
    assert kinds(told, "7") == ["down", "up"]
    assert kinds(told, "8") == ["down"]
    assert kinds(told, "9") == ["down", "up"]


_KILLED = """
import os, signal, sys
from streamproc.cli import main
from tables.announced import Announced
write, left = Announced.write, [int(sys.argv.pop(1))]
async def die(self, *changes):
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    left[0] -= 1
    await write(self, *changes)
Announced.write = die
sys.argv = ["streamproc", "worker", *sys.argv[1:]]
main()
"""

BEFORE_THE_EVENT, AFTER_IT = 0, 1
"""Writes to the table before the worker is killed: what is meant, what was told."""


async def _killed(settings: Settings, after_writes: int) -> None:
    """A worker that is killed when it writes what was told once more."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _KILLED, str(after_writes)),
        *("--data-dir", str(settings.data_dir), "--no-hourly", "--no-web"),
        *("--confirm", str(settings.confirm)),
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        assert await asyncio.wait_for(process.wait(), LIMIT_S) == -signal.SIGKILL
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_killed_between_event_and_table_the_same_event_comes_again(
    make_settings: MakeSettings, start_worker: StartWorker
) -> None:
    """With the same name and the same content; then it goes on as if nothing was."""
    settings = make_settings()
    await publish(settings, [ago(10, "7", False)])
    await _killed(settings, AFTER_IT)
    (first,) = await until_told(settings, lambda told: True)
    start_worker("--no-hourly").ready()
    told = await until_told(settings, lambda told: len(told) == 2)
    assert told == [first, first]
    await publish(settings, [ago(0.05, "7", True)])
    told = await until_told(settings, lambda told: len(told) == 3)
    assert kinds(told, "7") == ["down", "up"]


async def test_killed_before_the_event_it_is_told_of_once(
    make_settings: MakeSettings, start_worker: StartWorker
) -> None:
    """Nothing was written down yet: it is found out again."""
    settings = make_settings()
    await publish(settings, [ago(10, "7", False)])
    await _killed(settings, BEFORE_THE_EVENT)
    assert await until_told(settings, lambda told: True) == []
    start_worker("--no-hourly").ready()
    await until_told(settings, lambda told: len(told) == 1)


@pytest.mark.parametrize("undone_by", ["late poll", "correction"])
async def test_killed_between_event_and_table_what_is_undone_then_is_taken_back(
    make_settings: MakeSettings, start_worker: StartWorker, undone_by: str
) -> None:
    """Before the worker is back: whoever was told of the down is not left with it."""
    settings = make_settings(confirm=2)
    first, second = ago(10, "7", False), ago(5, "7", False)
    await publish(settings, [ago(15, "7", True), first, second])
    await _killed(settings, AFTER_IT)
    (begun,) = await until_told(settings, lambda told: True)
    if undone_by == "correction":
        await publish_raw(settings, [b"7\0c"], [_corrected_up(first)], "exclusions")
    else:
        await publish(settings, [Poll("7", first.time_us + 1, True)])
    start_worker("--no-hourly", "--confirm", "2").ready()
    told = await until_told(settings, lambda told: kinds(told, "7")[1:] != [])
    assert kinds(told, "7") == ["down", "retracted"]
    assert [one for one in told if one.kind == "down"] == [begun, begun]
    ended = told[-1]
    assert isinstance(begun, Event)
    assert isinstance(ended, Event)
    assert (ended.incident, ended.since_us) == (begun.incident, begun.since_us)


def _corrected_up(first: Poll) -> bytes:
    """The record that says that the store was up all the time since then."""
    begin_us, end_us = first.time_us - MINUTE_US, now_us() + 60 * MINUTE_US
    return orjson.dumps(
        {
            "store_id": first.store_id,
            "id": "c",
            "kind": "correction-up",
            "from": time_text(begin_us),
            "to": time_text(end_us),
        }
    )


async def _post(receiver: Receiver, port: int, poll: dict[str, str]) -> float:
    """Post a poll to the gateway; the loop's time of its answer."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    url = f"http://127.0.0.1:{port}/api/v1/polls"
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(url, json=poll) as response,
    ):
        assert response.status == 200, await response.text()
    return asyncio.get_running_loop().time()


async def test_a_poll_at_the_gateway_reaches_the_webhook_within_five_seconds(
    start_program: Start,
) -> None:
    """Down, and up again."""
    port, waits_s = free_port(), []
    async with receiving() as receiver:
        options = {"webhook_url": receiver.url, "web": "on", "web_port": port}
        async with start_program(web_token=TOKEN, **options):
            for number in range(1, MOST_GOES + 1):
                status = "inactive" if number % 2 else "active"
                poll = {"store_id": "7", "status": status}
                stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
                answered_s = await _post(
                    receiver, port, {**poll, "timestamp_utc": stamp}
                )
                posts = await receiver.until(number)
                waits_s.append(posts[-1].at_s - answered_s)
                if number > 1 and min(waits_s) < SOON_S:
                    break
                await asyncio.sleep(1.0)
    kinds_told = [post.json[0]["kind"] for post in receiver.posts]
    assert kinds_told == [("up", "down")[n % 2] for n in range(1, number + 1)]
    assert min(waits_s) < SOON_S  # a machine that is busy otherwise may be late


async def test_a_receiver_that_hangs_holds_up_nothing_else(
    start_program: Start,
) -> None:
    """Polls are counted and told of as ever; the lag is known, and how it goes."""
    port = free_port()
    async with receiving() as receiver:
        receiver.always = HANG
        options = {"webhook_url": receiver.url, "web": "on", "web_port": port}
        async with start_program(**options) as program:
            await publish(program.settings, [ago(10, "7", False)])
            await receiver.until(1)
            await publish(program.settings, [ago(5, "8", False)])
            await until_told(program.settings, lambda told: len(told) == 2)
            url = f"http://127.0.0.1:{port}/api/v1/webhook"
            async with aiohttp.ClientSession() as session, session.get(url) as answer:
                told = await answer.json()
    assert told["enabled"] is True
    assert told["url"] == receiver.url.replace("/hook", "/…")
    assert (told["delivered"], told["given_up"], told["lost"]) == (0, 0, [])
    assert told["lag"] >= 1


async def test_history_that_is_loaded_is_not_told(start_program: Start) -> None:
    """A year that ends two days ago, and then a poll of now."""
    async with start_program() as program:
        settings = program.settings
        hours = [ago(60 * hour, "7", hour % 5 > 0) for hour in range(48, 400)]
        await publish(settings, hours)
        await program.catch_up(0)
        await asyncio.sleep(2.5)
        assert await until_told(settings, lambda told: True) == []
        await publish(settings, [ago(0.1, "7", False)])
        told = await until_told(settings, lambda told: len(told) > 0)
    assert kinds(told, "7") == ["down"]


async def test_a_backlog_is_not_taken_for_silence(start_program: Start) -> None:
    """A store's last poll waits behind 20,000 others: it was never silent."""
    others = [f"other-{number}" for number in range(1_000)]
    async with start_program(partitions=1) as program:
        settings = program.settings
        await publish(settings, [ago(75, "7", True), ago(75, "8", True)])
        await until_told(settings, lambda told: len(told) >= 2)
    backlog = [ago(1 + number / 200, i, True) for number in range(20) for i in others]
    await publish(settings, backlog)
    await publish(settings, [ago(1, "7", True), ago(30, "9", True), ago(1, "9", True)])
    options = {"partitions": 1, "max_poll_records": 100}
    async with start_program(**options):
        told = await until_told(settings, lambda told: len(told) >= 3)
        await asyncio.sleep(2.5)
        told = await until_told(settings, lambda told: True)
    assert {kinds(told, i)[-1] for i in others if kinds(told, i)} == set()
    assert kinds(told, "7") == ["silent", "heard"]
    assert kinds(told, "8") == ["silent"]
    assert kinds(told, "9") == []


async def test_history_that_is_being_loaded_is_not_taken_for_silence(
    start_program: Start,
) -> None:
    """Yesterday is there, today comes a little later: nobody was silent in between."""
    ids = [f"s{number}" for number in range(50)]
    loading_us: list[int] = [now_us()]  # the clock stands still, however long it takes

    def clock() -> int:
        return loading_us[0] if loading_us else now_us() + QUIET_US

    async with start_program(clock, partitions=1) as program:
        settings = program.settings
        times = range(23 * 60, 120, -30)
        await publish(
            settings, [ago(minutes, i, True) for minutes in times for i in ids]
        )
        await program.catch_up(0)
        await asyncio.sleep(2.5)
        rest = range(120, 0, -30)
        await publish(
            settings, [ago(minutes, i, True) for minutes in rest for i in ids]
        )
        await program.catch_up(0)
        loading_us.clear()
        await asyncio.sleep(2.5)
        await publish(settings, [ago(0.1, "s1", False)])
        told = await until_told(settings, lambda told: len(told) > 0)
    assert [(event.kind, event.key) for event in told] == [("down", b"s1")]
