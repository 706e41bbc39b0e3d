"""``streamproc export``, from the outside: months of days, exact, from a worker."""

import csv
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from pyarrow import parquet

from tests.conftest import Run
from tests.system.harness import WorkerProcess

POLLS = (
    "store_id,status,timestamp_utc\n"
    "a,active,2023-01-31 22:30:00 UTC\na,inactive,2023-01-31 23:30:00 UTC\n"
    "a,active,2023-02-01 00:00:00.000001 UTC\n"
)
ZONES = "store_id,timezone_str\na,UTC\nnever heard,UTC\n"
HOUR_US = 3_600_000_000
StartWorker = Callable[..., WorkerProcess]


@pytest.fixture
def worker(tmp_path: Path, streamproc: Run, start_worker: StartWorker) -> None:
    """A worker that knows two days of a store, the last of one month among them."""
    (tmp_path / "polls.csv").write_text(POLLS)
    (tmp_path / "zones.csv").write_text(ZONES)
    streamproc("load", "--polls", "polls.csv", "--zones", "zones.csv")
    start_worker("--no-hourly").ready()


@pytest.mark.parametrize(
    ("dates", "said"),
    [
        (("--from", "20261001"), "--from is '20261001', expected YYYY-MM-DD"),
        (("--from", "2026-02-30"), "--from is '2026-02-30': day is out of range"),
        (("--from", "2026-02-01", "--to", "now"), "--to is 'now', expected YYYY-MM-DD"),
    ],
)
def test_a_date_that_is_none_is_named_with_its_option(
    streamproc: Run, dates: tuple[str, ...], said: str
) -> None:
    """Before any worker is asked."""
    done = streamproc("export", *dates, "--out", "days")
    assert done.returncode == 1
    assert said in done.stderr


@pytest.mark.usefixtures("worker")
def test_export_writes_a_file_for_each_month_there_is(
    tmp_path: Path, streamproc: Run
) -> None:
    """To the microsecond; what lies before history is said, and has no file."""
    asked = ("--from", "2022-11-15", "--to", "2023-02-02", "--out", "days")
    done = streamproc("export", *asked)
    assert done.returncode == 0, done.stderr
    assert "nothing is kept of the days before 2023-01-01" in done.stderr
    files = sorted((tmp_path / "days").iterdir())
    assert [path.name for path in files] == [
        "uptime-2023-01.csv",
        "uptime-2023-02-01..02.csv",
    ]
    january, february = (
        list(csv.DictReader(path.read_text().splitlines())) for path in files
    )
    (day,) = [row for row in january if row["store_id"] == "a"]
    assert (day["date"], day["incidents"]) == ("2023-01-31", "1")
    assert int(day["up_us"]) == HOUR_US
    assert int(day["down_us"]) == int(day["longest_incident_us"]) == HOUR_US // 2
    assert int(day["open_us"]) == 24 * HOUR_US
    first = next(row for row in february if row["store_id"] == "a")
    assert (first["date"], first["down_us"]) == ("2023-02-01", "1")
    assert first["from_utc"] == "2023-02-01T00:00:00Z"
    assert int(first["up_us"]) == HOUR_US
    assert {row["store_id"] for row in january} == {"a", "never heard"}


@pytest.mark.usefixtures("worker")
def test_export_to_parquet_has_the_same_rows(tmp_path: Path, streamproc: Run) -> None:
    """Typed; and a day that nobody has yet is refused."""
    asked = ("--from", "2023-01-31", "--to", "2023-01-31", "--out", "days")
    done = streamproc("export", *asked, "--format", "parquet")
    assert done.returncode == 0, done.stderr
    table = parquet.read_table(tmp_path / "days" / "uptime-2023-01-31.parquet")
    rows = {row["store_id"]: row for row in table.to_pylist()}
    assert rows["a"]["date"] == date(2023, 1, 31)
    assert (rows["a"]["up_us"], rows["a"]["down_us"]) == (HOUR_US, HOUR_US // 2)
    late = streamproc(
        "export", "--from", "2023-01-31", "--to", "2199-01-01", *asked[4:]
    )
    assert late.returncode == 1
    assert late.stderr.startswith("streamproc: --to is 2199-01-01, and it is 20")
