"""``streamproc once --period``: a period's report of files alone."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Run
from tests.system.harness import WorkerProcess

POLLS = [
    ("a", "2026-11-01 00:00", "active"),
    ("a", "2026-11-23 09:00", "active"),
    ("a", "2026-11-23 12:00", "inactive"),
    ("a", "2026-11-23 13:00", "active"),
    ("b", "2026-11-23 10:00", "active"),
    ("b", "2026-11-24 23:00", "active"),
    ("c", "2026-11-23 10:00", "inactive"),
    ("c", "2026-11-25 00:00", "active"),
]


@pytest.fixture
def files(tmp_path: Path) -> None:
    """Three stores, open on Mondays from 9 to 17; one under maintenance at noon."""
    texts: dict[str, list[tuple[str, ...]]] = {
        "polls": [("store_id", "timestamp_utc", "status"), *POLLS],
        "hours": [
            ("store_id", "day", "start_time_local", "end_time_local"),
            *((store, "0", "09:00", "17:00") for store in "abc"),
        ],
        "zones": [
            ("store_id", "timezone_str"),
            *((store, "UTC") for store in "abc"),
        ],
        "labels": [
            ("store_id", "name", "region"),
            ("a", "Store A", "West"),
            ("b", "=1+1", "West"),
        ],
        "exclusions": [
            ("store_id", "id", "kind", "from_utc", "to_utc"),
            ("b", "m", "maintenance", "2026-11-23 10:30:00", "2026-11-23 11:00:00"),
        ],
    }
    for name, rows in texts.items():
        text = "\n".join(",".join(row) for row in rows) + "\n"
        (tmp_path / f"{name}.csv").write_text(text)


FILES = [
    argument
    for name in ("polls", "hours", "zones", "labels", "exclusions")
    for argument in (f"--{name}", f"{name}.csv")
]


def made(run: Run, root: Path, *options: str) -> list[dict[str, str]]:
    """Rows of the report that a run of the command has written."""
    done = run("once", *FILES, "--out", "out", *options)
    assert done.returncode == 0, done.stderr
    assert "period_report.csv: " in done.stdout
    with (root / "out" / "period_report.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.usefixtures("files")
def test_once_writes_the_report_of_a_period_beside_the_other(
    tmp_path: Path, streamproc: Run
) -> None:
    """All columns, in their order; ids and names are no formulas, labels are last."""
    rows = made(streamproc, tmp_path, "--period", "day:2026-11-23")
    assert (tmp_path / "out" / "combined_report.csv").exists()
    assert list(rows[0].items()) == [
        ("store_id", "a"),
        ("name", "Store A"),
        ("period", "day:2026-11-23"),
        ("from_utc", "2026-11-23T00:00:00Z"),
        ("to_utc", "2026-11-24T00:00:00Z"),
        ("uptime(in hours)", "2.0000"),
        ("downtime(in hours)", "1.0000"),
        ("unknown(in hours)", "5.0000"),
        ("excluded(in hours)", "0.0000"),
        ("open(in hours)", "8.0000"),
        ("uptime_percent(of observed)", "66.67"),
        ("coverage_percent", "37.50"),
        ("incidents", "1"),
        ("longest_incident(in minutes)", "60.00"),
        ("region", "West"),
    ]
    assert [row["store_id"] for row in rows] == ["a", "b", "c"]
    assert rows[1]["name"] == "'=1+1"
    assert rows[1]["excluded(in hours)"] == "0.5000"
    assert rows[1]["uptime(in hours)"] == "0.5000"
    assert (rows[2]["name"], rows[2]["region"]) == ("", "")
    assert rows[2]["uptime_percent(of observed)"] == "0.00"


@pytest.mark.usefixtures("files")
def test_once_says_since_when_there_is_anything_of_the_period(
    tmp_path: Path, streamproc: Run
) -> None:
    """Where it reaches before the first poll's date; the rows begin there."""
    done = streamproc("once", *FILES, "--out", "out", "--period", "year:2026")
    assert "year:2026 is told of since 2026-" in done.stdout
    since = done.stdout.partition("told of since ")[2][:20]
    with (tmp_path / "out" / "period_report.csv").open(newline="") as stream:
        assert {row["from_utc"] for row in csv.DictReader(stream)} == {since}
    done = streamproc("once", *FILES, "--out", "out", "--period", "day:2026-11-23")
    assert "told of since" not in done.stdout


@pytest.mark.usefixtures("files")
def test_without_exclusions_and_with_other_rules(
    tmp_path: Path, streamproc: Run
) -> None:
    """--as-polled, --hold and --bridge count here, too."""
    options = ("--period", "day:2026-11-23", "--as-polled", "--hold", "none")
    a, b, c = made(streamproc, tmp_path, *options)
    assert (a["uptime(in hours)"], a["downtime(in hours)"]) == ("7.0000", "1.0000")
    assert (b["excluded(in hours)"], b["uptime(in hours)"]) == ("0.0000", "7.0000")
    assert c["longest_incident(in minutes)"] == "420.00"


