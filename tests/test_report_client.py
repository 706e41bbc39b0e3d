"""How a command waits for its report, and when it stops waiting."""

import asyncio
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from faust.types import TP

from streamproc.errors import ReportFailedError
from streamproc.report import record
from streamproc.report.messages import Request
from streamproc.report.request import new_request
from streamproc.report_client import ReportClient
from streamproc.settings import Settings, load
from streamproc.topics import changelog, topics_for
from streamproc.transport.connect import connect
from streamproc.transport.sqlite.lock import WorkerLock
from streamproc.transport.sqlite.log import log_path
from streamproc.transport.topic import Topic

NOW_US = 1_674_648_000_000_000
TIMEOUT_S = 0.6


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A log of its own, and little patience."""
    return load({"data_dir": tmp_path, "report_timeout": TIMEOUT_S}, {})


async def take_up(settings: Settings, request: Request, held: WorkerLock) -> None:
    """What a worker does that is killed when it has just taken a report up."""
    client = await connect(settings)
    records = Topic(changelog(settings, "reports"), 1, compacted=True)
    await client.create_topics([*topics_for(settings), records])
    inbox = topics_for(settings).inbox
    await client.read({TP(inbox.name, 0): 0}, 10.0)
    report = record.start(request, [0, 1], NOW_US, "a-worker")
    key, value = request.report_id.encode(), record.encode(report)
    await client.publish(records, [key], [value])
    await client.close()
    held.release()


@pytest.mark.parametrize("gone", [True, False])
async def test_a_report_whose_worker_is_gone_is_given_up(
    settings: Settings, gone: bool
) -> None:
    """After report_timeout without news; after twice that if a worker still runs."""
    held, other = (WorkerLock(log_path(settings.broker_url)) for _ in range(2))
    held.acquire()
    client = await connect(settings)
    request = new_request("latest", NOW_US)
    worker = asyncio.create_task(take_up(settings, request, held))
    started = time.monotonic()
    asking = ReportClient(settings, client).run(request, lambda _: None)
    waiting = asking if gone else _while_held(other, worker, asking)
    with pytest.raises(ReportFailedError, match=f"heard of report {request.report_id}"):
        await waiting
    assert time.monotonic() - started > TIMEOUT_S * (1 if gone else 2)
    await worker
    await client.close()


async def _while_held(
    lock: WorkerLock, worker: asyncio.Task[None], asking: Coroutine[Any, Any, Any]
) -> None:
    """Ask while another worker has come back, which knows nothing of the report."""
    waiting = asyncio.create_task(asking)
    await worker
    lock.acquire()
    try:
        await waiting
    finally:
        lock.release()
