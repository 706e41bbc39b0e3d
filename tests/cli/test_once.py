"""``streamproc once``: files in, a right report out, or none at all."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from streamproc.cli import main
from streamproc.cli import once as once_command
from tests.conftest import Run
from tests.imports import command, ran

POLLS = "store_id,status,timestamp_utc\n"
HOURS = "store_id,dayOfWeek,start_time_local,end_time_local\n"
ZONES = "store_id,timezone_str\n"
GOOD = "2023-01-25 10:00:00 UTC"
WEEK = range(7)

Once = Callable[..., Result]


@pytest.fixture
def once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Once:
    """Run ``once`` in the test's directory; files are given by their text."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, **texts: str) -> Result:
        files = ["--out", "out"]
        for kind, text in texts.items():
            Path(f"{kind}.csv").write_text(text)
            files += [f"--{kind}", f"{kind}.csv"]
        return CliRunner().invoke(main, ["once", *files, *arguments])

    return run


def hourly(store_id: str, day: str, hours: range, sep: str = ",") -> str:
    """Active polls at every full hour."""
    return "".join(f"{store_id}{sep}{day} {h:02d}:00{sep}Active\n" for h in hours)


def rows_of(path: Path) -> dict[str, list[float]]:
    """A report's six figures by store."""
    with path.open(newline="") as stream:
        rows = list(csv.reader(stream))[1:]
    return {row[0]: list(map(float, row[1:])) for row in rows}


def test_once_understands_what_people_write(tmp_path: Path, streamproc: Run) -> None:
    """One run over a file of each kind; the figures say how it was understood."""
    (tmp_path / "polls.csv").write_text(
        "sep=;\nStore ID;Timestamp_UTC;STATUS\n"
        + hourly("ampm", "2023-01-25", range(24), ";")
        + hourly("ny", "2023-01-25", range(14, 17), ";")
        + hourly("some-days", "2023-01-25", range(24), ";")
        + hourly("never", "2023-01-25", range(24), ";")
        + hourly("73928e03", "2023-01-25", range(23, 24), ";")
        + "12e3;2023-01-25T23:30:00.5;active\n"
        + '"stray;2023-01-25 23:00;active\n'
        + "down;2023-01-25 23:15:00 +0000 UTC; INACTIVE \n"
    )
    (tmp_path / "hours.csv").write_text(
        "store_id,day_of_week,start_time_local,end_time_local\n"
        + "".join(f"ampm,{day},9:00:00 AM,5:00:00 PM\n" for day in WEEK)
        + "".join(f"ny,{day},9.00,12.00\n" for day in WEEK)
        + "some-days,Monday,09:00,17:00\nsome-days,Wed,09:00,17:00\n"
        + "some-days,3.0,closed,closed\n"
        + "".join(f"never,{day},,\n" for day in WEEK)
    )
    (tmp_path / "zones.csv").write_text(
        "STORE_ID|Timezone_Str\nampm|utc\nny|America/New York\nsome-days|UTC\nnever|\n"
    )
    done = streamproc(
        *("once", "--polls", "polls.csv", "--hours", "hours.csv"),
        *("--zones", "zones.csv", "--out", "out", "--as-of", "2023-01-26"),
    )
    assert done.returncode == 0, done.stderr
    assert "refused 1 row: bad-csv" in done.stdout
    found = rows_of(tmp_path / "out" / "combined_report.csv")
    assert {i: found[i] for i in ("ampm", "some-days", "ny", "never", "down")} == {
        "ampm": [0, 8, 8, 0, 0, 0],
        "some-days": [0, 8, 8, 0, 0, 0],
        "ny": [0, 3, 3, 0, 0, 0],
        "never": [0, 0, 0, 0, 0, 0],
        "down": [0, 0, 0, 45, 0.75, 0.75],
    }
    assert found["73928e03"] == [60, 1, 1, 0, 0, 0]
    assert found["12e3"] == [29.99, 0.5, 0.5, 0, 0, 0]
    assert "stray" not in found


BROKEN = {
    "hours": f"{HOURS}7,0,09:00,17:00\n7,1,10:00,tea time\n8,0,09:00,17:00\n",
    "polls": f"{POLLS}7,active,{GOOD}\n8,active,{GOOD}\n",
}


