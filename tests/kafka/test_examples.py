"""The page Connect's producers for Kafka, run as they stand."""

import asyncio
import shlex
import shutil
import sys
from pathlib import Path

import pytest

from streamproc.rules import packing
from streamproc.topics import topics_for
from streamproc.transport.partitioner import partition_for
from streamproc.web.connect.examples import STORE_ID, Example, kafka_examples
from tests.kafka import fleet, jars
from tests.kafka.records import read_all
from tests.kafka.workers import Start

RUN_S = 120
PROGRAMS = {"python": sys.executable, "java": jars.java()}
"""Those of this machine, by the name that the page has for them."""


def needs(program: str) -> pytest.MarkDecorator:
    """Skip where a program is missing that neither the tests nor Kafka need."""
    return pytest.mark.skipif(
        shutil.which(program) is None, reason=f"{program} is not on the PATH"
    )


@pytest.mark.parametrize(
    "written_in", ["Python", "Java", pytest.param("kcat", marks=needs("kcat"))]
)
async def test_the_kafka_examples_run_as_they_stand(
    worker: Start, written_in: str, tmp_path: Path
) -> None:
    """Their poll is where Kafka's own clients place it, and is counted."""
    one = worker()
    topic = topics_for(one.settings).polls
    servers = fleet.bootstrap(one.settings)
    await fleet.publish(one.settings, topic, [], [])
    given = {each.name: each for each in kafka_examples(servers, topic.name)}
    await run(given[written_in], tmp_path)
    (sent,) = await read_all(servers, topic.name)
    assert sent.key == STORE_ID.encode()
    assert sent.partition == partition_for(sent.key, topic.partitions)
    one.start()
    await fleet.caught_up(one.settings)
    one.stop()
    (poll,) = fleet.on_disk(one.settings)[sent.key]
    assert packing.is_active(poll)
    assert abs(packing.time_of(poll) - sent.timestamp * 1000) < RUN_S * 1_000_000


async def run(example: Example, folder: Path) -> None:
    """Run an example in a folder with Kafka's own libraries beside it."""
    line = example.run.split(" && ")[-1] or "bash send_poll.sh"
    *program, file = (PROGRAMS.get(word, word) for word in shlex.split(line))
    (folder / file).write_text(example.text)
    (folder / "kafka").mkdir()
    (folder / "kafka" / "libs").symlink_to(jars.jars(), target_is_directory=True)
    process = await asyncio.create_subprocess_exec(
        *program,
        file,
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), RUN_S)
    assert process.returncode == 0, said.decode()
