"""Another window is one line of code; everything that goes by window follows."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
LAST = '    Window("week", 7 * DAY_US, HOUR_US, "last 7 days"),\n'
ANOTHER = '    Window("month", 30 * DAY_US, HOUR_US, "last 30 days"),\n'
SEVEN = (
    "store_id,uptime_last_hour(in minutes),uptime_last_day(in hours),"
    "uptime_last_week(in hours),downtime_last_hour(in minutes),"
    "downtime_last_day(in hours),downtime_last_week(in hours)"
)


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What a copy of the program shows that has one line more."""
    copy = tmp_path_factory.mktemp("copy")
    for package in ("streamproc", "agents", "tables", "tests", "tools"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, copy / package, ignore=ignored)
    module = copy / "streamproc" / "rules" / "windows.py"
    text = module.read_text()
    assert text.count(LAST) == 1
    module.write_text(text.replace(LAST, LAST + ANOTHER))
    done = subprocess.run(
        [sys.executable, "-m", "tests.system.fourth_window"],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def test_a_month_of_polls_is_kept_for_a_window_of_a_month(shown: Any) -> None:
    """And a day more, in the topic of polls as in the table."""
    assert (shown["kept_days"], shown["polls_retention"]) == (31, 31.0)


def test_the_combined_report_keeps_its_seven_columns(shown: Any) -> None:
    """Others read it; the week's figures are those of the week."""
    head, row = shown["combined"]
    assert ",".join(head) == SEVEN
    assert row == ["a", "0.00", "1.00", "2.00", "0.00", "0.00", "0.00"]


def test_the_full_report_has_every_figure_of_the_window(shown: Any) -> None:
    """Up, down, unknown, open and percent; the old columns come first."""
    (row,) = shown["full"]
    assert ",".join(row).startswith(SEVEN + ",uptime_last_month(in hours),downtime")
    assert row["uptime_last_month(in hours)"] == "3.00"
    assert row["downtime_last_month(in hours)"] == "0.00"
    assert row["unknown_last_month(in hours)"] == "717.00"
    assert row["open_last_month(in hours)"] == "720.00"
    assert row["uptime_percent_last_month(of observed)"] == "100.00"
    assert row["uptime_last_week(in hours)"] == "2.00"


def test_answers_exports_and_badges_have_the_window(shown: Any) -> None:
    """Of the fleet and of a store, as JSON and as CSV."""
    for windows in (shown["overview"], shown["store"]):
        assert list(windows) == ["hour", "day", "week", "month"]
        assert windows["month"]["up_s"] == 3 * 3600
    assert "uptime_percent_last_month(of observed)" in shown["export"]
    assert shown["timeline_h"] == 720
    assert shown["badge"] == 200


def test_the_openapi_file_follows(shown: Any) -> None:
    """Made anew, it describes the window."""
    windows = shown["described"]["windows"]
    assert windows["required"] == ["hour", "day", "week", "month"]


def test_every_figure_of_the_window_is_something_to_sort_by(shown: Any) -> None:
    """And the server takes each."""
    for name in ("up", "down", "unknown", "open", "percent"):
        assert shown["sorted"][f"{name}_month"] == 200


def test_the_page_of_a_store_shows_the_window(shown: Any) -> None:
    """In its table of what the hourly report has."""
    table = shown["page"].split('data-live="windows"')[1].split("</table>")[0]
    assert ">30 days<" in table