@pytest.mark.parametrize(
    ("texts", "options", "said"),
    [
        (BROKEN, (), "line 3: end_time_local is 'tea time'"),
        (BROKEN, (), "--skip-refused leaves those stores out of the report"),
        (
            {**BROKEN, "hours": HOURS, "zones": f"{ZONES}7,America/New Yrok\n"},
            (),
            "did you mean America/New_York?",
        ),
        ({"polls": f"{POLLS}7,active,25/01/2023 12:00\n"}, (), "line 2: timestamp_utc"),
        ({"polls": POLLS}, (), "no polls, so nothing to report"),
        ({"polls": f"7,active,{GOOD}\n"}, (), "no header but"),
        ({"polls": f"{POLLS}7,active,{GOOD}\n"}, ("--as-of", "yesterday"), "as_of is"),
        ({"polls": f"{POLLS}7,active,{GOOD}\n"}, ("--as-of", "2999-01-01"), "as_of is"),
    ],
)
def test_once_makes_no_report_that_would_be_wrong(
    texts: dict[str, str], options: tuple[str, ...], said: str, once: Once
) -> None:
    """Exit 1, a sentence that helps, and no combined_report.csv."""
    done = once(*options, **texts)
    assert done.exit_code == 1
    assert said in done.stderr
    assert not Path("out/combined_report.csv").exists()


def test_a_file_of_weeks_can_be_asked_about_its_first(
    tmp_path: Path, streamproc: Run
) -> None:
    """Also beside a clock that is two years ahead, whose store has a row of zeros."""
    days = [f"2023-01-{day:02d}" for day in range(1, 29)]
    (tmp_path / "polls.csv").write_text(
        "store_id,timestamp_utc,status\n"
        + "".join(hourly("a", day, range(24)) for day in days)
        + "ahead,2025-06-01 00:00,active\n"
    )
    done = streamproc(
        *("once", "--polls", "polls.csv", "--out", "out", "--as-of", "2023-01-10")
    )
    assert done.returncode == 0, done.stderr
    assert rows_of(tmp_path / "out" / "combined_report.csv") == {
        "a": [60, 24, 168, 0, 0, 0],
        "ahead": [0, 0, 0, 0, 0, 0],
    }


def test_once_that_fails_says_that_the_report_is_an_earlier_one(once: Once) -> None:
    """It stays, as it was right then; a script that looks for the file is warned."""
    assert once(polls=f"{POLLS}7,active,{GOOD}\n").exit_code == 0
    before = Path("out/combined_report.csv").read_bytes()
    done = once(polls=f"{POLLS}7,active,25/01/2023 12:00\n")
    assert done.exit_code == 1
    told = "out/combined_report.csv is still that of an earlier run"
    assert told in done.stderr
    assert Path("out/combined_report.csv").read_bytes() == before
    assert list(Path("out").iterdir()) == [Path("out/combined_report.csv")]
    done = once("--out", "elsewhere", polls=f"{POLLS}7,active,25/01/2023 12:00\n")
    assert told not in done.stderr


def test_a_disk_that_is_full_is_told_beside_the_earlier_report(
    once: Once, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever keeps the new report from its place, the old one is named."""
    assert once(polls=f"{POLLS}7,active,{GOOD}\n").exit_code == 0

    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device", "out/combined_report.csv")

    monkeypatch.setattr(once_command, "write_csv", full_disk)
    done = once(polls=f"{POLLS}7,active,{GOOD}\n")
    assert done.exit_code == 1
    assert "is still that of an earlier run" in done.stderr


def test_once_leaves_no_file_when_one_cannot_be_written(
    once: Once, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two reports or none: a disk that fills up with the second leaves neither."""

    written: list[object] = []

    def full_disk(*arguments: object) -> None:
        written.append(arguments)
        if len(written) == 2:
            raise OSError(28, "No space left on device", "out/full_report.csv")

    monkeypatch.setattr(once_command, "write_csv", full_disk)
    done = once("--full", polls=f"{POLLS}7,active,{GOOD}\n")
    assert (done.exit_code, done.stderr.splitlines()[-1]) == (
        1,
        "streamproc: out/full_report.csv: No space left on device",
    )
    assert not list(Path("out").iterdir())


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--as-of", "yesterday"), 1),
        (("--period", "octember"), 1),
        (("--period", "today", "--zone", "Factory"), 1),
        (("--period", "today", "--where", "West"), 1),
        (("--hold", "long"), 1),
        (("--day-starts", "25:00"), 1),
        (("--period", "today", "--by", "hour"), 2),
        (("--weekdays", "3"), 2),
        (("--max-refused", "2"), 2),
        (("--status", "up=on"), 2),
        (("--nope",), 2),
    ],
)
def test_the_exit_code_is_that_of_the_table(
    once: Once, options: tuple[str, ...], code: int
) -> None:
    """1: one line that says what cannot be. 2: no such option, or none of its choices.

    There is no report in either case.
    """
    done = once(*options, polls=f"{POLLS}7,active,{GOOD}\n")
    assert done.exit_code == code, done.stderr
    if code == 1:
        assert len(done.stderr.splitlines()) == 1
    assert not Path("out/combined_report.csv").exists()


