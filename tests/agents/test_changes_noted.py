"""What agents note of changes: once each, with the values before, whatever happens."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from faust.types import TP
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents import stores
from streamproc.cells import Cells
from streamproc.origin import API, LOAD, TOPIC, Origin, headers_of
from streamproc.program import Program
from streamproc.settings import Settings
from streamproc.topics import TO_ALL
from streamproc.transport.batch import Batch
from streamproc.transport.columns import Columns, Headers
from streamproc.transport.partitioner import partition_for
from tables.changed import Delta, Head, decode_deltas
from tables.fact_records import KINDS
from tests.agents import fakes
from tests.agents.fakes import Table
from tests.tables import fakes as tables

AT_MS = 1_674_648_000_000
ONE = "2"
"""A store of partition 0 of two."""

Noted = tuple[Head, tuple[Delta, ...]]
Record = tuple[bytes | None, Headers]


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """A program; ``opened`` gives it a real log of changes."""
    return fakes.program(tmp_path)


async def opened(program: Program, root: Path, kind: str = "zones") -> Any:
    """The log in a directory, and one table of facts."""
    settings = Settings(data_dir=root, partitions=2)
    log = await tables.open_table(settings, tables.Changelog(), name="changes")
    program.changes = log
    setattr(program, kind, Table(kind, program.__dict__["happened"]))
    return log


def zone(name: str | None, store_id: str = ONE) -> bytes:
    """A message about a store's zone."""
    return orjson.dumps({"store_id": store_id, "timezone_str": name})


def batch(records: Sequence[Record], first: int = 0, kind: str = "zones") -> Batch:
    """Records from an offset on, a millisecond apart, all with the store's key."""
    count = len(records)
    offsets = first + np.arange(count)
    columns = Columns(
        offsets,
        AT_MS + offsets,
        Cells.of([ONE.encode()] * count),
        Cells.of([value for value, _ in records]),
        {row: headers for row, (_, headers) in enumerate(records) if headers},
    )
    return Batch(TP(f"store-{kind}", 0), columns)


async def keep(program: Program, some: Batch, kind: str = "zones") -> None:
    """What the agent does with a batch."""
    await stores.keep(program, getattr(program, kind), some, KINDS[kind])


def noted(log: Any) -> list[Noted]:
    """All runs, oldest first."""
    return [(head, decode_deltas(value)) for head, value in log.since(0)]


def values(log: Any) -> list[tuple[bytes | None, bytes | None]]:
    """Before and after of every change, in their order."""
    return [(delta.before, delta.after) for _, each in noted(log) for delta in each]


async def test_a_change_is_noted_with_the_value_before(
    program: Program, tmp_path: Path
) -> None:
    """And when, by which door, by whom; equal values are no change."""
    log = await opened(program, tmp_path)
    told = headers_of(Origin("c1", API, "Ann", "moved", "c0"))
    records: list[Record] = [
        (zone("UTC"), ()),
        (zone("utc"), ()),
        (zone("Asia/Tokyo"), told),
        (None, ()),
    ]
    await keep(program, batch(records))
    assert values(log) == [
        (None, b"UTC"),
        (b"UTC", b"Asia/Tokyo"),
        (b"Asia/Tokyo", None),
    ]
    heads = [head for head, _ in noted(log)]
    minute = "topic-zones-20230125T1200Z"
    assert [head.origin for head in heads] == [
        Origin(minute, TOPIC),
        Origin("c1", API, "Ann", "moved", "c0"),
        Origin(minute, TOPIC),
    ]
    assert [head.at_ms - AT_MS for head in heads] == [0, 2, 3]
    assert {head.kind for head in heads} == {"zones"}


async def test_what_a_producer_says_of_a_change_may_be_anything(
    program: Program, tmp_path: Path
) -> None:
    """An odd id is none, an odd door is a topic; texts are cut."""
    log = await opened(program, tmp_path)
    odd: Headers = (
        ("change", b"../x"),
        ("door", b"back"),
        ("by", b"\xff" * 9_999),
        ("undoes", b""),
        ("published-ms", b"-1"),
    )
    await keep(program, batch([(zone("UTC"), odd)]))
    ((head, _),) = noted(log)
    assert head.origin == Origin(
        "topic-zones-20230125T1200Z", TOPIC, "\N{REPLACEMENT CHARACTER}" * 500
    )


