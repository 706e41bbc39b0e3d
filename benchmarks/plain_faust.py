"""The job as Faust's documentation would write it, for comparison.

``python -m benchmarks.plain_faust DATA_DIR BROKER COUNT [APP_ID PREFIX]``: a
Record, an agent that sees one poll at a time, one table set per poll, RocksDB, all
defaults. Per store a list of runs ``[first, last, status]``, extended while the same
status comes within the hour. The prefix is that of the topic's name.
"""

import asyncio
import os
import signal
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import faust

from benchmarks.measure import tell

DATA_DIR, BROKER, COUNT = sys.argv[1], sys.argv[2], int(sys.argv[3])
APP_ID, PREFIX = sys.argv[4:6] or ("plain-faust", "")
HOUR_MS = 3_600_000
KEPT_MS = 7 * 24 * HOUR_MS
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

app = faust.App(
    APP_ID,
    broker=BROKER,
    store="rocksdb://?driver=rocksdict",
    datadir=DATA_DIR,
    topic_partitions=4,
    consumer_auto_offset_reset="earliest",
    web_enabled=False,
)


class Poll(faust.Record, serializer="json"):  # type: ignore[call-arg]
    """A poll as producers send it."""

    store_id: str
    timestamp_utc: str
    status: str


polls = app.topic(f"{PREFIX}store-polls", key_type=bytes, value_type=Poll)
runs = app.Table("runs", default=list, partitions=4)
seen: dict[str, float] = {"polls": 0}


def add(runs_of_store: list[Any], time_ms: int, status: str) -> list[Any]:
    """A store's runs after one more poll."""
    last = runs_of_store[-1] if runs_of_store else None
    if last and last[2] == status and time_ms - last[1] <= HOUR_MS:
        last[1] = time_ms
    else:
        runs_of_store.append([time_ms, time_ms, status])
    return [run for run in runs_of_store if run[1] >= time_ms - KEPT_MS]


@app.agent(polls)
async def track(stream: Any) -> None:
    """Keep every store's runs."""
    async for poll in stream:
        if not seen["polls"]:
            seen["first"] = time.perf_counter()
        moment = datetime.fromisoformat(poll.timestamp_utc[:-4]).replace(tzinfo=UTC)
        time_ms = (moment - _EPOCH) // timedelta(milliseconds=1)
        runs[poll.store_id] = add(runs[poll.store_id], time_ms, poll.status)
        seen["polls"] += 1


@app.task
async def finish() -> None:
    """Commit when all is consumed, tell the figures, stop."""
    while seen["polls"] < COUNT:
        await asyncio.sleep(0.02)
    while sum(filter(None, app.consumer._committed_offset.values())) < COUNT:
        await app.consumer.commit()
        await asyncio.sleep(0.02)
    await app.producer.flush()
    tell(polls=COUNT, seconds=time.perf_counter() - seen["first"])
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.argv = [sys.argv[0], "worker", "-l", "error", "--without-web"]
    app.main()
