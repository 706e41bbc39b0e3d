"""The webhook against receivers that take, hang, refuse, hang up and redirect.

Events are put into the topic of an embedded log, and a webhook of its own reads them.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest

from streamproc.events import Event, encode_event
from streamproc.metrics import Metrics
from streamproc.settings import Settings
from streamproc.topics import topics_for
from streamproc.transport.connect import connect
from streamproc.webhook import calling, sender, waiting
from streamproc.webhook.posts import SIGNATURE, TIMESTAMP, signature
from streamproc.webhook.sender import Webhook
from tests.waiting import until_awaited, until_in_loop
from tests.webhook.events import NOON_US, down, silent, up
from tests.webhook.receiver import CLOSE, HANG, Receiver, receiving

MakeSettings = Callable[..., Settings]


@pytest.fixture
def hook_settings(make_settings: MakeSettings) -> MakeSettings:
    """Settings of a webhook at a receiver; two partitions."""

    def make(receiver: Receiver, **options: Any) -> Settings:
        return make_settings(webhook_url=receiver.url, partitions=2, **options)

    return make


async def tell(settings: Settings, events: Sequence[Event], parts: int = 1) -> None:
    """Put events into their topic, as the worker does: so many parts after another."""
    topic = topics_for(settings).events
    keys, values = [one.key for one in events], [encode_event(one) for one in events]
    client = await connect(settings)
    try:
        await client.create_topics([topic])
        for part in range(parts):
            await client.publish(topic, keys[part::parts], values[part::parts])
    finally:
        await client.close()


async def all_is_committed(settings: Settings, webhook: Webhook) -> bool:
    """Whether a webhook that begins now would post nothing again."""
    client = await connect(settings)
    try:
        ends = await client.end_offsets(webhook.topic)
        return await client.committed(webhook.group, list(ends)) == ends
    finally:
        await client.close()


@asynccontextmanager
async def posting(settings: Settings) -> AsyncIterator[Webhook]:
    """A webhook that runs, as a worker has it."""
    topic = topics_for(settings).events
    client = await connect(settings)
    await client.create_topics([topic])
    await client.close()
    webhook = Webhook(
        settings, topic, Metrics(), partial(connect, settings), lambda: True
    )
    task = asyncio.create_task(webhook.run())
    try:
        yield webhook
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_events_are_posted_as_a_signed_list(hook_settings: MakeSettings) -> None:
    """With what the receiver needs to check that they are ours, and just made."""
    async with receiving() as receiver:
        settings = hook_settings(receiver, webhook_secret="hush")
        async with posting(settings):
            await tell(settings, [down("7", name="Main Street", labels={"a": "b"})])
            (post,) = await receiver.until(1)
    (event,) = post.json
    assert event == {
        "id": "7@2025-11-25T12:00:00Z/down",
        "store_id": "7",
        "kind": "down",
        "at": "2025-11-25T12:00:00Z",
        "since": "2025-11-25T12:00:00Z",
        "incident": "7@2025-11-25T12:00:00Z",
        "name": "Main Street",
        "labels": {"a": "b"},
    }
    expected = signature("hush", int(post.headers[TIMESTAMP]), post.body)
    assert post.headers[SIGNATURE] == f"sha256={expected}"
    assert post.path == "/hook"


async def test_a_receiver_that_fails_gets_it_again_after_growing_pauses(
    hook_settings: MakeSettings,
) -> None:
    """500, then it hangs up, then it takes it: once, whole, in order."""
    async with receiving(500, CLOSE) as receiver:
        settings = hook_settings(receiver)
        async with posting(settings) as webhook:
            await tell(settings, [down("7"), up("7")])
            first, second, third = await receiver.until(3)
            await until_in_loop(lambda: webhook.status.delivered == 2)
    assert first.ids == second.ids == third.ids == [down("7").id, up("7").id]
    assert third.at_s - first.at_s > 2.5  # one second, then two; the first may be late
    assert (webhook.status.posts, webhook.status.failed) == (3, 2)
    assert webhook.status.error is None


async def test_a_receiver_that_hangs_is_left_alone_after_a_while(
    hook_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And asked again; meanwhile the lag is known."""
    monkeypatch.setattr(calling, "TIMEOUT_S", 0.5)
    async with receiving(HANG) as receiver:
        settings = hook_settings(receiver)
        async with posting(settings) as webhook:
            await tell(settings, [down("7")])
            await receiver.until(1)
            assert webhook.status.lag == 1
            await receiver.until(2)
            await until_in_loop(lambda: webhook.status.delivered == 1)
            await until_in_loop(lambda: webhook.status.lag == 0)
    assert webhook.status.failed == 1


