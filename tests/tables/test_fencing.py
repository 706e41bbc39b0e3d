"""What a worker does about another one that has written to its changelog."""

from collections.abc import Callable
from typing import Any

import pytest

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
    """A table that has been written once."""
    table = await open_table(make_settings(), changelog)
    await put(table, {b"a": b"ours", b"b": b"ours"})
    return table


def told_last(changelog: Changelog) -> dict[bytes, bytes | None]:
    """What somebody who reads the changelog takes for the state."""
    return dict(changelog.records)


async def test_what_another_worker_wrote_late_does_not_win(
    table: Any, changelog: Changelog
) -> None:
    """Its keys are appended once more, as they are here."""
    changelog.append({b"a": b"late", b"c": b"late"})
    await put(table, {b"b": b"new"})
    assert told_last(changelog) == {b"a": b"ours", b"b": b"new", b"c": None}
    assert dict(table.scan(PARTITION)) == {b"a": b"ours", b"b": b"new"}


async def test_a_worker_that_was_taken_over_applies_nothing(
    table: Any, changelog: Changelog
) -> None:
    """Its copy must not take its own late write for the changelog's end."""
    changelog.append({b"a": b"of the new owner"})
    changelog.member = False
    before = table.data.persisted_offset(table.changelog(PARTITION))
    with pytest.raises(PartitionLostError):
        await put(table, {b"b": b"late"})
    assert dict(table.scan(PARTITION)) == {b"a": b"ours", b"b": b"ours"}
    assert table.data.persisted_offset(table.changelog(PARTITION)) == before


async def test_the_last_word_is_had_before_handing_over(
    table: Any, changelog: Changelog
) -> None:
    """What came late after the last write is put right, too."""
    changelog.append({b"a": b"late"})
    await table.hand_over()
    assert told_last(changelog)[b"a"] == b"ours"


async def test_a_new_assignment_begins_with_what_is_on_disk(
    table: Any, changelog: Changelog
) -> None:
    """Recovery has read everything; only what comes after it is late."""
    table.take_over()
    await put(table, {b"a": b"new"})
    assert len(changelog.records) == 3
    table.take_over()
    changelog.append({b"a": b"late"})
    await put(table, {b"b": b"new"})
    assert told_last(changelog) == {b"a": b"new", b"b": b"new"}
