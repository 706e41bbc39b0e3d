"""Scans of a real RocksDB database."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from rocksdict import Options, Rdict

from tables import rocks_scan

ITEMS = 5_000


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Rdict]:
    """A database of some thousand items."""
    opened = Rdict(str(tmp_path / "db"), Options(raw_mode=True))
    for number in range(ITEMS):
        opened[b"%05d" % number] = b"value %d" % number
    yield opened
    opened.close()


def test_a_scan_gives_other_threads_their_turn_every_hundred_items(
    db: Rdict, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No call goes on for longer, as none gives the interpreter's lock back."""
    asked: list[int] = []

    def noted(items: Any, most: int) -> Any:
        asked.append(most)
        return islice(items, most)

    monkeypatch.setattr(rocks_scan, "islice", noted)
    runs = list(rocks_scan.whole_runs(db, b""))
    assert max(asked) <= 100
    assert sum(asked) >= ITEMS
    assert max(len(keys) for keys, _ in runs) == 2_000
    keys = [key for some, _ in runs for key in some]
    values = [value for _, some in runs for value in some]
    assert keys == [b"%05d" % number for number in range(ITEMS)]
    assert values == [b"value %d" % number for number in range(ITEMS)]


@pytest.mark.parametrize("size", [0, 1, 99, 100, 101, 341, 342, 2_341, 4_341])
def test_a_scan_has_all_items_however_they_fall_into_its_runs(
    db: Rdict, size: int
) -> None:
    """Up to the end that is asked for."""
    runs = list(rocks_scan.whole_runs(db, b"", b"%05d" % size))
    assert sum(len(keys) for keys, _ in runs) == size
    assert all(len(keys) == len(values) > 0 for keys, values in runs)