async def test_many_stores_of_one_load_are_few_runs(
    program: Program, tmp_path: Path
) -> None:
    """One line of the list, and few records of the changelog."""
    log = await opened(program, tmp_path)
    ids = [s for s in map(str, range(4_000)) if partition_for(s.encode(), 2) == 0]
    told = headers_of(Origin("load-1", LOAD))
    await keep(program, batch([(zone("UTC", store), told) for store in ids]))
    runs = noted(log)
    assert [store for head, _ in runs for store in head.store_ids] == ids
    assert len(runs) == -(-len(ids) // 500)
    assert {head.origin for head, _ in runs} == {Origin("load-1", LOAD)}


async def test_an_undated_week_is_noted_with_the_dated_ones_it_forgets(
    program: Program, tmp_path: Path
) -> None:
    """All of them: else it could not be undone."""
    log = await opened(program, tmp_path, "hours")
    weeks = [
        orjson.dumps({"store_id": ONE, "hours": [], "valid_from": since})
        for since in ("2026-01-01", "2026-02-01")
    ]
    await keep(program, batch([(week, ()) for week in weeks], kind="hours"), "hours")
    undated = orjson.dumps({"store_id": ONE, "hours": []})
    await keep(program, batch([(undated, ())], 2, "hours"), "hours")
    _, deltas = noted(log)[-1]
    assert [(bool(d.suffix), d.before, d.after) for d in deltas] == [
        (True, b"[]", None),
        (True, b"[]", None),
        (False, None, b"[]"),
    ]


async def test_an_exclusion_that_is_published_again_is_no_change(
    program: Program, tmp_path: Path
) -> None:
    """Nor is one that is withdrawn and never was; its withdrawal is."""
    log = await opened(program, tmp_path, "exclusions")

    def exclusion(number: str, **more: Any) -> Record:
        ends = {"from": "2026-01-01 00:00 UTC", "to": "2026-01-02 00:00 UTC"}
        told = {"store_id": ONE, "id": number, "kind": "maintenance", **ends, **more}
        return orjson.dumps(told), ()

    records = [
        exclusion("a"),
        exclusion("a"),
        exclusion("b", withdrawn=True),
        exclusion("a", withdrawn=True),
        exclusion("a", withdrawn=True, note="twice"),
    ]
    await keep(program, batch(records, kind="exclusions"), "exclusions")
    found = [orjson.loads(after or b"null") for _, after in values(log)]
    assert [(e["exclusion_id"], e["withdrawn"]) for e in found] == [
        ("a", False),
        ("a", True),
    ]


async def test_an_exclusion_that_comes_back_keeps_its_time(
    program: Program, tmp_path: Path
) -> None:
    """It decides where two corrections overlap."""
    await opened(program, tmp_path, "exclusions")
    ends = {"from": "2026-01-01 00:00 UTC", "to": "2026-01-02 00:00 UTC"}
    told = {"store_id": ONE, "id": "a", "kind": "maintenance", **ends}
    back = orjson.dumps(told), (("published-ms", b"%d" % (AT_MS - 5)),)
    await keep(program, batch([back], kind="exclusions"), "exclusions")
    table: Any = program.exclusions
    (value,) = table.kept.values()
    assert orjson.loads(value)["at_ms"] == AT_MS - 5


async def test_an_exclusion_says_itself_who_made_it(
    program: Program, tmp_path: Path
) -> None:
    """Where the headers do not; a producer's, a file's."""
    log = await opened(program, tmp_path, "exclusions")
    ends = {"from": "2026-01-01 00:00 UTC", "to": "2026-01-02 00:00 UTC"}
    told = {"store_id": ONE, "id": "a", "kind": "maintenance", "by": "Ann", **ends}
    named = headers_of(Origin("c", LOAD, "Bob"))
    records: list[Record] = [
        (orjson.dumps(told), ()),
        (orjson.dumps({**told, "note": "x"}), named),
    ]
    await keep(program, batch(records, kind="exclusions"), "exclusions")
    assert [head.origin.by for head, _ in noted(log)] == ["Ann", "Bob"]


async def test_only_what_is_another_value_is_written(
    program: Program, tmp_path: Path
) -> None:
    """A file that is loaded again costs its reading."""
    log = await opened(program, tmp_path)
    await keep(program, batch([(zone("UTC"), ())]))
    events: list[Any] = program.__dict__["happened"].events
    before = len(events)
    await keep(program, batch([(zone("UTC"), ())], 1))
    written = [one for one in events[before:] if one[-1]]
    assert written == []
    assert len(noted(log)) == 1


async def test_what_is_of_all_stores_is_noted_on_one_partition(
    program: Program, tmp_path: Path
) -> None:
    """It is on every one."""
    log = await opened(program, tmp_path, "special_hours")
    value = orjson.dumps({"store_id": "*", "date": "2026-12-25", "openings": []})
    told = batch([(value, ((TO_ALL, b"1"),))], kind="special_hours")
    await keep(program, told, "special_hours")
    special: Any = program.special_hours
    assert special.kept
    assert len(noted(log)) == (partition_for(b"*", 2) == 0)


names = st.sampled_from(["UTC", "Asia/Tokyo", "Europe/Berlin", None])


Life = list[tuple[int, int, int]]
"""Batches: the first record, the end, and how many durable writes come through."""

ALL_WRITES = 2
"""Of a batch: what is noted, and the facts."""


@st.composite
def histories(draw: Any) -> tuple[list[Record], list[Life]]:
    """Records, and lives of a worker: batches, and how far the last one came.

    What comes after the first batch of a life that was not acked is read again in the
    next; it may have died before, between or after that batch's writes.
    """
    drawn = draw(st.lists(names, min_size=1, max_size=9))
    records: list[Record] = [(zone(name), ()) for name in drawn]
    acked = 0
    lives: list[Life] = []
    while acked < len(records):
        at = acked
        life: Life = []
        for _ in range(draw(st.integers(1, 3))):
            if at == len(records):
                break
            end = draw(st.integers(at + 1, len(records)))
            life.append((at, end, ALL_WRITES))
            at = end
        done = draw(st.integers(0, len(life)))
        if done < len(life):
            first, end, _ = life[done]
            life = [*life[:done], (first, end, draw(st.integers(0, ALL_WRITES)))]
        acked = life[done - 1][1] if done else acked
        if not done and len(lives) > 6:
            life, acked = [(acked, len(records), ALL_WRITES)], len(records)
        lives.append(life)
    return records, lives


@dataclass
class Writes:
    """Lets so many durable writes through; then the worker dies."""

    left: int = 0

    def counted(self, write: Callable[..., Any]) -> Callable[..., Any]:
        """A write that counts."""

        async def counted(*args: Any) -> None:
            if not self.left:
                raise OSError("killed")
            self.left -= 1
            await write(*args)

        return counted


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(histories())
async def test_a_replay_after_a_crash_notes_nothing_twice_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory,
    told: tuple[list[Record], list[Life]],
) -> None:
    """However the batches are cut again: the log is that of a worker that lived."""
    records, lives = told
    straight = fakes.program(tmp_path_factory.mktemp("straight"))
    whole = await opened(straight, straight.settings.data_dir)
    await keep(straight, batch(records))
    program = fakes.program(tmp_path_factory.mktemp("crashed"))
    log = await opened(program, program.settings.data_dir)
    facts: Any = program.zones
    writes = Writes()
    for one, name in ((program.changes, "note"), (facts, "write")):
        setattr(one, name, writes.counted(getattr(one, name)))
    for life in lives:
        for first, end, left in life:
            writes.left = left
            try:
                await keep(program, batch(records[first:end], first))
            except OSError:
                break
    straight_zones: Any = straight.zones
    assert facts.kept == straight_zones.kept
    assert values(log) == values(whole)


async def test_records_of_a_topic_that_was_made_anew_are_noted(
    program: Program, tmp_path: Path
) -> None:
    """Their offsets begin at 0 once more, but they are later."""
    log = await opened(program, tmp_path)
    await keep(program, batch([(zone("UTC"), ()), (zone("Asia/Tokyo"), ())]))
    later = batch([(zone("Europe/Berlin"), ())])
    later.columns.timestamps_ms += 60_000
    await keep(program, later)
    assert values(log)[-1] == (b"Asia/Tokyo", b"Europe/Berlin")
