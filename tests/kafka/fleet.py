"""Polls of a made-up fleet, and what the program must have made of them.

The oracle knows the polls that were produced and nothing else: per store, the
sorted polls, one per time, inactive where two disagree.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from aiokafka.errors import KafkaError
from faust.stores.rocksdb import Store
from rocksdict import AccessType, Options, Rdict

from streamproc import report_client
from streamproc.errors import BrokerUnavailableError
from streamproc.report.record import Report
from streamproc.report.request import new_request
from streamproc.rules import history, packing
from streamproc.settings import Settings
from streamproc.topics import changelog, topics_for
from streamproc.transport.client import Client
from streamproc.transport.columns import Headers
from streamproc.transport.connect import connect
from streamproc.transport.topic import Topic
from tables.histories import Histories
from tests.kafka.records import (
    committed,
    create_topic,
    delete_records,
    delete_topic,
    end_offsets,
    read_all,
    set_config,
)
from tests.waiting import until_awaited

START = datetime(2025, 5, 5, tzinfo=UTC)
CAUGHT_UP_S = 240.0
READ_ONLY = AccessType.read_only()
OFFSET_KEY = Store.offset_key
_CHUNK = 20_000


@dataclass(slots=True)
class Fleet:
    """Makes polls, keeps them, and tells what they add up to."""

    seed: int = 1
    stores: int = 500
    days: float = 6.0
    polls: dict[bytes, list[tuple[int, bool]]] = field(default_factory=dict)

    def make(self, count: int) -> tuple[list[bytes], list[bytes]]:
        """Keys and values of ``count`` polls in no order, some of them twice."""
        rng = random.Random(self.seed * 1_000_003 + self.count)
        keys, values = [], []
        for _ in range(count):
            store = b"store-%d" % rng.randrange(self.stores)
            time_us = rng.randrange(round(self.days * 86_400)) * 1_000_000
            active = rng.random() < 0.8
            self.polls.setdefault(store, []).append((time_us, active))
            keys.append(store)
            values.append(encode(store, time_us, active))
        return keys, values

    @property
    def count(self) -> int:
        """How many polls were made."""
        return sum(map(len, self.polls.values()))

    def expected(self) -> dict[bytes, list[int]]:
        """Packed polls of each store."""
        base_us = int(START.timestamp()) * 1_000_000
        return {
            store: packing.canonical(
                packing.pack((base_us + time_us, active) for time_us, active in polls)
            ).tolist()
            for store, polls in self.polls.items()
        }


def encode(store: bytes, time_us: int, active: bool) -> bytes:
    """A poll's message; ``time_us`` counts from ``START``."""
    moment = START + timedelta(microseconds=time_us)
    status = b"active" if active else b"inactive"
    return b'{"store_id":"%s","timestamp_utc":"%s UTC","status":"%s"}' % (
        store,
        moment.strftime("%Y-%m-%d %H:%M:%S.%f").encode(),
        status,
    )


async def publish(
    settings: Settings,
    topic: Topic,
    keys: Sequence[bytes],
    values: Sequence[bytes],
    headers: Mapping[int, Headers] | None = None,
) -> None:
    """Publish with the program's own client; ``headers`` by row, in the first chunk."""
    client = await until_awaited(lambda: _opened(settings))
    assert client is not None
    try:
        for start in range(0, len(keys), _CHUNK):
            end = start + _CHUNK
            await client.publish(topic, keys[start:end], values[start:end], headers)
            headers = None
    finally:
        await client.close()


async def _opened(settings: Settings) -> Client | None:
    """A client, and the topics; None while no broker is let in by its controller."""
    client = await connect(settings)
    try:
        await client.create_topics(topics_for(settings))
    except BrokerUnavailableError:
        await client.close()
        return None
    return client


def bootstrap(settings: Settings) -> str:
    """Addresses of the settings' broker, as aiokafka takes them."""
    return settings.broker.removeprefix("kafka://")


