"""The other commands, from the outside."""

import contextlib
import csv
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import openpyxl
import psutil  # type: ignore[import-untyped]
import pytest

from streamproc.settings import Settings
from tests.conftest import Run
from tests.system.harness import WorkerProcess, publish_raw
from tests.waiting import LIMIT_S
from tests.web.live_site import free_port

POLLS = (
    "store_id,status,timestamp_utc\n"
    "a,active,2023-01-25 11:00:00 UTC\na,inactive,2023-01-25 11:30:00 UTC\n"
    "b,active,2023-01-25 12:00:00 UTC\n"
)
ZONES = "store_id,timezone_str\na,UTC\nc,UTC\n"
StartWorker = Callable[..., WorkerProcess]


@pytest.fixture
def files(tmp_path: Path) -> None:
    """A small set of input files."""
    (tmp_path / "polls.csv").write_text(POLLS)
    (tmp_path / "zones.csv").write_text(ZONES)


@pytest.mark.usefixtures("files")
def test_once_writes_the_report_and_nothing_else(
    tmp_path: Path, streamproc: Run
) -> None:
    """As of the newest poll, by default; the private log is gone afterwards."""
    done = streamproc(
        "once", "--polls", "polls.csv", "--zones", "zones.csv", "--out", "out"
    )
    assert done.returncode == 0, done.stderr
    assert "3 stores, as of 2023-01-25T12:00:00Z" in done.stdout
    assert [path.name for path in (tmp_path / "out").iterdir()] == [
        "combined_report.csv"
    ]
    assert (tmp_path / "out" / "combined_report.csv").read_text() == (
        "store_id,uptime_last_hour(in minutes),uptime_last_day(in hours),"
        "uptime_last_week(in hours),downtime_last_hour(in minutes),"
        "downtime_last_day(in hours),downtime_last_week(in hours)\n"
        "a,30.00,0.50,0.50,30.00,0.50,0.50\n"
        "b,0.00,0.00,0.00,0.00,0.00,0.00\n"
        "c,0.00,0.00,0.00,0.00,0.00,0.00\n"
    )


@pytest.mark.usefixtures("files")
def test_once_runs_beside_a_worker(streamproc: Run) -> None:
    """It does not want the port that a worker's pages have."""
    with socket.socket() as taken:
        with contextlib.suppress(OSError):  # somebody has it already: just as well
            taken.bind(("127.0.0.1", 6066))
            taken.listen()
        done = streamproc("once", "--polls", "polls.csv", "--out", "out")
    assert done.returncode == 0, done.stderr


@pytest.mark.usefixtures("files")
def test_once_takes_as_of_hold_and_backfill(tmp_path: Path, streamproc: Run) -> None:
    """The rules of the accounting are the command's to choose."""
    done = streamproc(
        *("once", "--polls", "polls.csv", "--out", "out"),
        *("--as-of", "2023-01-25T13:00:00Z", "--hold", "none", "--backfill"),
    )
    assert done.returncode == 0, done.stderr
    with (tmp_path / "out" / "combined_report.csv").open(newline="") as stream:
        rows = list(csv.reader(stream))
    assert rows[1] == ["a", "0.00", "22.50", "166.50", "60.00", "1.50", "1.50"]
    assert rows[2] == ["b", "60.00", "24.00", "168.00", "0.00", "0.00", "0.00"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--polls", "missing.csv", "--out", "out"), "missing.csv"),
        (("--polls", "polls.csv", "--out", "polls.csv"), "polls.csv"),
        (("--polls", "polls.csv", "--out", "out", "--as-of", "noon"), "noon"),
        (("--polls", "polls.csv", "--out", "out", "--hold", "1"), "--hold"),
        (
            ("--polls", "polls.csv", "--out", "out", "--as-of", "2023-01-01T00:00:00Z"),
            "no poll of any store lies before as_of 2023-01-01",
        ),
    ],
)
@pytest.mark.usefixtures("files")
def test_once_fails_with_a_clear_error(
    arguments: tuple[str, ...], said: str, tmp_path: Path, streamproc: Run
) -> None:
    """Non-zero, one line, and no report."""
    done = streamproc("once", *arguments)
    assert done.returncode != 0
    assert said in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out" / "combined_report.csv").exists()