async def test_a_redirect_is_not_followed(hook_settings: MakeSettings) -> None:
    """It counts as not taken: who may redirect must not choose who is told."""
    async with receiving(302) as receiver:
        receiver.headers["Location"] = receiver.url.replace("/hook", "/elsewhere")
        settings = hook_settings(receiver)
        async with posting(settings) as webhook:
            await tell(settings, [down("7")])
            posts = await receiver.until(2)
            await until_in_loop(lambda: webhook.status.delivered == 1)
    assert [post.path for post in posts] == ["/hook", "/hook"]
    assert webhook.status.failed == 1


async def test_one_call_a_second_tells_of_all_that_has_come(
    hook_settings: MakeSettings,
) -> None:
    """Events that come one by one for some seconds are some calls, none too many."""
    async with receiving() as receiver:
        settings = hook_settings(receiver)
        async with posting(settings) as webhook:
            for number in range(15):
                await tell(settings, [down(f"s{number}")])
                await asyncio.sleep(0.2)
            await until_in_loop(lambda: webhook.status.delivered == 15)
    times = [post.at_s for post in receiver.posts]
    assert len(times) < 15
    # They come a second apart, and the first one may be late.
    assert times[-1] - times[0] > len(times) - 2


async def test_ten_thousand_stores_at_once_are_one_post(
    hook_settings: MakeSettings,
) -> None:
    """Told a part at a time, as the partitions come to it."""
    all_stores = [down(f"s{number}") for number in range(10_000)]
    async with receiving() as receiver:
        settings = hook_settings(receiver)
        async with posting(settings) as webhook:
            await tell(settings, all_stores, parts=4)
            await until_in_loop(lambda: webhook.status.delivered == 10_000)
    (post,) = receiver.posts
    assert len(set(post.ids)) == 10_000


async def test_a_restart_loses_nothing_and_repeats_nothing_that_was_committed(
    hook_settings: MakeSettings,
) -> None:
    """What is told while no worker runs comes when one does."""
    async with receiving() as receiver:
        settings = hook_settings(receiver)
        async with posting(settings) as webhook:
            await tell(settings, [down("7")])
            await until_in_loop(lambda: webhook.status.delivered == 1)
            await until_in_loop(lambda: webhook.status.lag == 0)
            await until_awaited(lambda: all_is_committed(settings, webhook))
        await tell(settings, [up("7")])
        async with posting(settings) as webhook:
            await until_in_loop(lambda: webhook.status.delivered == 1)
    assert [post.ids for post in receiver.posts] == [[down("7").id], [up("7").id]]


async def test_what_was_not_delivered_when_it_ended_is_posted_after_the_restart(
    hook_settings: MakeSettings,
) -> None:
    """Its name is the same."""
    async with receiving() as receiver:
        receiver.always = 503
        settings = hook_settings(receiver)
        async with posting(settings):
            await tell(settings, [down("7")])
            await receiver.until(1)
        receiver.always = 200
        async with posting(settings) as webhook:
            await until_in_loop(lambda: webhook.status.delivered == 1)
    assert {tuple(post.ids) for post in receiver.posts} == {(down("7").id,)}