def test_once_needs_polls(once: Once) -> None:
    """A usage error."""
    done = once(hours=HOURS)
    assert done.exit_code == 2
    assert "--polls" in done.stderr


def test_a_dry_run_of_once_makes_no_report(once: Once) -> None:
    """It says what would be loaded."""
    done = once("--dry-run", polls=f"{POLLS}7,active,{GOOD}\n")
    assert (done.exit_code, done.stdout.splitlines()[0]) == (
        0,
        "would load 1 poll",
    )
    assert not Path("out").exists()


def test_skip_refused_leaves_those_stores_out_of_the_report(
    tmp_path: Path, streamproc: Run
) -> None:
    """And says so; the other rows are there."""
    for kind, text in BROKEN.items():
        (tmp_path / f"{kind}.csv").write_text(text)
    done = streamproc(
        *("once", "--skip-refused", "--polls", "polls.csv", "--hours", "hours.csv"),
        *("--out", "out"),
    )
    assert done.returncode == 0, done.stderr
    assert "1 store left out of the report, as their hours or zone" in done.stderr
    assert list(rows_of(tmp_path / "out" / "combined_report.csv")) == ["8"]


def test_the_readme_shows_a_refusal_as_it_is(once: Once) -> None:
    """Word for word, but for where its lines end."""
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    hours = f"{HOURS}7,2,9:00 AM,5:00 PM\n7,3,9:00 AM,tea time\n8,2,00:00,23:59\n"
    done = once(polls=f"{POLLS}7,active,{GOOD}\n8,active,{GOOD}\n", hours=hours)
    shown = " ".join(readme.split())
    for line in done.stderr.splitlines()[-3:]:
        assert " ".join(line.split()) in shown


WIRED = ("faust", "mode", "aiokafka", "rocksdict", "aiohttp", "asyncio", "sqlite3")


@pytest.mark.parametrize(
    "options", [(), ("--period", "month:2023-01", "--as-of=2023-01-26")]
)
def test_once_loads_neither_faust_nor_a_broker_nor_a_database(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    """Half a second of a run of three went into libraries that it never calls."""
    (tmp_path / "polls.csv").write_text(POLLS + f"a,active,{GOOD}\n")
    (tmp_path / "hours.csv").write_text(HOURS + "a,0,09:00,17:00\n")
    (tmp_path / "zones.csv").write_text(ZONES + "a,UTC\n")
    files = [f"--{kind}={kind}.csv" for kind in ("polls", "hours", "zones")]
    script = command("once", *files, "--out=out", *options)
    assert ran(script, WIRED, tmp_path).loaded == set()
    assert (tmp_path / "out" / "combined_report.csv").exists()


def test_polls_may_be_in_several_files_in_any_order(once: Once, tmp_path: Path) -> None:
    """The same report as of one file, also where files overlap."""
    header = "store_id,timestamp_utc,status\n"
    days = [header + hourly("s", f"2023-01-{day}", range(24)) for day in (23, 24, 25)]
    for number, text in enumerate(days):
        (tmp_path / f"{number}.csv").write_text(text)
    report = tmp_path / "out" / "combined_report.csv"
    whole = header + "".join(text.removeprefix(header) for text in days)
    assert once(polls=whole).exit_code == 0
    expected = report.read_bytes()
    for order in ("012", "201", "2100"):
        report.unlink()
        more = [part for number in order for part in ("--polls", f"{number}.csv")]
        done = once(*more)
        assert done.exit_code == 0, done.output
        assert report.read_bytes() == expected


def test_of_several_files_each_is_judged_by_itself(once: Once, tmp_path: Path) -> None:
    """A month in another form is not outvoted by those that can be read."""
    (tmp_path / "dates.csv").write_text(POLLS + "s,active,25/01/2023 10:00\n")
    good = "store_id,timestamp_utc,status\n" + hourly("s", "2023-01-25", range(24))
    done = once("--polls", "dates.csv", polls=good)
    assert done.exit_code == 1
    assert "1 of 1 row refused in dates.csv, line 2" in done.output
    assert not (tmp_path / "out" / "combined_report.csv").exists()
