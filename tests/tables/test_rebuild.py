"""Which copies of a table still go with their changelog."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from streamproc.errors import TableDamagedError
from streamproc.settings import Settings
from tables.rebuild import check, damage
from tables.rocks_errors import PartitionDamagedError
from tests.tables.fakes import PARTITION, Changelog, directory, open_table, put

MakeSettings = Callable[..., Settings]


@pytest.mark.parametrize(
    ("persisted", "begin", "end", "said"),
    [
        (None, 0, 0, None),
        (None, 0, 10, None),
        (None, 1, 10, "before offset 1 are gone"),
        (4, 0, 5, None),
        (4, 5, 10, None),
        (3, 5, 10, "begins at offset 5, the copy here ends at 3"),
        (5, 0, 5, "ends at offset 5, the copy here goes on to 5"),
        (0, 0, 0, "goes on to 0"),
    ],
)
def test_a_copy_must_touch_its_changelog(
    persisted: int | None, begin: int, end: int, said: str | None
) -> None:
    """A copy may be behind, as long as what it lacks is still there."""
    found = damage(persisted, begin, end)
    assert (found is None) if said is None else (said in (found or ""))


# -- copies and their changelogs, on a real RocksDB ---------------------------------


async def written(settings: Settings, changelog: Changelog, batches: int = 3) -> Any:
    """A table with a source, into which some batches were written."""
    table = await open_table(settings, changelog)
    table.source = "store-zones"
    for number in range(batches):
        await put(table, {b"key-%d" % number: b"1"})
    return table


async def check_all(table: Any) -> None:
    """Look at the partition as a rebalance does."""
    await check(table, [table.changelog(PARTITION)])


async def test_a_copy_that_goes_with_its_changelog_is_left_alone(
    make_settings: MakeSettings,
) -> None:
    """Nothing is set aside, nothing read again."""
    changelog = Changelog()
    table = await written(make_settings(), changelog)
    before = dict(table.scan(PARTITION))
    await check_all(table)
    assert dict(table.scan(PARTITION)) == before
    assert "rewind" not in " ".join(changelog.happened)


@pytest.mark.parametrize("how", ["cut off at its begin", "cut off at its end"])
async def test_a_copy_whose_changelog_was_cut_off_is_built_from_the_input(
    make_settings: MakeSettings, how: str
) -> None:
    """It is set aside, and the input read again from its beginning."""
    changelog = Changelog()
    table = await written(make_settings(), changelog)
    if how == "cut off at its begin":
        changelog.begin = 10
    else:
        del changelog.records[1:]
    await check_all(table)
    assert dict(table.scan(PARTITION)) == {}
    assert changelog.happened[-1] == "rewind store-zones"
    assert set_aside(table)


async def test_a_standby_whose_changelog_was_cut_off_is_built_when_it_is_active(
    make_settings: MakeSettings,
) -> None:
    """It has no input to read; it is marked, and the mark is not forgotten."""
    changelog = Changelog()
    table = await written(make_settings(), changelog)
    del changelog.records[1:]
    table.app.assignor.assigned_standbys = lambda: {table.changelog(PARTITION)}
    await check_all(table)
    assert "rewind store-zones" not in changelog.happened
    table.app.assignor.assigned_standbys = set
    await check_all(table)
    assert changelog.happened[-1] == "rewind store-zones"
    changelog.happened.clear()
    await check_all(table)
    assert changelog.happened == []


async def test_a_damaged_partition_whose_changelog_was_cut_off_needs_a_start(
    make_settings: MakeSettings,
) -> None:
    """The changelog alone is not enough, and the input is read by a new start only."""
    changelog = Changelog()
    table = await written(make_settings(), changelog)
    changelog.begin = 2
    table.data._note_damage(PARTITION, "Corruption: made up")
    with pytest.raises(TableDamagedError, match="start the worker again"):
        await table.repair(PARTITION)
    assert not set_aside(table)


async def test_a_changelog_that_does_not_answer_is_not_taken_for_an_empty_one(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker ends with a line, and the partition stays marked as damaged."""
    changelog = Changelog()
    table = await written(make_settings(), changelog)

    async def nothing(*_: Any) -> list[Any]:
        return []

    monkeypatch.setattr(changelog, "read", nothing)
    table.data._note_damage(PARTITION, "Corruption: made up")
    with pytest.raises(TableDamagedError, match="changelog does not answer"):
        await table.repair(PARTITION)
    with pytest.raises(PartitionDamagedError):
        table.read(PARTITION, b"key-0")


def set_aside(table: Any) -> list[Path]:
    """What was set aside of the partition."""
    return list(directory(table).parent.glob("*.db.damaged-*"))
