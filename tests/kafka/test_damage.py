"""Records that a producer or a disk has spoilt: the others are read all the same."""

import asyncio
import subprocess
import sys

from streamproc.settings import env_name
from streamproc.topics import topics_for
from tests.kafka import fleet
from tests.kafka.broker import Cluster
from tests.kafka.fleet import Fleet
from tests.kafka.records import produce, read_all
from tests.kafka.workers import Start, Worker
from tests.waiting import until_awaited


class NotText(str):
    """A header's name that some producer wrote as Latin-1."""

    __slots__ = ()

    def encode(self, *_: object) -> bytes:
        """The bytes on the wire, which are not UTF-8."""
        return b"gr\xfc\xdfe"


async def test_a_header_name_that_is_not_utf_8_is_read_with_replacement(
    worker: Start,
) -> None:
    """A poll counts, whatever its headers are called."""
    one, polls = worker(), Fleet(stores=20)
    topic = topics_for(one.settings).polls
    keys, values = polls.make(200)
    headers = {row: [(NotText("x"), b"1")] for row in (0, 7)}
    await fleet.publish(one.settings, topic, keys, values, headers)
    one.start()
    await fleet.caught_up(one.settings)
    one.stop()
    assert not fleet.differences(polls.expected(), await fleet.histories(one.settings))


def spoil(broker: Cluster, topic: str, partition: int, marker: bytes) -> None:
    """Change a byte of a record on the broker's disk, as a bad sector would."""
    folder = broker.brokers[1].folder / "data" / f"{topic}-{partition}"
    path = folder / "00000000000000000000.log"
    at = path.read_bytes().index(marker)
    with path.open("r+b") as log:
        log.seek(at)
        log.write(b"?")


def command(one: Worker, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run ``streamproc`` with the worker's settings."""
    environ = {env_name(name): str(value) for name, value in one.options.items()}
    return subprocess.run(
        [sys.executable, "-m", "streamproc", *map(str, arguments)],
        env=environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


async def test_a_damaged_batch_is_named_and_can_be_skipped(
    kafka: Cluster, worker: Start
) -> None:
    """Topic, partition, offsets; what comes before it counts, then what comes after."""
    one, polls = worker(partitions=1), Fleet(stores=20)
    topics, servers = topics_for(one.settings), fleet.bootstrap(one.settings)
    name = topics.polls.name
    await fleet.publish(one.settings, topics.polls, *polls.make(300))
    lost = [(b"k", b"lost-%d" % number) for number in range(3)]
    await produce(servers, name, lost, partition=0, linger_ms=200)
    await fleet.publish(one.settings, topics.polls, *polls.make(300))
    spoil(kafka, name, 0, b"lost-1")
    for _ in range(2):  # a restart does not help
        one.start()
        assert await asyncio.to_thread(one.ended) == 1
        last = one.said.splitlines()[-1]
        assert f"topic {name}, partition 0: the records from offset 300 to 302" in last
        assert f"streamproc skip {name} 0 300 303" in last
        assert "Traceback" not in one.said, one.said
    too_many = await until_awaited(
        lambda: asyncio.to_thread(command, one, "skip", name, 0, 300, 304),
        lambda done: "a worker runs" not in done.stderr,
    )
    assert (too_many.returncode, "no more is damaged" in too_many.stderr) == (1, True)
    done = await asyncio.to_thread(command, one, "skip", name, 0, 300, 303)
    assert done.returncode == 0, done.stderr
    one.start()
    await fleet.caught_up(one.settings)
    refused = await asyncio.to_thread(command, one, "skip", name, 0, 300, 303)
    assert (refused.returncode, "a worker runs" in refused.stderr) == (1, True)
    one.stop()
    assert not fleet.differences(polls.expected(), await fleet.histories(one.settings))
    (kept,) = await read_all(servers, topics.rejected.name)
    told = dict(kept.headers)
    assert (told["reason"], told["offset"]) == (b"skipped", b"300")
    assert b"offset 300 to 302" in told["message"]


async def test_only_what_cannot_be_read_is_skipped(worker: Start) -> None:
    """Neither records that are waiting, nor another topic, nor beyond the end."""
    one, polls = worker(partitions=1), Fleet(stores=20)
    topics = topics_for(one.settings)
    await fleet.publish(one.settings, topics.polls, *polls.make(300))
    for arguments, said in (
        ((topics.polls.name, 0, 0, 5), "can be read"),
        ((topics.polls.name, 0, 0, 301), "ends at offset 300"),
        ((topics.polls.name, 1, 0, 5), "no input of the workers"),
        (("some-topic", 0, 0, 5), "no input of the workers"),
    ):
        done = await asyncio.to_thread(command, one, "skip", *arguments)
        assert done.returncode == 1
        assert said in done.stderr
        assert "Traceback" not in done.stderr
