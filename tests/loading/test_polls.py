"""Files of polls: two tiers that say the same, over whatever bytes a file holds."""

import csv
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from streamproc.errors import InvalidInput
from streamproc.loading import polls as polls_module
from streamproc.loading.header import Header
from streamproc.loading.polls import PollFile, RowCounts, usual_of
from streamproc.loading.refused import Refused
from streamproc.loading.rows import Row, lines_of, rows_of
from streamproc.loading.source import Block
from streamproc.rules.poll import (
    MAX_FUTURE_US,
    STATUS,
    Poll,
    encode_poll,
    parse_poll,
    poll_of,
)
from streamproc.rules.schedule import DAY_US
from streamproc.transport.partitioner import partition_for
from tests.rules.test_poll import BAD_STAMPS, NOW_US, STAMPS, STORE_IDS
from tests.rules.test_reference import utc

HEADER = "store_id,status,timestamp_utc\n"
GOOD = "2023-01-25 10:00:00 UTC"
COLUMNS = Header(",", ("store_id", "status", "timestamp_utc"), (0, 1, 2), 0)
FEWER = Header(",", ("store_id", "note", "status"), (2, -1, 0), 0)
WIDE = Header(";", ("note", "timestamp_utc", "store_id", "status"), (2, 3, 1), 0)


def read(path: Path, **options: object) -> tuple[PollFile, list[Refused]]:
    """A file of polls, and what of it was refused."""
    refused: list[Refused] = []
    file = PollFile(path, **options)  # type: ignore[arg-type]
    file.read(NOW_US, lambda count: None, refused.append)
    return file, refused


def polls_of(file: PollFile, partitions: int = 4) -> list[Poll]:
    """Every poll of a file, as its messages say it."""
    found = []
    for some in file.messages(1_000, partitions):
        columns = (some.keys, some.values, some.partitions)
        for key, value, partition in zip(*columns, strict=True):
            poll = parse_poll(value, NOW_US)
            assert key == poll.store_id.encode()
            assert value == encode_poll(poll)
            assert partition == partition_for(key, partitions)
            found.append(poll)
    return found


def rows_by_csv(block: Block, header: Header) -> list[Row]:
    """Every row of a block, read by the csv module."""
    lines = lines_of(block)
    rows = (lines.row(at, header) for at in range(len(lines.starts)))
    return [row for row in rows if row is not None]


def one_by_one(
    block: Block, header: Header
) -> tuple[list[Poll], list[tuple[int, str]]]:
    """What the rules say of each row of a block, read by the csv module."""
    accepted, refused = [], []
    for row in rows_by_csv(block, header):
        try:
            if isinstance(row.cells, InvalidInput):
                raise row.cells
            store_id, status, stamp = row.cells
            poll = poll_of(store_id, status, stamp, NOW_US)
        except InvalidInput as exc:
            refused.append((row.line, exc.reason))
        else:
            accepted.append(poll)
    return accepted, refused


stamps = st.sampled_from([stamp for stamp, _ in STAMPS] + BAD_STAMPS[:60] + [GOOD] * 9)
ids = st.one_of(
    st.text("0123456789eE+., ", max_size=9),
    st.sampled_from([i for i, _ in STORE_IDS if isinstance(i, str) and len(i) < 200]),
    st.text(max_size=4),
)
statuses = st.sampled_from(["active", "inactive", "Active", " active ", "", "up", "é"])
cells = st.one_of(ids, statuses, stamps, st.text('",;\t\r\0 é"', max_size=4))
marks = st.sampled_from(["", "", "", '"', " ", '""', "\t"])
lines = st.one_of(
    st.tuples(ids, statuses, stamps),
    st.lists(st.builds(lambda a, c, b: a + c + b, marks, cells, marks), max_size=5),
    st.tuples(ids, statuses, stamps).map(lambda row: [f'"{cell}"' for cell in row]),
)
texts = st.lists(lines, max_size=12)


