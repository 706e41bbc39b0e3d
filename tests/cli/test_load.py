"""``streamproc load``: what is published, and what is not and why."""

import asyncio
import csv
import gzip
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from streamproc.cli import main
from streamproc.settings import Settings
from streamproc.topics import topics_for
from streamproc.transport.connect import connect
from tests.imports import command, ran

GOOD = "2023-01-25 10:00:00 UTC"
POLLS = "store_id,status,timestamp_utc\n"
HOURS = "store_id,dayOfWeek,start_time_local,end_time_local\n"
ZONES = "store_id,timezone_str\n"
POLL_7 = b'{"store_id":"7","timestamp_utc":"2023-01-25 10:00:00 UTC","status":"active"}'

Load = Callable[..., Result]
Messages = Callable[[str], list[bytes | None]]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Run ``load`` in the test's directory; files are given by their text."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, stdin: str | None = None, **texts: str) -> Result:
        files: list[str] = []
        for kind, text in texts.items():
            Path(f"{kind}.csv").write_text(text, newline="")
            files += [f"--{kind}", f"{kind}.csv"]
        return CliRunner().invoke(main, ["load", *files, *arguments], input=stdin)

    return run


@pytest.fixture
def messages(make_settings: Callable[..., Settings]) -> Messages:
    """Values of a topic, partition by partition; none when it is not there."""

    async def read(topic: str) -> list[bytes | None]:
        settings = make_settings()
        client = await connect(settings)
        try:
            await client.create_topics(topics_for(settings))
            positions = await client.begin_offsets(getattr(topics_for(settings), topic))
            batches = await client.read(positions, 0)
            return [value for batch in batches for value in batch.values]
        finally:
            await client.close()

    return lambda topic: asyncio.run(read(topic))


def rejects(path: str) -> list[tuple[str, str]]:
    """Line and reason of what was refused."""
    with Path(path).open(newline="") as stream:
        return [(row["line"], row["reason"]) for row in csv.DictReader(stream)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("plain.csv", f"store_id,status,timestamp_utc\n7,active,{GOOD}\n"),
        ("order.csv", f"timestamp_utc,store_id,status\n{GOOD},7,active\n"),
        ("extra.csv", f"x,store_id,y,status,timestamp_utc\n1,7,2,active,{GOOD}\n"),
        ("quoted.csv", f'"store_id","status","timestamp_utc"\n"7","active","{GOOD}"\n'),
        ("bom.csv", f"\ufeffstore_id,status,timestamp_utc\r\n7,active,{GOOD}\r\n"),
        ("spaces.csv", f"store_id, status, timestamp_utc\n7 , active , {GOOD}\n\n"),
        ("case.csv", f"Store ID,STATUS,TimestampUTC\n7,Active,{GOOD}\n"),
        ("zone.csv", "store_id,status,timestamp_utc\n7,active,2023-01-25 10:00\n"),
        ("semicolons.csv", f"store_id;status;timestamp_utc\n7;active;{GOOD}\n"),
        ("tabs.csv", f"store_id\tstatus\ttimestamp_utc\n7\tactive\t{GOOD}\n"),
        ("sep.csv", f"sep=|\nstore_id|status|timestamp_utc\n7|active|{GOOD}\n"),
        ("packed.csv.gz", f"store_id,status,timestamp_utc\n7,active,{GOOD}\n"),
        ("utf16.csv", f"store_id,status,timestamp_utc\n7,active,{GOOD}\n"),
    ],
)
def test_every_form_of_poll_file_is_read(
    name: str, content: str, load: Load, messages: Messages
) -> None:
    """Column order, quotes, BOM, line ends, separators, gzip: the same poll."""
    raw = content.encode("utf-16" if name.startswith("utf16") else "utf-8")
    Path(name).write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
    done = load("--polls", name)
    assert (done.exit_code, done.stdout.splitlines()[0]) == (
        0,
        "loaded 1 poll",
    )
    assert messages("polls") == [POLL_7]


