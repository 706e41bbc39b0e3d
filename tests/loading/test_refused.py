"""``FILE.rejects.csv``: what is in it, where it is, and when it goes."""

import csv
from pathlib import Path

import pytest

from streamproc.loading.refused import Refused, RejectsFile


def refused(row: str, message: str = "why") -> Refused:
    """A refused row."""
    return Refused(Path("polls.csv"), 7, "bad-csv", message, row)


def rejects_of(tmp_path: Path, *rows: Refused) -> RejectsFile:
    """A file of these refused rows, beside an input."""
    (tmp_path / "polls.csv").touch()
    file = RejectsFile(tmp_path / "polls.csv", tmp_path / "elsewhere", "polls")
    for row in rows:
        file.add(row)
    file.close()
    return file


@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@sum"])
def test_no_formula_of_a_refused_row_is_live(formula: str, tmp_path: Path) -> None:
    """Neither the row nor the message is run by a spreadsheet."""
    file = rejects_of(tmp_path, refused(formula, formula))
    with file.path.open(newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert row["row"] == row["message"] == "'" + formula
    assert (row["line"], row["reason"]) == ("7", "bad-csv")


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    """The file that it points to stays as it was."""
    precious = tmp_path / "precious"
    precious.write_text("mine")
    link = tmp_path / "polls.csv.rejects.csv"
    link.symlink_to(precious)
    file = rejects_of(tmp_path, refused("x"))
    assert file.path == link
    assert not link.is_symlink()
    assert precious.read_text() == "mine"


def test_a_clean_run_removes_the_one_of_an_earlier_run(tmp_path: Path) -> None:
    """Nobody takes yesterday's refusals for today's."""
    path = rejects_of(tmp_path, refused("x")).path
    assert path.exists()
    assert rejects_of(tmp_path).count == 0
    assert not path.exists()


def test_what_is_kept_of_a_row_is_bounded(tmp_path: Path) -> None:
    """A giant row does not fill the disk."""
    file = rejects_of(tmp_path, refused("x" * 10_000_000))
    assert file.path.stat().st_size < 2_000


def test_of_a_pipe_they_are_in_the_other_directory(tmp_path: Path) -> None:
    """A pipe has no place beside it."""
    file = RejectsFile(Path("-"), tmp_path / "elsewhere", "polls")
    file.add(refused("x"))
    file.close()
    assert file.path == tmp_path / "elsewhere" / "polls.rejects.csv"
    assert file.path.exists()
