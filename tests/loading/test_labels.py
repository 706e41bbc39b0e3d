"""Files of labels: the further columns of a row are its store's labels."""

from pathlib import Path
from typing import Any

import pytest

from streamproc.errors import LoadError
from streamproc.loading.labels import read_labels
from streamproc.loading.refused import Refused


def read(path: Path, text: str, **names: str) -> tuple[dict[str, Any], list[Refused]]:
    """Messages of a file with this text, and what was refused of it."""
    (path / "labels.csv").write_text(text)
    told: list[Refused] = []
    file = read_labels(path / "labels.csv", lambda count: None, told.append, names)
    return dict(file.messages), told


def test_every_other_column_is_a_label(tmp_path: Path) -> None:
    """Wherever it stands; an empty cell is no label."""
    messages, told = read(
        tmp_path, "region,store_id,Target,manager\nWest,7,98.5,Ann\n,8,,Bob\n"
    )
    assert told == []
    assert messages == {
        "7": {
            "store_id": "7",
            "labels": {"manager": "Ann", "region": "West"},
            "target": 98.5,
        },
        "8": {"store_id": "8", "labels": {"manager": "Bob"}},
    }


def test_a_file_may_hold_names_only_and_call_them_otherwise(tmp_path: Path) -> None:
    """``--map`` tells a column's own name; it is no label then."""
    messages, _ = read(
        tmp_path, "shop;title\n7;Main St\n", store_id="shop", name="title"
    )
    assert messages == {"7": {"store_id": "7", "labels": {}, "name": "Main St"}}


def test_the_last_row_of_a_store_counts(tmp_path: Path) -> None:
    """As it would one after the other in the topic."""
    messages, _ = read(tmp_path, "store_id,region\n7,West\n7,East\n")
    assert messages["7"]["labels"] == {"region": "East"}


def test_a_row_that_is_refused_says_nothing_of_its_store(tmp_path: Path) -> None:
    """The others are taken."""
    messages, told = read(tmp_path, "store_id,target\n7,high\n8,99\n")
    assert list(messages) == ["8"]
    assert [(row.line, row.reason) for row in told] == [(2, "bad-target")]


def test_two_columns_of_one_name_are_an_error(tmp_path: Path) -> None:
    """Nobody knows which of them is the label."""
    with pytest.raises(LoadError, match="2 columns are 'region'"):
        read(tmp_path, "store_id,region,region\n7,West,East\n")


def test_a_label_without_a_name_is_refused_and_never_lost(tmp_path: Path) -> None:
    """Empty columns that a spreadsheet left behind the last one are none."""
    messages, told = read(tmp_path, "store_id,region,,\n7,West,,\n8,East,Ann,\n")
    assert messages == {"7": {"store_id": "7", "labels": {"region": "West"}}}
    assert [(row.line, row.reason) for row in told] == [(3, "bad-labels")]
    assert told[0].message.startswith("'Ann' stands in a column that has no name")