@settings(deadline=None, max_examples=600, suppress_health_check=[HealthCheck.too_slow])
@given(
    rows=texts,
    end=st.sampled_from(["\n", "\r\n"]),
    header=st.sampled_from([COLUMNS, WIDE]),
    junk=st.binary(max_size=3),
)
@example(rows=[('"', ""), ("", '"')], end="\n", header=COLUMNS, junk=b"")
@example(rows=[('"8', "active", GOOD)], end="\n", header=COLUMNS, junk=b"")
@example(rows=[("7", "active", GOOD + '"')], end="\n", header=COLUMNS, junk=b"")
@example(rows=[('"7"', '"active"', f'"{GOOD}"')], end="\r\n", header=COLUMNS, junk=b"")
def test_both_tiers_say_the_same_over_hostile_bytes(
    rows: list[tuple[str, ...]], end: str, header: Header, junk: bytes
) -> None:
    """What is read at once is what the csv module and the rules make of each line."""
    text = end.join(header.separator.join(row) for row in rows)
    raw = (text + junk.decode(errors="ignore")).encode(errors="ignore") + b"\n"
    block = Block(raw, 7)
    accepted, refused = one_by_one(block, header)
    file = PollFile(Path("polls.csv"))
    told: list[Refused] = []
    usual = usual_of(block, header, STATUS, NOW_US + MAX_FUTURE_US)
    file.take(usual, header, NOW_US, told.append)
    key = lambda poll: (poll.store_id, poll.time_us, poll.active)  # noqa: E731
    assert sorted(polls_of(file), key=key) == sorted(accepted, key=key)
    assert [(each.line, each.reason) for each in told] == refused
    [counts] = file.counts
    assert (counts.rows, counts.refused) == (len(accepted) + len(told), len(refused))


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(rows=texts, header=st.sampled_from([COLUMNS, WIDE, FEWER]))
@example(rows=[("", "", "")], header=COLUMNS)
@example(rows=[("\u3000a\u3000", "b", "c")], header=COLUMNS)
@example(rows=[("a", "", "c", "")], header=WIDE)
def test_rows_cut_all_at_once_are_those_of_the_csv_module(
    rows: list[tuple[str, ...]], header: Header
) -> None:
    """Cell by cell, line by line, over hostile text; a missing column is empty."""
    text = "\n".join(header.separator.join(row) for row in rows) + "\n"
    block = Block(text.encode(errors="ignore"), 7)
    said = [(each.line, each.text, str(each.cells)) for each in rows_of(block, header)]
    expected = rows_by_csv(block, header)
    assert said == [(each.line, each.text, str(each.cells)) for each in expected]


