"""``once`` with all that may be told of stores: the row that comes of it."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

POLLS = """store_id,status,timestamp_utc
a,active,2025-11-24 09:00:00 UTC
a,inactive,2025-11-24 12:00:00 UTC
a,active,2025-11-24 13:00:00 UTC
"""
HOURS = """store_id,day,start_time_local,end_time_local,valid_from
a,0,09:00,17:00,
a,0,08:00,17:00,2025-11-20
a,1,closed,closed,
"""
EXCLUSIONS = """store_id,id,kind,from_utc,to_utc,from_local,to_local,note
*,m1,maintenance,2025-11-24 12:00:00 UTC,2025-11-24 13:00:00 UTC,,,router
a,c1,correction-down,,,2025-11-24 15:00:00,2025-11-24 15:30:00,
"""
SPECIAL = """store_id,date,start_time_local,end_time_local,note
a,2025-11-23,10:00,12:00,x
*,2025-11-22,closed,closed,
"""


def run_once(
    streamproc: Callable[..., Any], folder: Path, *options: str
) -> tuple[Any, list[dict[str, str]]]:
    """Run it on the files above; its output, and the rows of its full report."""
    texts = {
        "polls": POLLS,
        "hours": HOURS,
        "zones": "store_id,timezone_str\na,UTC\n",
        "exclusions": EXCLUSIONS,
        "special-hours": SPECIAL,
        "labels": "store_id,name,region,target\na,Main St,West,98.5\n",
    }
    given: list[object] = []
    for name, text in texts.items():
        (folder / f"{name}.csv").write_text(text)
        given += [f"--{name}", f"{name}.csv"]
    done = streamproc(
        *("once", *given, "--hold", "none", "--as-of", "2025-11-25T00:00:00Z"),
        *("--out", "out", *options),
    )
    assert done.returncode == 0, done.stderr
    full = folder / "out" / "full_report.csv"
    text = full.read_text() if full.exists() else ""
    rows = list(csv.DictReader(text.splitlines()))
    return done, rows


def test_once_counts_with_dated_weeks_special_hours_and_exclusions(
    streamproc: Callable[..., Any], tmp_path: Path
) -> None:
    """Monday 08-17, an hour of maintenance, half an hour put right to down."""
    done, rows = run_once(streamproc, tmp_path)
    assert rows == []
    assert "special hours: 2, exclusions: 2, labels: 1" in done.stdout
    row = (tmp_path / "out" / "combined_report.csv").read_text().splitlines()[1]
    assert row == "a,0.00,6.50,6.50,0.00,0.50,0.50"


def test_a_store_whose_labels_are_refused_stays_in_the_report(
    streamproc: Callable[..., Any], tmp_path: Path
) -> None:
    """They change no figure; with refused hours it would be left out."""
    (tmp_path / "polls.csv").write_text(POLLS)
    (tmp_path / "labels.csv").write_text("store_id,target\na,high\n")
    files = ("--polls", "polls.csv", "--labels", "labels.csv", "--out", "out")
    done = streamproc("once", *files)
    assert done.returncode == 1
    assert "1 row of 1 store refused" in done.stderr
    done = streamproc("once", *files, "--skip-refused")
    assert done.returncode == 0, done.stderr
    rows = (tmp_path / "out" / "combined_report.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["store_id", "a"]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("special-hours", "store_id,date,start_time_local,end_time_local\n*,{},tea,\n"),
        ("exclusions", "store_id,id,kind,from_utc,to_utc\n*,e,maintenance,{} 12:00,\n"),
    ],
)
def test_no_store_can_be_left_out_for_what_is_refused_of_all(
    streamproc: Callable[..., Any], tmp_path: Path, kind: str, text: str
) -> None:
    """Every figure would lack it; so there is no report, with --skip-refused either."""
    (tmp_path / "polls.csv").write_text(POLLS)
    (tmp_path / "facts.csv").write_text(text.format("2025-11-24"))
    files = ("--polls", "polls.csv", f"--{kind}", "facts.csv", "--out", "out")
    done = streamproc("once", *files, "--skip-refused")
    assert done.returncode == 1, done.stderr
    assert "facts.csv, line 2: " in done.stderr
    assert "speaks of all stores (*)" in done.stderr
    assert not (tmp_path / "out" / "combined_report.csv").exists()


def test_what_refused_labels_are_left_out_of_is_said_as_it_is(
    streamproc: Callable[..., Any], tmp_path: Path
) -> None:
    """Their stores stay in the report, which is not to be feared."""
    (tmp_path / "polls.csv").write_text(POLLS)
    (tmp_path / "labels.csv").write_text("store_id,target\na,high\n")
    files = ("--polls", "polls.csv", "--labels", "labels.csv", "--out", "out")
    done = streamproc("once", *files)
    assert "--skip-refused leaves out those stores' labels" in done.stderr


def test_one_store_is_called_a_store_and_none_is_not_counted(
    streamproc: Callable[..., Any], tmp_path: Path
) -> None:
    """What is printed reads well, of one store and where an id cannot be one."""
    (tmp_path / "polls.csv").write_text(POLLS)
    (tmp_path / "labels.csv").write_text("store_id,region\n*,West\n")
    files = ("--polls", "polls.csv", "--out", "out")
    assert "combined_report.csv: 1 store, as of" in streamproc("once", *files).stdout
    done = streamproc("once", *files, "--labels", "labels.csv")
    assert "1 row refused in labels.csv, line 2: store_id is *" in done.stderr


def test_once_writes_a_full_report_beside_the_combined_one(
    streamproc: Callable[..., Any], tmp_path: Path
) -> None:
    """Up, down, unknown and excluded make the open time."""
    _, [row] = run_once(streamproc, tmp_path, "--full")
    names = ("uptime", "downtime", "unknown", "excluded", "open")
    day = [row[f"{name}_last_day(in hours)"] for name in names]
    assert day == ["6.50", "0.50", "1.00", "1.00", "9.00"]
    combined = (tmp_path / "out" / "combined_report.csv").read_text()
    assert combined.splitlines()[1] == "a,0.00,6.50,6.50,0.00,0.50,0.50"


def test_as_polled_figures_know_no_exclusion(
    streamproc: Callable[..., Any], tmp_path: Path
) -> None:
    """The hour of maintenance is down again, the half hour put right is up again."""
    _, [row] = run_once(streamproc, tmp_path, "--full", "--as-polled")
    names = ("uptime", "downtime", "unknown", "excluded", "open")
    day = [row[f"{name}_last_day(in hours)"] for name in names]
    assert day == ["7.00", "1.00", "1.00", "0.00", "9.00"]
