"""Chunks in which segments change are those that a scan of the segments would give."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamproc.rules import history, packing
from streamproc.rules.units import DAY_US
from tables import chunks as chunks_module
from tables.chunks import Chunk, changed

QUICK = settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.function_scoped_fixture,
    ],
)
FIRST_DAY = 20_000

names = st.sampled_from(["a", "ab", "ab1", "b", "c" * 30, "é", "z"])
keys = st.builds(
    lambda name, day: history.segment_key(name.encode(), FIRST_DAY + day),
    names,
    st.integers(0, 9),
)
minutes = st.sets(st.integers(0, 1439), min_size=1, max_size=4)
writes = st.dictionaries(keys, st.one_of(st.none(), minutes), max_size=6)


def segment(key: bytes, minutes: set[int]) -> bytes:
    """Polls of a store's day, the first microsecond and the last one among them."""
    begin_us = history.split_key(key)[1] * DAY_US
    times = {begin_us + minute * 60_000_000 for minute in minutes}
    if 0 in minutes:
        times.add(begin_us + DAY_US - 1)
    return packing.canonical(packing.pack((t, True) for t in times)).tobytes()


def scanned(segments: dict[bytes, bytes]) -> list[tuple[bytes, list[int]]]:
    """The reference: each store and its polls, from all segments in key order."""
    found: dict[bytes, list[int]] = {}
    for key in sorted(segments):
        packed = packing.unpack(segments[key]).tolist()
        found.setdefault(history.store_of(key), []).extend(packed)
    return list(found.items())


def listed(chunks: list[Chunk]) -> list[tuple[bytes, list[int]]]:
    """The same of chunks."""
    found: list[tuple[bytes, list[int]]] = []
    for chunk in chunks:
        assert len(chunk.packed) == chunk.counts.sum()
        cuts = np.split(chunk.packed, np.cumsum(chunk.counts)[:-1])
        found += zip(chunk.store_ids, (cut.tolist() for cut in cuts), strict=True)
    return found


@given(st.lists(writes, max_size=6), st.integers(1, 3))
@QUICK
def test_changes_in_any_order_give_what_a_scan_gives(
    monkeypatch: pytest.MonkeyPatch,
    batches: list[dict[bytes, set[int] | None]],
    of: int,
) -> None:
    """New stores and days, other values, days that leave; again and again."""
    monkeypatch.setattr(chunks_module, "STORES_PER_CHUNK", of)
    segments: dict[bytes, bytes] = {}
    chunks: list[Chunk] = []
    for batch in batches:
        changes = {
            key: None if some is None else segment(key, some)
            for key, some in batch.items()
        }
        held = {key: value for key, value in changes.items() if value}
        segments = {k: v for k, v in segments.items() if k not in changes} | held
        chunks = changed(chunks, {**changes, b"\0newest": b"12345678"})
        assert listed(chunks) == scanned(segments)
        assert listed(changed(chunks, changes)) == scanned(segments)
        assert all(0 < len(chunk.store_ids) < 2 * of or of == 1 for chunk in chunks)
