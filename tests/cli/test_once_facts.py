"""``once`` with all that may be told of stores: the row that comes of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

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


def test_once_counts_with_dated_weeks_special_hours_and_exclusions(
    streamproc: Callable[..., Any], tmp_path: Path
) -> None:
    """Monday 08-17, an hour of maintenance, half an hour put right to down."""
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
        (tmp_path / f"{name}.csv").write_text(text)
        given += [f"--{name}", f"{name}.csv"]
    done = streamproc(
        *("once", *given, "--hold", "none", "--as-of", "2025-11-25T00:00:00Z"),
        *("--out", "out"),
    )
    assert done.returncode == 0, done.stderr
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