@pytest.mark.usefixtures("files")
def test_report_prints_and_saves_what_the_worker_knows(
    tmp_path: Path, streamproc: Run, start_worker: StartWorker
) -> None:
    """All stores, one store, the full columns, a file."""
    streamproc("load", "--polls", "polls.csv", "--zones", "zones.csv")
    start_worker("--no-hourly").ready()
    as_of = ("--as-of", "latest")
    printed = streamproc("report", *as_of)
    assert printed.stdout.splitlines()[1] == "a,30.00,0.50,0.50,30.00,0.50,0.50"
    assert "Complete, 4 of 4 partitions, 3 rows" in printed.stderr
    one = streamproc("report", *as_of, "--store", "b", "--full")
    (row,) = csv.DictReader(one.stdout.splitlines())
    assert row["store_id"] == "b"
    assert row["unknown_last_hour(in minutes)"] == "60.00"
    assert row["last_status"] == ""
    saved = streamproc("report", *as_of, "--out", "deep/er/report.csv")
    assert saved.returncode == 0
    assert (tmp_path / "deep/er/report.csv").read_text() == printed.stdout
    saved = streamproc("report", *as_of, "--out", "deep/er/report.xlsx")
    assert saved.returncode == 0
    book = openpyxl.load_workbook(tmp_path / "deep/er/report.xlsx")
    assert list(book["Report"].values)[1] == ("a", 30, 0.5, 0.5, 30, 0.5, 0.5)
    assert dict(book["About"].values)["Report"].endswith("of all stores")
    failed = streamproc("report", "--store", "nobody")
    assert failed.returncode == 1
    assert "store nobody is not known" in failed.stderr


@pytest.mark.usefixtures("files")
def test_report_of_a_period_prints_and_saves_its_rows(
    tmp_path: Path, streamproc: Run, start_worker: StartWorker
) -> None:
    """Of all stores, by day, in one zone; grouped; and why there is none."""
    streamproc("load", "--polls", "polls.csv", "--zones", "zones.csv")
    start_worker("--no-hourly").ready()
    asked = ("report", "--as-of", "latest", "--period")
    printed = streamproc(*asked, "this-month", "--zone", "utc", "--by", "day")
    rows = list(csv.DictReader(printed.stdout.splitlines()))
    assert [row["store_id"] for row in rows] == ["a", "b", "c"]
    assert {row["period"] for row in rows} == {"day:2023-01-25"}
    assert rows[0]["uptime(in hours)"] == "0.5000"
    assert rows[0]["from_utc"] == "2023-01-25T00:00:00Z"
    saved = streamproc(*asked, "year:2023", "--group-by", "region", "--out", "y.csv")
    assert saved.stderr.splitlines()[-1].startswith("y.csv: 1 row, as of 2023-01-25")
    assert "year:2023 is told of since 2023-01-25T" in saved.stderr
    day = streamproc(*asked, "day:2023-01-25", "--zone", "utc")
    assert "is told of since" not in day.stderr
    (group,) = csv.DictReader((tmp_path / "y.csv").read_text().splitlines())
    assert (group["region"], group["stores"]) == ("", "3")
    failed = streamproc(*asked, "month:2022-01")
    assert failed.returncode == 1
    assert "nothing of month:2022-01 is kept" in failed.stderr
    assert "Traceback" not in failed.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--period", "next-month"), "period is 'next-month', expected"),
        (("--by", "day"), "by goes with a period"),
        (("--period", "today", "--where", "region"), "expected label=value"),
        (("--period", "today", "--store", "a"), "neither --store nor --full"),
        (("--period", "today", "--zone", "Mars"), "not a name of the tz database"),
    ],
)
def test_what_is_wrong_with_the_options_of_a_period_is_said(
    streamproc: Run, options: tuple[str, ...], said: str
) -> None:
    """Before any worker is asked."""
    done = streamproc("report", *options)
    assert done.returncode != 0
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_report_without_a_worker_says_so(streamproc: Run) -> None:
    """At once, on the embedded log."""
    done = streamproc("report")
    assert done.returncode == 1
    assert "is one running?" in done.stderr


