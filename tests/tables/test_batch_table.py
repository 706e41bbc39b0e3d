"""How tables are written: changelog first, one at a time, by their owner only."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from faust.types import TP

from streamproc.errors import TopicMismatchError
from streamproc.settings import Settings
from tables.fencing import PartitionLostError
from tests.tables.fakes import PARTITION, Changelog, open_table, put

MakeSettings = Callable[..., Settings]


@pytest.fixture
def changelog() -> Changelog:
    """An empty changelog."""
    return Changelog()


@pytest.fixture
async def table(make_settings: MakeSettings, changelog: Changelog) -> Any:
    """An empty table on it."""
    return await open_table(make_settings(), changelog)


def on_disk(table: Any) -> dict[bytes, bytes]:
    """What the database holds."""
    return dict(table.scan(PARTITION))


async def test_the_changelog_is_written_before_the_disk(
    table: Any, changelog: Changelog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The local state is never ahead of its changelog."""
    apply = table.data.apply

    def noted(*args: Any) -> None:
        changelog.happened.append("disk")
        apply(*args)

    monkeypatch.setattr(table.data, "apply", noted)
    await put(table, {b"a": b"1"})
    assert changelog.happened == ["changelog", "disk"]


async def test_what_the_changelog_refuses_is_not_on_disk(
    table: Any, changelog: Changelog
) -> None:
    """An append that fails leaves the table as it was."""
    changelog.fail = OSError("broker gone")
    with pytest.raises(OSError, match="broker gone"):
        await put(table, {b"a": b"1"})
    assert on_disk(table) == {}
    assert table.data.persisted_offset(table.changelog(PARTITION)) is None


async def test_a_write_and_its_changelog_offset_are_one(
    table: Any, changelog: Changelog
) -> None:
    """The offset on disk is that of the last change, and None deletes."""
    await put(table, {b"a": b"1", b"b": b"2"})
    await put(table, {b"a": None})
    assert on_disk(table) == {b"b": b"2"}
    offset = table.data.persisted_offset(table.changelog(PARTITION))
    assert offset == len(changelog.records) - 1


async def test_nothing_to_write_writes_nothing(
    table: Any, changelog: Changelog
) -> None:
    """A batch may change nothing; its changelog stays as it is."""
    await put(table, {})
    assert changelog.records == []


async def test_only_one_at_a_time_reads_and_writes_a_partition(table: Any) -> None:
    """Two that add to the same value lose nothing of each other."""

    async def add_one() -> None:
        async with table.exclusive(PARTITION):
            number = int(table.read(PARTITION, b"n") or b"0")
            await asyncio.sleep(0)
            await table.write(PARTITION, {b"n": b"%d" % (number + 1)})

    await asyncio.gather(*(add_one() for _ in range(5)))
    assert table.read(PARTITION, b"n") == b"5"


async def test_a_partition_that_is_handed_over_is_not_owned(table: Any) -> None:
    """Nobody begins to write it, until the partitions are assigned anew."""
    assert table.partitions_owned() == [PARTITION]
    await table.hand_over()
    assert not table.owns(PARTITION)
    with pytest.raises(PartitionLostError):
        await put(table, {b"a": b"1"})
    table.take_over()
    await put(table, {b"a": b"2"})
    assert on_disk(table) == {b"a": b"2"}


async def test_handing_over_waits_for_who_is_writing(table: Any) -> None:
    """What is written afterwards would win over what the new owner writes."""
    async with table.exclusive(PARTITION):
        handing_over = asyncio.create_task(table.hand_over())
        await asyncio.sleep(0)
        await table.write(PARTITION, {b"a": b"1"})
        assert not handing_over.done()
    await handing_over
    assert on_disk(table) == {b"a": b"1"}


async def test_a_partition_of_another_worker_is_neither_read_nor_written(
    table: Any,
) -> None:
    """It is closed here; whoever asks is told so."""
    table.data.revoke_partitions(table, {table.changelog(PARTITION)})
    with pytest.raises(PartitionLostError):
        table.read(PARTITION, b"a")
    with pytest.raises(PartitionLostError):
        list(table.scan(PARTITION))
    with pytest.raises(PartitionLostError):
        await put(table, {b"a": b"1"})


async def test_a_partition_that_never_was_is_not_one_that_has_gone(table: Any) -> None:
    """Nobody else has it: who waited for its new owner would wait for ever."""
    with pytest.raises(TopicMismatchError, match=f"partition {table.partitions}, but"):
        table.require(table.partitions)


async def test_a_standby_is_not_written(table: Any) -> None:
    """A copy that is kept warm is only for its owner to write."""
    table.app.assignor.is_active = lambda tp: tp != TP(*table.changelog(PARTITION))
    assert table.partitions_owned() == []
    with pytest.raises(PartitionLostError):
        await put(table, {b"a": b"1"})


@pytest.mark.parametrize("end", [None, b"", b"k", b"key-0700", b"key-07000", b"z"])
async def test_runs_are_the_items_of_a_scan_up_to_the_end(
    table: Any, end: bytes | None
) -> None:
    """As columns; the store's own keys are in none, and no run is empty."""
    await put(table, {b"key-%04d" % n: b"%d" % n for n in range(3_000)} | {b"_": b"1"})
    for start in (b"", b"_", b"key-0500", b"key-05000", b"zz"):
        runs = list(table.runs(PARTITION, start, end))
        found = [item for run in runs for item in zip(*run, strict=True)]
        items = table.scan(PARTITION, start)
        assert found == [item for item in items if end is None or item[0] < end]
        assert all(keys for keys, _ in runs)