async def caught_up(settings: Settings, limit_s: float = CAUGHT_UP_S) -> None:
    """Wait until all polls, hours and zones are committed as dealt with."""
    topics = topics_for(settings)
    names = [topic.name for topic in topics.inputs]
    servers = bootstrap(settings)

    async def all_committed() -> bool:
        group = await committed(servers, settings.app_id)
        for name in names:
            for partition, end in (await end_offsets(servers, name)).items():
                if group.get((name, partition), 0) < end:
                    return False
        return True

    await until_awaited(lambda: is_answered(all_committed), limit_s=limit_s)


async def is_answered(question: Callable[[], Awaitable[bool]]) -> bool:
    """What is answered; False by a broker that is coming back: it is asked again."""
    try:
        return await question()
    except KafkaError as exc:
        if not exc.retriable:
            raise
        return False


async def table(settings: Settings, name: str) -> dict[bytes, bytes]:
    """A table's contents as its changelog tells them."""
    records = await read_all(bootstrap(settings), changelog(settings, name))
    found: dict[bytes, bytes] = {}
    for record in records:
        if record.value is None:
            found.pop(record.key, None)
        else:
            found[record.key] = record.value
    return found


async def histories(settings: Settings) -> dict[bytes, list[int]]:
    """Packed polls of each store as the changelog tells them."""
    return by_store((await table(settings, "histories")).items())


def by_store(items: Iterable[tuple[bytes, bytes]]) -> dict[bytes, list[int]]:
    """Put the segments of each store together."""
    values: dict[bytes, list[bytes]] = {}
    for key, value in sorted(items):
        if key not in Histories.own_keys:
            values.setdefault(history.split_key(key)[0], []).append(value)
    return {
        store: np.concatenate([packing.unpack(v) for v in segments]).tolist()
        for store, segments in values.items()
    }


def on_disk(settings: Settings) -> dict[bytes, list[int]]:
    """Packed polls of each store as a stopped worker's RocksDB has them."""
    items: dict[bytes, bytes] = {}
    for path in settings.data_dir.glob("**/histories-*.db"):
        db = Rdict(str(path), Options(raw_mode=True), access_type=READ_ONLY)
        items.update(item for item in db.items() if item[0] != OFFSET_KEY)
        db.close()
    return by_store(items.items())


def differences(
    expected: Mapping[bytes, list[int]], actual: Mapping[bytes, list[int]]
) -> list[str]:
    """What is missing or too much, in words; empty when all is right."""
    found = []
    for store in sorted(expected.keys() | actual.keys()):
        want, have = set(expected.get(store, ())), set(actual.get(store, ()))
        if want != have:
            found.append(
                f"{store.decode()}: {len(want - have)} missing, {len(have - want)} more"
            )
    return found


async def cut_off(servers: str, name: str) -> None:
    """Delete all records of a changelog, which Kafka forbids unless told otherwise."""
    await set_config(servers, name, {"cleanup.policy": "compact,delete"})
    for partition, end in (await end_offsets(servers, name)).items():
        await delete_records(servers, name, partition, end)
    await set_config(servers, name, {"cleanup.policy": "compact"})


async def remake(
    servers: str, name: str, partitions: int = 4, policy: str = "compact"
) -> None:
    """Delete a topic, and create it again, empty."""
    await delete_topic(servers, name)
    await create_topic(servers, name, partitions, 1, {"cleanup.policy": policy})


async def report(settings: Settings, limit_s: float = 240.0) -> Report:
    """Ask for a report as of the newest poll, and wait until it is made.

    Whoever asks here has more patience than the workers: they are to say what is wrong.
    """
    settings = replace(settings, report_timeout=limit_s)
    client = await connect(settings)
    try:
        async with asyncio.timeout(limit_s):
            return await _run(settings, client)
    finally:
        await client.close()


async def _run(settings: Settings, client: Client) -> Report:
    now_us = int(datetime.now(UTC).timestamp() * 1_000_000)
    request = new_request("latest", now_us)
    asking = report_client.ReportClient(settings, client)
    finished, _ = await asking.run(request, lambda _: None)
    return finished


def csv(settings: Settings) -> Path:
    """Where the newest report stands."""
    return settings.reports_root / "combined_report.csv"