@pytest.mark.parametrize("path", ["-", "/dev/stdin"])
def test_a_file_may_come_from_standard_input(path: str, tmp_path: Path) -> None:
    """Of which nobody knows the size beforehand."""
    done = subprocess.run(
        [sys.executable, "-m", "streamproc", "load", "--dry-run", "--polls", path],
        input=f"{POLLS}7,active,{GOOD}\n".encode(),
        cwd=tmp_path,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.stdout.startswith(b"would load 1 poll")
    assert done.returncode == 0


def test_a_file_s_own_words_are_told(load: Load, messages: Messages) -> None:
    """Its columns with --map, its statuses with --status."""
    done = load(
        *("--map", "store_id=shop,timestamp_utc=Time Stamp"),
        *("--status", "up=active,Down=inactive"),
        polls=f"shop;status;time_stamp\n7;UP;{GOOD}\n",
    )
    assert (done.exit_code, messages("polls")) == (0, [POLL_7])


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--map", "store_id"), "is not of the form A=B"),
        (("--map", "shop=id"), "'shop' is no column; there are: store_id"),
        (("--status", "up=open"), "'open' is neither active nor inactive"),
        (("--weekdays", "2-8"), "1-7"),
        (("--max-refused", "2"), "range"),
        (("--polls", "-", "--hours", "-"), "only one file can come from standard"),
        ((), "give at least one of --polls, --hours, --zones"),
    ],
)
def test_an_option_that_cannot_be_is_a_usage_error(
    option: tuple[str, ...], said: str, load: Load
) -> None:
    """Exit 2, and what can be."""
    done = load(*option)
    assert done.exit_code == 2
    assert said in done.stderr


REFUSED = [
    ("1.48E+18", "active", GOOD, "mangled-id"),
    ("1.48e+18", "active", GOOD, "mangled-id"),
    ("", "active", GOOD, "missing-store-id"),
    ("7", "up", GOOD, "unknown-status"),
    ("7", "active", "yesterday", "bad-timestamp"),
    ("7", "active", "2023-02-29 10:00:00 UTC", "bad-timestamp"),
    ("7", "active", "2999-01-01 10:00:00 UTC", "in-the-future"),
    ("7", "", "", "unknown-status"),
]


def test_refused_rows_are_kept_with_line_and_reason(load: Load) -> None:
    """The good rows are loaded, the summary counts the others by reason."""
    rows = "".join(f"{i},{s},{t}\n8,active,{GOOD}\n" for i, s, t, _ in REFUSED)
    done = load(polls=POLLS + rows)
    assert done.exit_code == 0
    assert done.stdout.startswith(f"loaded {len(REFUSED)} polls")
    assert "refused 2 rows: mangled-id" in done.stdout
    assert "refused 1 row: in-the-future" in done.stdout
    assert rejects("polls.csv.rejects.csv") == [
        (str(2 + 2 * at), reason) for at, (*_, reason) in enumerate(REFUSED)
    ]


def test_a_clean_run_removes_the_rejects_of_an_earlier_one(load: Load) -> None:
    """Nobody takes them for today's."""
    load(polls=f"{POLLS}7,active,{GOOD}\n7,active,never\n")
    assert Path("polls.csv.rejects.csv").exists()
    load(polls=f"{POLLS}7,active,{GOOD}\n")
    assert not Path("polls.csv.rejects.csv").exists()


def test_strict_stops_at_the_first_refused_row(load: Load, messages: Messages) -> None:
    """Non-zero exit that names file, line and field; nothing is published."""
    done = load("--strict", polls=f"{POLLS}7,active,{GOOD}\n7,up,{GOOD}\n")
    assert done.exit_code == 1
    assert done.stderr.splitlines()[-1] == (
        "streamproc: polls.csv, line 3: status is 'up', expected active or inactive."
        " Nothing was published"
    )
    assert messages("polls") == []


@pytest.mark.parametrize(
    ("good", "bad", "code"),
    [(1, 1, 0), (1, 2, 1), (0, 2, 1), (2, 1, 0), (0, 0, 0)],
)
def test_half_of_the_polls_may_be_refused_by_default(
    good: int, bad: int, code: int, load: Load, messages: Messages
) -> None:
    """More are no observation; the first is named, and nothing is published."""
    rows = [f"7,active,{GOOD}"] * good + ["7,active,25/01/2023 10:00"] * bad
    done = load(polls=POLLS + "".join(row + "\n" for row in rows))
    assert done.exit_code == code
    assert len(messages("polls")) == (good if code == 0 else 0)
    if code:
        assert f"line {2 + good}: timestamp_utc is '25/01/2023 10:00'" in done.stderr
        assert "--max-refused" in done.stderr


