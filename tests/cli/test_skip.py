"""``streamproc skip``: past what cannot be read, and past nothing else."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from faust.types import TP

from streamproc.cli import main
from streamproc.settings import Settings
from streamproc.topics import topics_for
from streamproc.transport.batch import Batch
from streamproc.transport.connect import connect
from streamproc.transport.sqlite.client import SqliteClient
from tests.disks import flip_record

POLLS = "store-polls"
BATCHES = 3
RECORDS = 5


@pytest.fixture
def settings(make_settings: Callable[..., Settings]) -> Settings:
    """Of an embedded log with three batches of five polls each; the first is spoilt."""
    given = make_settings(partitions=1)
    asyncio.run(_fill(given))
    flip_record(given.data_dir / "log.db", POLLS)
    return given


async def _fill(settings: Settings) -> None:
    topics = topics_for(settings)
    client = await connect(settings)
    await client.create_topics(topics)
    for number in range(BATCHES):
        await client.publish(topics.polls, [b"k"] * RECORDS, [b"%d" % number] * RECORDS)
    await client.close()


async def _reached(settings: Settings) -> int | None:
    """Where the workers go on."""
    client = await connect(settings)
    tp = TP(POLLS, 0)
    try:
        return (await client.committed(settings.app_id, [tp]))[tp]
    finally:
        await client.close()


def skip(data_dir: Path, first: int, end: int) -> Result:
    """Run the command."""
    asked = ["skip", POLLS, "0", str(first), str(end)]
    options = ["--data-dir", str(data_dir)]
    return CliRunner().invoke(
        main, [*asked, *options], env={"STREAMPROC_PARTITIONS": "1"}
    )


def test_what_cannot_be_read_is_skipped(settings: Settings) -> None:
    """The workers go on behind it."""
    done = skip(settings.data_dir, 0, RECORDS)
    assert done.exit_code == 0, done.output
    assert asyncio.run(_reached(settings)) == RECORDS


def test_no_more_is_skipped_than_cannot_be_read(settings: Settings) -> None:
    """Records behind the damage may be whole: the line says where that ends."""
    done = skip(settings.data_dir, 0, 2 * RECORDS)
    assert done.exit_code == 1
    assert f"streamproc skip {POLLS} 0 0 {RECORDS}" in done.output
    assert asyncio.run(_reached(settings)) is None


def test_records_that_do_not_arrive_are_not_taken_for_damaged(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker that is slow, or a transaction that is open: nothing is skipped."""

    async def too_late(
        self: SqliteClient, positions: Mapping[TP, int], timeout_s: float
    ) -> list[Batch]:
        return []

    monkeypatch.setattr(SqliteClient, "read", too_late)
    done = skip(settings.data_dir, 0, RECORDS)
    assert done.exit_code == 1
    assert "nothing came of offset 0" in done.output
    monkeypatch.undo()
    assert asyncio.run(_reached(settings)) is None