async def test_what_nobody_takes_is_given_up_counted_and_listed(
    hook_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the patience, 36 s here at the least; and what comes later is delivered."""
    async with receiving() as receiver:
        receiver.always = 500
        settings = hook_settings(receiver, webhook_patience=0.01)
        now_s = time.time
        async with posting(settings) as webhook:
            await tell(settings, [down("7")])
            await receiver.until(1)
            ahead = _Clock(lambda: now_s() + 37, time.monotonic)
            monkeypatch.setattr(sender, "time", ahead)
            await until_in_loop(lambda: webhook.status.given_up == 1)
            monkeypatch.undo()
            receiver.always = 200
            await tell(settings, [down("8")])
            await until_in_loop(lambda: webhook.status.delivered == 1)
    (lost,) = webhook.status.lost
    assert lost.event == down("7")
    assert lost.reason == "not delivered within 0.01 h: answered 500"
    assert receiver.posts[-1].ids == [down("8").id]


class _Clock:
    """Stands for the module of time: a clock that is ahead."""

    def __init__(
        self, time: Callable[[], float], monotonic: Callable[[], float]
    ) -> None:
        self.time = time
        self.monotonic = monotonic


async def test_only_the_stores_that_are_asked_for_are_told_of(
    hook_settings: MakeSettings,
) -> None:
    """By one label and its value."""
    async with receiving() as receiver:
        settings = hook_settings(receiver, webhook_where="region=West")
        async with posting(settings) as webhook:
            west = down("7", labels={"region": "West"})
            await tell(settings, [down("6", labels={"region": "East"}), west, up("5")])
            (post,) = await receiver.until(1)
            await until_in_loop(lambda: webhook.status.lag == 0)
    assert post.ids == [west.id]


async def test_slack_gets_a_text(hook_settings: MakeSettings) -> None:
    """One line, for many stores at once."""
    async with receiving() as receiver:
        settings = hook_settings(receiver, webhook_format="slack")
        async with posting(settings):
            some = [silent(f"s{n}", labels={"poller": "p3"}) for n in range(45)]
            await tell(settings, some)
            (post,) = await receiver.until(1)
    assert post.json == {"text": "45 stores silent, all poller=p3"}


async def test_garbage_in_the_topic_holds_up_nothing(
    hook_settings: MakeSettings,
) -> None:
    """It is left out, and said."""
    async with receiving() as receiver:
        settings = hook_settings(receiver)
        async with posting(settings) as webhook:
            client = await connect(settings)
            topic = topics_for(settings).events
            await client.publish(topic, [b"7"] * 3, [b"{}", b"\xff", None])
            await client.close()
            await tell(settings, [down("7")])
            await until_in_loop(lambda: webhook.status.delivered == 1)
    assert [post.ids for post in receiver.posts] == [[down("7").id]]


async def test_what_was_told_before_the_first_start_is_not_posted(
    hook_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who sets up a webhook does not want last month's outages."""
    async with receiving() as receiver:
        settings = hook_settings(receiver)
        await tell(settings, [down("7")])
        monkeypatch.setattr(sender, "BEFORE_START_S", -0.05)
        async with posting(settings) as webhook:
            await until_in_loop(lambda: webhook.status.lag == 0)
            await asyncio.sleep(0.1)
            await tell(settings, [down("8")])
            await until_in_loop(lambda: webhook.status.delivered == 1)
    assert [post.ids for post in receiver.posts] == [[down("8").id]]


async def test_an_address_that_must_not_be_called_is_not_called(
    make_settings: MakeSettings,
) -> None:
    """It is said why, and events wait."""
    settings = make_settings(webhook_url="http://169.254.169.254/latest", partitions=2)
    async with posting(settings) as webhook:
        await tell(settings, [down("7", at_us=NOON_US)])
        await until_in_loop(lambda: webhook.status.error is not None)
    assert "webhook_link_local" in str(webhook.status.error)
    assert webhook.status.delivered == 0


def test_the_first_attempt_is_in_time() -> None:
    """Within five seconds of a poll's answer: a second until it is looked at."""
    looked_at_s, told_s = 1.0, 1.0
    wait_s = max(waiting.GATHER_AT_MOST_S, waiting.GATHER_S) + sender.READ_S
    assert looked_at_s + told_s + wait_s < 5.0