@pytest.mark.parametrize(
    "line",
    [
        f"7,active,{GOOD}",
        f'"7","active","{GOOD}"',
        f"7 , Active , {GOOD} ",
        "7,inactive,2023-01-25T10:00:00",
        "73928e03,ACTIVE,2023-01-25 10:00:00.25",
    ],
)
def test_the_usual_lines_are_read_all_at_once(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Quoted or not, with blanks, with or without a zone: no row by itself."""
    (tmp_path / "polls.csv").write_text(HEADER + (line + "\n") * 3)
    monkeypatch.delattr(polls_module, "poll_of")
    file, refused = read(tmp_path / "polls.csv")
    assert (len(file), refused) == (3, [])


def test_a_stray_quote_costs_its_line_and_no_other(tmp_path: Path) -> None:
    """No row spans lines; the hundred that follow are read."""
    more = "".join(f"9,inactive,2023-01-25 10:{m:02d}:00 UTC\n" for m in range(60))
    (tmp_path / "polls.csv").write_text(
        HEADER + f'7,active,{GOOD}\n"8,active,{GOOD}\n' + more
    )
    file, refused = read(tmp_path / "polls.csv")
    assert len(file) == 61
    assert [(each.line, each.reason) for each in refused] == [(3, "bad-csv")]


def test_a_giant_field_costs_its_line_and_no_other(tmp_path: Path) -> None:
    """In a block of its own or among others; what is kept of it is short."""
    rows = [f"7,active,{GOOD}", "x" * 200_000 + f",active,{GOOD}", f"8,active,{GOOD}"]
    giant = "y" * 5_000_000 + f",active,{GOOD}"
    path = tmp_path / "polls.csv"
    path.write_text(HEADER + "\n".join([*rows, giant, *rows]) + "\n")
    file, refused = read(path)
    assert len(file) == 4
    assert [(each.line, each.reason) for each in refused] == [
        (3, "long-line"),
        (5, "long-line"),
        (7, "long-line"),
    ]
    assert max(len(each.row) for each in refused) < 1_000


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (f"1.48E+18,active,{GOOD}", "mangled-id"),
        (f"7\u200b,active,{GOOD}", "bad-store-id"),
        (f"\u00ad7,active,{GOOD}", "bad-store-id"),
        (f",active,{GOOD}", "missing-store-id"),
        (f"7,open,{GOOD}", "unknown-status"),
        ("7,active,25/01/2023 12:00", "bad-timestamp"),
        ("7,active,1674640800", "bad-timestamp"),
        ("7,active,2999-01-01 10:00:00 UTC", "in-the-future"),
        ("7,active", "bad-csv"),
        (f"7,active,{GOOD},5", "bad-csv"),
    ],
)
def test_a_refused_row_has_a_line_and_a_reason(
    line: str, reason: str, tmp_path: Path
) -> None:
    """Blank lines count as lines, and are no rows."""
    (tmp_path / "polls.csv").write_text(HEADER + f"7,active,{GOOD}\n\n,,\n{line}\n")
    file, refused = read(tmp_path / "polls.csv")
    assert [(each.line, each.reason) for each in refused] == [(5, reason)]
    assert len(file) == 1
    assert file.counts == [RowCounts(tmp_path / "polls.csv", 2, 1, *refused)]


def test_a_file_s_own_words_are_read_at_once(tmp_path: Path) -> None:
    """Long ones, in any case, beside ours."""
    words = STATUS | {"up": True, "temporarily closed": False, "geöffnet": True}
    (tmp_path / "polls.csv").write_text(
        HEADER
        + f"1,UP,{GOOD}\n2,Temporarily Closed,{GOOD}\n"
        + f"3,geöffnet,{GOOD}\n4,active,{GOOD}\n"
    )
    file, refused = read(tmp_path / "polls.csv", words=words)
    assert refused == []
    assert {poll.store_id: poll.active for poll in polls_of(file)} == {
        "1": True,
        "2": False,
        "3": True,
        "4": True,
    }


def test_messages_come_day_by_day_and_a_store_s_in_the_order_of_time(
    tmp_path: Path,
) -> None:
    """Whatever order the file has; within a day the polls of a store come together."""
    rows = [
        (str(n % 7), f"2023-01-{1 + n * 5 % 9:02d} {n * 11 % 24:02d}:00")
        for n in range(200)
    ]
    with (tmp_path / "polls.csv").open("w", newline="") as stream:
        stream.write(HEADER)
        csv.writer(stream).writerows([i, "active", stamp] for i, stamp in rows)
    file, _ = read(tmp_path / "polls.csv")
    batches = [list(some.values) for some in file.messages(60, 4)]
    assert [len(batch) for batch in batches] == [60, 60, 60, 20]
    polls = [parse_poll(value, NOW_US) for batch in batches for value in batch]
    for store_id in "0123456":
        times = [poll.time_us for poll in polls if poll.store_id == store_id]
        assert times == sorted(times)
    days = [poll.time_us // DAY_US for poll in polls]
    for first in (0, 60, 120):
        assert max(days[first : first + 60]) <= min(days[first + 60 :], default=10**9)
    for day in set(days):
        ids = [poll.store_id for poll in polls if poll.time_us // DAY_US == day]
        cuts = sum(one != other for one, other in pairwise(ids))
        assert cuts < 2 * 7 * 4  # as many runs as stores, in few pieces a partition


def test_polls_from_a_time_on_are_let_go_and_every_store_stays_known(
    tmp_path: Path,
) -> None:
    """A store that has none before keeps its first."""
    rows = ("7,2023-01-01", "7,2023-01-03", "8,2023-01-05", "8,2023-01-03")
    (tmp_path / "polls.csv").write_text(
        HEADER + "".join(f"{r[:1]},active,{r[2:]} 00:00\n" for r in rows)
    )
    file, _ = read(tmp_path / "polls.csv")
    assert file.keep_before(utc("2023-01-03 00:00")) == 2
    assert sorted(map(encode_poll, polls_of(file))) == [
        encode_poll(Poll("7", utc("2023-01-01 00:00"), True)),
        encode_poll(Poll("8", utc("2023-01-03 00:00"), True)),
    ]


def test_stores_can_be_left_out(tmp_path: Path) -> None:
    """None of their polls is told."""
    (tmp_path / "polls.csv").write_text(HEADER + f"7,active,{GOOD}\n8,active,{GOOD}\n")
    file, _ = read(tmp_path / "polls.csv")
    file.leave_out({"7", "9"})
    assert [poll.store_id for poll in polls_of(file)] == ["8"]
    assert len(file) == 1