def test_the_share_that_may_be_refused_is_an_option(load: Load) -> None:
    """None readable is an error whatever it says."""
    three = f"{POLLS}7,active,{GOOD}\n7,active,x\n7,active,y\n"
    assert load("--max-refused", "0.7", polls=three).exit_code == 0
    assert load("--max-refused", "0.6", polls=three).exit_code == 1
    assert load("--max-refused", "1", polls=f"{POLLS}7,active,x\n").exit_code == 1


@pytest.mark.parametrize("column", ["day", "dayOfWeek"])
def test_a_store_s_hours_become_one_message(
    column: str, load: Load, messages: Messages
) -> None:
    """The whole week of a store together."""
    done = load(
        hours=f"store_id,{column},start_time_local,end_time_local\n"
        "7,0,09:00:00,17:00:00\n7,Wed,10:00,12:00\n"
    )
    assert "hours of 1 store" in done.stdout
    assert messages("hours") == [
        b'{"store_id":"7","hours":['
        b'{"dayOfWeek":0,"start_time_local":"09:00:00","end_time_local":"17:00:00"},'
        b'{"dayOfWeek":2,"start_time_local":"10:00","end_time_local":"12:00"}]}'
    ]


BROKEN = {
    "hours": f"{HOURS}7,0,09:00,17:00\n7,1,09:00,tea time\n8,0,09:00,17:00\n",
    "zones": f"{ZONES}7,UTC\n8,Mars/Base\n9,UTC\n",
    "polls": f"{POLLS}7,active,{GOOD}\n8,active,{GOOD}\n9,active,{GOOD}\n",
}


def test_hours_and_zones_that_cannot_be_read_publish_nothing(
    load: Load, messages: Messages
) -> None:
    """How many stores, where, and what lets it go on; of all files nothing is told."""
    done = load(**BROKEN)
    assert done.exit_code == 1
    last = done.stderr.splitlines()[-1]
    assert "1 row of 1 store refused in hours.csv, line 3: end_time_local" in last
    assert "1 row of 1 store refused in zones.csv, line 3: timezone_str" in last
    assert "--skip-refused leaves those stores' hours and zones as they were" in last
    assert [messages(topic) for topic in ("polls", "hours", "zones")] == [[], [], []]
    assert rejects("hours.csv.rejects.csv") == [("3", "bad-time")]
    assert rejects("zones.csv.rejects.csv") == [("3", "unknown-zone")]


def test_skip_refused_leaves_what_those_stores_had(
    load: Load, messages: Messages
) -> None:
    """The other stores, and all polls, are published."""
    done = load("--skip-refused", **BROKEN)
    assert done.exit_code == 0
    assert [value and value[:15] for value in messages("hours")] == [b'{"store_id":"8"']
    assert sorted(value or b"" for value in messages("zones")) == [
        b'{"store_id":"7","timezone_str":"UTC"}',
        b'{"store_id":"9","timezone_str":"UTC"}',
    ]
    assert len(messages("polls")) == 3


def test_weekdays_that_begin_with_one_are_refused_or_told(
    load: Load, messages: Messages
) -> None:
    """A 7 without a 0 disproves the reading of all the others."""
    hours = HOURS + "".join(f"7,{day},09:00,17:00\n" for day in range(1, 8))
    done = load(hours=hours)
    assert (done.exit_code, messages("hours")) == (1, [])
    assert "line 8: dayOfWeek is 7" in done.stderr
    assert "--weekdays 1-7" in done.stderr
    assert load("--weekdays", "1-7", hours=hours).exit_code == 0
    (value,) = messages("hours")
    assert b'{"dayOfWeek":0,' in (value or b"")
    assert b'{"dayOfWeek":6,' in (value or b"")


