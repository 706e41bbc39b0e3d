"""The log of changes on disk: bounded by age and by number, built anew as any table."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamproc.origin import API, LOAD, Origin, origin_of, published_ms
from streamproc.settings import Settings
from tables import change_log
from tables.changed import (
    MOST_BYTES,
    Delta,
    Noted,
    decode_deltas,
    decode_head,
    encode,
    encode_time,
    runs_of,
)
from tests.tables import fakes
from tests.tables.fakes import PARTITION, Changelog

DAY_MS = 86_400_000
NOW_MS = 1_000 * DAY_MS
ANN = Origin("c1", API, "Ann")


def noted(offset: int, at_ms: int = NOW_MS, store: bytes = b"7") -> Noted:
    """A zone that was changed by a record."""
    return Noted(offset, at_ms, ANN, Delta(store, b"", b"UTC", b"%d" % offset))


async def opened(root: Path, changelog: Changelog | None = None, **named: Any) -> Any:
    """The log in a directory."""
    settings = Settings(data_dir=root, partitions=1, **named)
    return await fakes.open_table(settings, changelog or Changelog(), name="changes")


def offsets(log: Any) -> list[int]:
    """The offset of each run that is kept."""
    return [head.offset for head, _ in log.since(PARTITION)]


async def test_what_is_older_than_the_history_is_let_go(tmp_path: Path) -> None:
    """As polls are, with the next change."""
    log = await opened(tmp_path, history_days=400)
    old = [noted(0, NOW_MS - 401 * DAY_MS), noted(1, NOW_MS - 399 * DAY_MS)]
    for one in old:
        await log.note(PARTITION, "zones", [one], NOW_MS - 390 * DAY_MS)
    assert offsets(log) == [0, 1]
    await log.note(PARTITION, "zones", [noted(2)], NOW_MS)
    assert offsets(log) == [1, 2]


async def test_the_oldest_runs_go_when_there_are_too_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their number is known over a restart of the worker."""
    monkeypatch.setattr(change_log, "MOST_RUNS", 3)
    log = await opened(tmp_path)
    for offset in range(5):
        await log.note(PARTITION, "zones", [noted(offset, NOW_MS + offset)], NOW_MS)
        assert offsets(log) == list(range(max(offset - 2, 0), offset + 1))


async def test_the_log_is_built_anew_from_its_changelog(tmp_path: Path) -> None:
    """With the offsets that are noted: nothing is noted again then, either."""
    changelog = Changelog()
    log = await opened(tmp_path / "one", changelog)
    await log.note(PARTITION, "zones", [noted(0), noted(5)], NOW_MS)
    again = await opened(tmp_path / "two", changelog)
    again.data.damaged[PARTITION] = "as if"
    await again.repair(PARTITION)
    assert list(again.since(PARTITION)) == list(log.since(PARTITION))
    await again.note(PARTITION, "zones", [noted(5), noted(6)], NOW_MS)
    assert offsets(again) == [0, 6]


async def test_each_topic_is_noted_up_to_an_offset_of_its_own(tmp_path: Path) -> None:
    """An offset of hours says nothing of zones."""
    log = await opened(tmp_path)
    await log.note(PARTITION, "zones", [noted(9)], NOW_MS)
    await log.note(PARTITION, "hours", [noted(3)], NOW_MS)
    await log.note(PARTITION, "hours", [noted(3)], NOW_MS)
    assert sorted(offsets(log)) == [3, 9]


async def test_the_stores_that_were_changed_are_those_of_all_runs_that_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After each change, after a rebuild, and when a run is let go of."""
    monkeypatch.setattr(change_log, "MOST_RUNS", 2)
    log = await opened(tmp_path)
    assert log.stores(PARTITION) == frozenset()
    kept = [{"7"}, {"7", "*"}, {"*", "8"}]
    for offset, (store, expected) in enumerate(
        zip((b"7", b"*", b"8"), kept, strict=True)
    ):
        one = noted(offset, NOW_MS + offset, store)
        await log.note(PARTITION, "zones", [one], NOW_MS)
        assert log.stores(PARTITION) == expected
    log.data.damaged[PARTITION] = "as if"
    await log.repair(PARTITION)
    assert log.stores(PARTITION) == {"*", "8"}
    log.take_over()
    assert log.stores(PARTITION) == {"*", "8"}


values = st.none() | st.text(max_size=5).map(str.encode)
deltas = st.builds(
    Delta,
    st.text("abé*", min_size=1, max_size=3).map(str.encode),
    st.binary(max_size=4),
    values,
    values,
)
origins = st.builds(
    Origin,
    st.sampled_from(["a", "b"]),
    st.sampled_from([API, LOAD]),
    st.none() | st.text(max_size=3),
    st.none() | st.text(max_size=3),
    st.none() | st.just("z"),
)


@given(st.lists(st.tuples(st.integers(0, 9), origins, deltas), max_size=9))
def test_runs_are_read_as_they_are_written(
    told: list[tuple[int, Origin, Delta]],
) -> None:
    """All of what was noted, in its order, each with whence it came."""
    some = [Noted(offset, NOW_MS, origin, delta) for offset, origin, delta in told]
    read = [
        (decode_head(encode(run)).origin, delta)
        for run in runs_of("hours", some)
        for delta in decode_deltas(encode(run))
    ]
    assert read == [(one.origin, one.delta) for one in some]


def test_what_one_record_changes_stays_together() -> None:
    """It is found, and replayed, by the record's offset."""
    some = [noted(offset // 3, store=b"%d" % offset) for offset in range(1_800)]
    runs = list(runs_of("hours", some))
    assert len(runs) > 1
    assert all(len(run.deltas) % 3 == 0 for run in runs)
    assert len({run.head.key for run in runs}) == len(runs)


def test_a_run_is_no_larger_than_a_record_may_be() -> None:
    """Many long values are many runs; a value that is longer still is one alone."""
    sizes = [3 * MOST_BYTES, *[MOST_BYTES // 4] * 40]
    some = [
        Noted(n, NOW_MS, ANN, Delta(b"7", b"", None, bytes([65 + n]) * size))
        for n, size in enumerate(sizes)
    ]
    alone, *runs = list(runs_of("labels", some))
    assert len(alone.deltas) == 1
    assert all(sum(d.size for d in run.deltas) <= MOST_BYTES for run in runs)


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_record_may_be_stamped_with_any_time(at_ms: int) -> None:
    """Before 1970, or beyond all calendars: it is noted somewhere."""
    assert len(encode_time(at_ms)) == 9
    assert origin_of((), "hours", at_ms).change.startswith("topic-hours-")


@pytest.mark.parametrize(
    ("text", "told"),
    [(b"5", 5), (b"10", 9), (b"-1", 9), (b"", 9), (b"x", 9), (b"1" * 400, 9)],
)
def test_a_fact_was_published_no_later_than_its_record(text: bytes, told: int) -> None:
    """Whatever its header says."""
    assert published_ms((("published-ms", text),), 9) == told
    assert published_ms((), 9) == 9