async def test_rejected_lists_and_replays(
    streamproc: Run, start_worker: StartWorker, make_settings: Callable[..., Settings]
) -> None:
    """Time, reason, place, payload; and a second chance."""
    await publish_raw(make_settings(), [b"a"], [b'{"store_id":"a"}'])
    worker = start_worker("--no-hourly").ready()
    streamproc("report")
    listed = streamproc("rejected").stdout
    assert re.search(
        r'Z  unknown-status  store-polls/\d/0  \{"store_id":"a"\}', listed
    ), listed
    assert listed.splitlines()[-1] == "1 rejected: 1 unknown-status"
    again = streamproc("rejected", "--replay").stdout
    assert again.splitlines() == [
        "1 not sent, they would be refused again: 1 unknown-status;"
        " correct them with --edit",
        "0 published again",
    ]
    put_in = (
        """sed 's/}/,"timestamp_utc":"2023-01-25 11:00:00 UTC","status":"active"}/'"""
    )
    again = streamproc("rejected", "--replay", "--edit", put_in).stdout
    assert again.splitlines() == ["1 published again"]
    report = streamproc("report", "--as-of", "2023-01-25T12:00:00Z").stdout
    assert "a,60.00" in report
    assert streamproc("rejected").stdout.splitlines()[-1].startswith("1 rejected")
    assert worker.end(signal.SIGTERM) == 0


def test_simulate_publishes_a_fleet(streamproc: Run) -> None:
    """A week in the past within a few seconds, when sped up."""
    done = streamproc(
        *("simulate", "--stores", "50", "--interval", "600"),
        *("--speed-up", "1000000", "--seconds", "4"),
    )
    assert done.returncode == 0, done.stderr
    sent = int(done.stdout.splitlines()[-1].split()[0].replace(",", ""))
    assert 0.95 * 50 * 7 * 144 < sent < 50 * 7 * 145


def test_settings_lists_every_setting_with_its_help(streamproc: Run) -> None:
    """Name, value, default, help; from the environment and from options."""
    import os

    done = streamproc(
        "settings",
        *("--hold", "none"),
        env={**os.environ, "STREAMPROC_PARTITIONS": "8"},
    )
    assert "STREAMPROC_PARTITIONS=8 (default: 4)" in done.stdout
    assert "STREAMPROC_HOLD=none (default: 60)" in done.stdout


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STREAMPROC_PARTITIONS", "many"),
        ("STREAMPROC_HOLD", "2"),
        ("STREAMPROC_BROKER", "rabbit://x"),
        ("STREAMPROC_LOG_SYNC", "maybe"),
        ("STREAMPROC_BORKER", "x"),
    ],
)
def test_a_wrong_setting_is_an_error_before_anything_starts(
    name: str, value: str, tmp_path: Path, streamproc: Run
) -> None:
    """It names the variable; no data directory appears."""
    import os

    done = streamproc("worker", env={**os.environ, name: value})
    assert done.returncode == 1
    assert name in done.stderr
    assert not (tmp_path / "data").exists()


def test_demo_shows_a_report_and_stops_cleanly(tmp_path: Path) -> None:
    """The first time and the second one; by Ctrl-C, and as a supervisor stops it."""
    for shown, how in (
        ("five weeks of polls", signal.SIGINT),
        ("resuming from", signal.SIGTERM),
    ):
        process = subprocess.Popen(
            [sys.executable, "-u", "-m", "streamproc", "demo", "--no-web"],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout is not None
        said = ""
        with process:
            for line in process.stdout:
                said += line
                if "Ctrl-C stops" in line:
                    process.send_signal(how)
                    break
            assert process.wait(LIMIT_S) == 0, said
        assert shown in said
        assert "combined_report.csv: 300 stores" in said
        assert (tmp_path / "data" / "combined_report.csv").exists()


def test_the_pages_answer_while_the_demo_loads(tmp_path: Path) -> None:
    """From the first seconds on; a stop meanwhile ends the loading, too."""
    port = free_port()
    options = ("--stores", "20000", "--web-port", str(port))
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "streamproc", "demo", *options],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    with process:
        for line in process.stdout:
            if "five weeks of polls" in line:
                break
        loading = psutil.Process(process.pid).children(recursive=True)
        with urllib.request.urlopen(
            f"http://127.0.0.1:{port}/", timeout=LIMIT_S
        ) as page:
            assert b"Store uptime" in page.read()
        process.send_signal(signal.SIGINT)
        said = process.stdout.read()
        assert process.wait(LIMIT_S) == 0, said
    assert loading
    assert not psutil.wait_procs(loading, timeout=LIMIT_S)[1]
    assert "Traceback" not in said
