"""``streamproc webhook test``: what it posts, and what it says of what came of it."""

import asyncio
import json
import os

from tests.conftest import Run
from tests.webhook.receiver import Receiver, receiving


async def _tested(
    streamproc: Run, receiver: Receiver, **environ: str
) -> tuple[int, str]:
    variables = {**os.environ, "STREAMPROC_WEBHOOK_URL": receiver.url, **environ}
    done = await asyncio.to_thread(streamproc, "webhook", "test", env=variables)
    return done.returncode, done.stdout + done.stderr


async def test_a_sample_is_posted_and_what_came_of_it_is_said(streamproc: Run) -> None:
    """Signed; the path, which lets anybody post, is not shown."""
    async with receiving() as receiver:
        code, said = await _tested(
            streamproc, receiver, STREAMPROC_WEBHOOK_SECRET="hush"
        )
    (post,) = receiver.posts
    assert code == 0
    assert said.endswith("/…: delivered (200), signed\n")
    assert "hook" not in said
    assert [event["kind"] for event in post.json] == ["down"]
    assert "X-Streamproc-Signature" in post.headers


async def test_a_sample_that_is_not_taken_is_an_error(streamproc: Run) -> None:
    """Exit code 1 and one line; tried once."""
    async with receiving(404) as receiver:
        code, said = await _tested(streamproc, receiver)
    assert code == 1
    assert said.endswith("/…: not delivered: answered 404\n")
    assert len(receiver.posts) == 1


async def test_slack_gets_a_text(streamproc: Run) -> None:
    """As the setting says."""
    async with receiving() as receiver:
        await _tested(streamproc, receiver, STREAMPROC_WEBHOOK_FORMAT="slack")
    assert list(json.loads(receiver.posts[0].body)) == ["text"]


def test_without_a_url_there_is_nothing_to_test(streamproc: Run) -> None:
    """It is said which variable it is."""
    done = streamproc("webhook", "test")
    assert done.returncode == 1
    assert "STREAMPROC_WEBHOOK_URL is not set" in done.stderr


def test_a_metadata_address_is_refused(streamproc: Run) -> None:
    """Before anything is sent there."""
    variables = {**os.environ, "STREAMPROC_WEBHOOK_URL": "http://169.254.169.254/x"}
    done = streamproc("webhook", "test", env=variables)
    assert done.returncode == 1
    assert "webhook_link_local" in done.stderr