def test_a_poll_at_as_of_is_not_known_yet(tmp_path: Path, streamproc: Run) -> None:
    """With backfill it would cover the whole period."""
    lines = ["store_id,timestamp_utc,status", "a,2026-11-23 00:00,active"]
    lines += ["a,2026-11-23 12:00,active", "b,2026-11-23 12:00,active"]
    (tmp_path / "polls.csv").write_text("\n".join(lines) + "\n")
    command = "once --polls polls.csv --out out --period day:2026-11-22 --backfill"
    done = streamproc(*command.split(), "--zone", "UTC")
    assert done.returncode == 1  # before the date of the first poll
    done = streamproc(*command.replace("22", "23").split(), "--zone", "UTC")
    assert done.returncode == 0, done.stderr
    a, b = csv.DictReader((tmp_path / "out/period_report.csv").read_text().splitlines())
    assert (a["uptime(in hours)"], b["uptime(in hours)"]) == ("1.0000", "0.0000")


@pytest.mark.usefixtures("files")
def test_slices_zone_condition_and_groups(tmp_path: Path, streamproc: Run) -> None:
    """Each option does its part; what has no length has no row."""
    options = ("--period", "week:2026-W48", "--by", "day", "--zone", "asia/tokyo")
    rows = made(streamproc, tmp_path, *options, "--where", "region=West")
    assert {row["store_id"] for row in rows} == {"a", "b"}
    assert [row["period"] for row in rows if row["store_id"] == "a"] == [
        *("day:2026-11-23", "day:2026-11-24", "day:2026-11-25"),
    ]
    assert rows[0]["from_utc"] == "2026-11-22T15:00:00Z"
    assert rows[2]["to_utc"] == "2026-11-25T00:00:00Z"  # as of the newest poll
    nobody = streamproc(
        *("once", *FILES, "--out", "nobody"), *options, "--where", "region=west"
    )
    assert nobody.returncode == 1
    assert "no store has 'region=west'" in nobody.stderr
    assert not (tmp_path / "nobody/period_report.csv").exists()
    rows = made(
        *(streamproc, tmp_path, "--period", "day:2026-11-23"),
        *("--group-by", "region"),
    )
    west = rows[1]
    assert [row["region"] for row in rows] == ["", "West"]
    assert (west["stores"], west["stores_observed"]) == ("2", "2")
    assert (west["mean_percent"], west["worst_percent"]) == ("83.33", "66.67")
    assert west["uptime_percent(of observed)"] == "71.43"


@pytest.mark.usefixtures("files")
def test_a_word_names_the_period_as_of_then(tmp_path: Path, streamproc: Run) -> None:
    """And the file says which one it was, since when."""
    options = ("--period", "this-month", "--as-of", "2026-11-24T00:00:00Z")
    rows = made(streamproc, tmp_path, *options)
    assert rows[0]["period"] == "month:2026-11"
    assert rows[0]["from_utc"] == "2026-11-01T00:00:00Z"
    assert rows[0]["to_utc"] == "2026-11-24T00:00:00Z"


@pytest.mark.usefixtures("files")
def test_a_worker_that_knows_the_same_makes_the_same_bytes(
    tmp_path: Path, streamproc: Run, start_worker: Callable[..., WorkerProcess]
) -> None:
    """Of the files once loaded: by store and day, and by the values of a label."""
    streamproc("load", *FILES)
    start_worker("--no-hourly").ready()
    for more in (("--by", "day"), ("--group-by", "region")):
        options = ("--period", "week:2026-W48", "--as-of", "latest", *more)
        made(streamproc, tmp_path, *options)
        alone = (tmp_path / "out" / "period_report.csv").read_bytes()
        done = streamproc("report", *options, "--out", "worker.csv")
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "worker.csv").read_bytes() == alone


@pytest.mark.usefixtures("files")
def test_a_label_that_is_called_like_a_column_has_a_column_of_its_own(
    tmp_path: Path, streamproc: Run
) -> None:
    """Among the columns of stores, and as what the rows are grouped by."""
    (tmp_path / "labels.csv").write_text("store_id,period\na,autumn\nb,autumn\n")
    of_stores = made(streamproc, tmp_path, "--period", "day:2026-11-23")
    grouped = ("--period", "day:2026-11-23", "--group-by", "period")
    of_groups = made(streamproc, tmp_path, *grouped)
    for row in (of_stores[0], of_groups[-1]):
        assert (row["period"], row["label period"]) == ("day:2026-11-23", "autumn")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--period", "month:2026-09"), "nothing of month:2026-09 is kept"),
        (("--period", "month:2027-09"), "it has not begun"),
        (("--period", "fortnight"), "period is 'fortnight', expected"),
        (("--by", "day"), "by goes with a period"),
    ],
)
@pytest.mark.usefixtures("files")
def test_once_says_why_there_is_no_report_of_the_period(
    tmp_path: Path, streamproc: Run, options: tuple[str, ...], said: str
) -> None:
    """Then there is no file at all."""
    done = streamproc("once", *FILES, "--out", "out", *options)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out" / "combined_report.csv").exists()
    assert not (tmp_path / "out" / "period_report.csv").exists()


@pytest.mark.usefixtures("files")
def test_settings_of_periods_come_from_the_environment(
    tmp_path: Path, streamproc: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STREAMPROC_DAY_STARTS and STREAMPROC_BRIDGE."""
    monkeypatch.setenv("STREAMPROC_DAY_STARTS", "12:30")
    rows = made(streamproc, tmp_path, "--period", "day:2026-11-23")
    assert rows[0]["from_utc"] == "2026-11-23T12:30:00Z"
    assert rows[0]["downtime(in hours)"] == "0.5000"