def test_keys_that_do_not_join_are_refused(load: Load, messages: Messages) -> None:
    """With examples of both sides; --force publishes them all the same."""
    texts = {
        "polls": POLLS + "".join(f"a{n},active,{GOOD}\n" for n in range(5)),
        "hours": HOURS + "".join(f"b{n},0,09:00,17:00\n" for n in range(5)),
    }
    done = load(**texts)
    assert (done.exit_code, messages("polls")) == (1, [])
    assert "hours of 5 stores: 0 of them have polls" in done.stderr
    assert "only in the hours: b0, b1, b2; only in the polls: a0, a1, a2" in done.stderr
    done = load("--force", **texts)
    assert (done.exit_code, len(messages("polls"))) == (0, 5)
    assert "hours of 5 stores: 0 of them have polls" in done.stdout
    assert "warning: hours of 5 stores" in done.stderr


def test_ids_that_a_spreadsheet_has_cut_are_refused(load: Load) -> None:
    """In whichever file they are."""
    cut = "".join(f"1481966498820{n:02d}0000,UTC\n" for n in range(9))
    done = load(zones=ZONES + cut)
    assert done.exit_code == 1
    assert "zones.csv: mangled-id: 9 of 9 ids" in done.stderr
    assert load("--force", zones=ZONES + cut).exit_code == 0


def test_two_zones_for_a_store_are_said(load: Load, messages: Messages) -> None:
    """The last line counts."""
    done = load(zones=f"{ZONES}7,UTC\n7,Asia/Beirut\n")
    assert "warning: zones.csv: two zones for one store" in done.stderr
    assert messages("zones") == [b'{"store_id":"7","timezone_str":"Asia/Beirut"}']


def test_a_dry_run_publishes_nothing(load: Load) -> None:
    """It reads and judges, and makes no data directory."""
    done = load("--dry-run", **{**BROKEN, "hours": f"{HOURS}7,0,09:00,17:00\n"})
    assert done.exit_code == 1
    done = load(
        "--dry-run",
        polls=f"{POLLS}7,active,{GOOD}\n",
        hours=f"{HOURS}7,0,09:00,17:00\n",
    )
    assert done.stdout.splitlines() == [
        "would load 1 poll, hours of 1 store",
        "hours of 1 store: 1 of them has polls",
    ]
    assert not Path("data").exists()


def test_polls_are_published_in_the_order_of_their_times(
    load: Load, messages: Messages
) -> None:
    """Whatever order the file has."""
    rows = [f"7,active,2023-01-25 {h:02d}:00:00 UTC\n" for h in (5, 1, 9, 3)]
    load(polls=POLLS + "".join(rows))
    values = messages("polls")
    assert values == sorted(values)  # type: ignore[type-var]
    assert len(values) == 4


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"id,status,timestamp_utc\n", "no column store_id; there are: id, status"),
        (f"7,active,{GOOD}\n".encode(), "line 1: no header but '7,active,2023-01-25"),
        (b"store_id,status,timestamp_utc\n7,a,b\n\xff,a,b\n", "line 3: not UTF-8"),
    ],
)
def test_a_file_that_is_no_poll_file_is_an_error(
    content: bytes, said: str, load: Load
) -> None:
    """One line that names the file, exit 1."""
    Path("polls.csv").write_bytes(content)
    done = load("--polls", "polls.csv")
    assert done.exit_code == 1
    last = done.stderr.splitlines()[-1]
    assert said in last
    assert "polls.csv" in last


def test_a_missing_file_is_an_error(load: Load) -> None:
    """Which names it."""
    done = load("--polls", "missing.csv")
    assert done.exit_code == 1
    assert done.stderr.splitlines()[-1] == (
        "streamproc: missing.csv: No such file or directory"
    )


def test_load_into_the_embedded_log_loads_neither_faust_nor_another_broker(
    tmp_path: Path,
) -> None:
    """It only appends: a third of a second goes into what it never calls."""
    (tmp_path / "polls.csv").write_text(f"{POLLS}7,active,{GOOD}\nx,,{GOOD}\n")
    (tmp_path / "zones.csv").write_text(f"{ZONES}7,UTC\n")
    files = ["--polls=polls.csv", "--zones=zones.csv", "--data-dir=data"]
    unused = {"faust", "mode", "aiokafka", "rocksdict", "aiohttp"}
    done = ran(command("load", *files), unused, tmp_path)
    assert done.loaded == set()
    assert "loaded 1 poll" in done.said
