"""``streamproc load``: every form of file, and what is refused."""

import csv
import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from streamproc.settings import Settings
from streamproc.topics import topics_for
from streamproc.transport.connect import connect
from tests.conftest import Run

GOOD = "2023-01-25 10:00:00 UTC"


async def messages(settings: Settings, topic: str) -> list[bytes | None]:
    """Values of a topic, partition by partition."""
    client = await connect(settings)
    try:
        positions = await client.begin_offsets(getattr(topics_for(settings), topic))
        batches = await client.read(positions, 0)
        return [value for batch in batches for value in batch.values]
    finally:
        await client.close()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("plain.csv", f"store_id,status,timestamp_utc\n7,active,{GOOD}\n"),
        ("order.csv", f"timestamp_utc,store_id,status\n{GOOD},7,active\n"),
        ("extra.csv", f"x,store_id,y,status,timestamp_utc\n1,7,2,active,{GOOD}\n"),
        ("quoted.csv", f'"store_id","status","timestamp_utc"\n"7","active","{GOOD}"\n'),
        ("bom.csv", f"\ufeffstore_id,status,timestamp_utc\r\n7,active,{GOOD}\r\n"),
        ("spaces.csv", f"store_id, status, timestamp_utc\n7 , active , {GOOD}\n\n"),
        ("packed.csv.gz", f"store_id,status,timestamp_utc\n7,active,{GOOD}\n"),
    ],
)
async def test_every_form_of_poll_file_is_read(
    name: str,
    content: str,
    tmp_path: Path,
    streamproc: Run,
    make_settings: Callable[..., Settings],
) -> None:
    """Column order, quotes, BOM, line ends, gzip: the same poll."""
    raw = content.encode()
    (tmp_path / name).write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
    done = streamproc("load", "--polls", name)
    assert (done.returncode, done.stdout.splitlines()[0]) == (
        0,
        "loaded 1 polls, hours of 0 stores, zones of 0 stores",
    )
    assert await messages(make_settings(), "polls") == [
        b'{"store_id":"7","timestamp_utc":"2023-01-25 10:00:00 UTC","status":"active"}'
    ]


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


def test_refused_rows_are_kept_with_line_and_reason(
    tmp_path: Path, streamproc: Run
) -> None:
    """The good rows are loaded, the summary counts the others by reason."""
    rows = "".join(f"{i},{s},{t}\n8,active,{GOOD}\n" for i, s, t, _ in REFUSED)
    (tmp_path / "polls.csv").write_text("store_id,status,timestamp_utc\n" + rows)
    done = streamproc("load", "--polls", "polls.csv")
    assert done.returncode == 0
    assert done.stdout.startswith(f"loaded {len(REFUSED)} polls")
    assert "refused 2 rows: mangled-id" in done.stdout
    with (tmp_path / "polls.csv.rejects.csv").open(newline="") as stream:
        rejects = list(csv.DictReader(stream))
    assert [(r["line"], r["reason"]) for r in rejects] == [
        (str(2 + 2 * at), reason) for at, (*_, reason) in enumerate(REFUSED)
    ]


def test_strict_stops_at_the_first_refused_row(tmp_path: Path, streamproc: Run) -> None:
    """Non-zero exit that names file, line and field; nothing is published."""
    (tmp_path / "polls.csv").write_text(
        f"store_id,status,timestamp_utc\n7,active,{GOOD}\n7,up,{GOOD}\n"
    )
    done = streamproc("load", "--strict", "--polls", "polls.csv")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "streamproc: polls.csv, line 3: status is 'up', expected active or inactive"
    )


@pytest.mark.parametrize("column", ["day", "dayOfWeek"])
async def test_a_store_s_hours_become_one_message(
    column: str,
    tmp_path: Path,
    streamproc: Run,
    make_settings: Callable[..., Settings],
) -> None:
    """The whole week of a store together; bad rows are refused one by one."""
    (tmp_path / "hours.csv").write_text(
        f"store_id,{column},start_time_local,end_time_local\n"
        "7,0,09:00:00,17:00:00\n7,9,09:00:00,17:00:00\n7,1,9ish,17:00:00\n"
        "7,2,10:00,12:00\n"
    )
    done = streamproc("load", "--hours", "hours.csv")
    assert "hours of 1 stores" in done.stdout
    assert "refused 1 rows: bad-weekday" in done.stdout
    assert "refused 1 rows: bad-time" in done.stdout
    (value,) = await messages(make_settings(), "hours")
    assert value == (
        b'{"store_id":"7","hours":['
        b'{"dayOfWeek":0,"start_time_local":"09:00:00","end_time_local":"17:00:00"},'
        b'{"dayOfWeek":2,"start_time_local":"10:00","end_time_local":"12:00"}]}'
    )


async def test_zones_are_checked_and_the_last_one_counts(
    tmp_path: Path, streamproc: Run, make_settings: Callable[..., Settings]
) -> None:
    """An unknown zone name is refused."""
    (tmp_path / "zones.csv").write_text(
        "store_id,timezone_str\n7,UTC\n8,Mars/Base\n7,Asia/Beirut\n"
    )
    done = streamproc("load", "--zones", "zones.csv")
    assert "refused 1 rows: unknown-zone" in done.stdout
    assert await messages(make_settings(), "zones") == [
        b'{"store_id":"7","timezone_str":"Asia/Beirut"}'
    ]


async def test_polls_are_published_in_the_order_of_their_times(
    tmp_path: Path, streamproc: Run, make_settings: Callable[..., Settings]
) -> None:
    """Whatever order the file has."""
    rows = [f"7,active,2023-01-25 {h:02d}:00:00 UTC\n" for h in (5, 1, 9, 3)]
    (tmp_path / "polls.csv").write_text(
        "store_id,status,timestamp_utc\n" + "".join(rows)
    )
    streamproc("load", "--polls", "polls.csv")
    values = await messages(make_settings(), "polls")
    assert values == sorted(values)  # type: ignore[type-var]
    assert len(values) == 4


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no column store_id; there are: none"),
        (b"id,status,timestamp_utc\n", "no column store_id; there are: id, status"),
        (b"store_id,status,timestamp_utc\n\xff\xfe,a,b\n", "not UTF-8"),
    ],
)
def test_a_file_that_is_no_poll_file_is_an_error(
    content: bytes, said: str, tmp_path: Path, streamproc: Run
) -> None:
    """One line that names the file, exit 1."""
    (tmp_path / "polls.csv").write_bytes(content)
    done = streamproc("load", "--polls", "polls.csv")
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert said in last
    assert "polls.csv" in last


@pytest.mark.parametrize("name", ["missing.csv", "cut.csv.gz", "text.csv.gz"])
def test_an_unreadable_file_is_an_error(
    name: str, tmp_path: Path, streamproc: Run
) -> None:
    """Missing, cut off in the middle, or not gzip at all."""
    packed = gzip.compress(b"store_id,status,timestamp_utc\n" + b"7,active,x\n" * 9_999)
    (tmp_path / "cut.csv.gz").write_bytes(packed[: len(packed) // 2])
    (tmp_path / "text.csv.gz").write_bytes(b"store_id,status\n")
    done = streamproc("load", "--polls", name)
    assert done.returncode == 1
    assert name in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_load_without_files_says_what_it_takes(streamproc: Run) -> None:
    """A usage error, exit 2."""
    done = streamproc("load")
    assert done.returncode == 2
    assert "--polls" in done.stderr
