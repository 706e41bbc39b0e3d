"""The rows of a partition: what an order is answered with, and what is too late."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from agents import report_rows
from agents.report_rows import answer, newest_tries
from streamproc.cells import Cells
from streamproc.program import Program
from streamproc.report.messages import (
    ALL,
    HOURLY,
    STORE,
    Failed,
    Order,
    Piece,
    Survey,
    Sweep,
    Swept,
    ToCollector,
    Waiting,
)
from streamproc.report.rows import Rows, decode_rows
from streamproc.report.wire import decode_inbox
from streamproc.rules import history, packing
from streamproc.rules.units import DAY_US, HOUR_US
from streamproc.settings import Settings
from streamproc.worker import app
from tests.agents import fakes
from tests.agents.fakes import NOW_US
from tests.tables.fakes import PARTITION, Changelog, open_table

ORDER = Order("r1", ALL, 1, NOW_US, None)


class Consumer:
    """Stands for Faust's: everything is read, but ``unread`` records of the polls."""

    def __init__(self) -> None:
        self.unread = 0
        self.on_look: Callable[[], None] = lambda: None

    async def highwaters(self, *tps: Any) -> dict[Any, int]:
        """Ends of the partitions."""
        return {tp: self.unread if "polls" in tp.topic else 0 for tp in tps}

    async def earliest_offsets(self, *tps: Any) -> dict[Any, int]:
        """Nothing was deleted."""
        self.on_look()
        return dict.fromkeys(tps, 0)

    async def position(self, tp: Any) -> int:
        """Nothing was fetched."""
        return 0

    def committed_offset(self, tp: Any) -> int | None:
        """Nothing was committed."""
        return None

    def delivered_offset(self, tp: Any) -> int | None:
        """Nothing was delivered."""
        return None


@pytest.fixture
async def program(tmp_path: Path) -> Program:
    """A program whose tables are real ones, without a broker."""
    settings = Settings(data_dir=tmp_path, partitions=1, history_days=8)
    tables = {
        name: await open_table(settings, Changelog(), name=name)
        for name in (
            "histories",
            "hours",
            "zones",
            "special_hours",
            "exclusions",
            "labels",
        )
    }
    made = fakes.program(settings=settings, **tables)
    made.app.consumer = Consumer()
    return made


async def poll(program: Program, *polls: tuple[str, int]) -> None:
    """Add active polls: store and time."""
    ids = sorted({store_id.encode() for store_id, _ in polls})
    codes = np.array([ids.index(name.encode()) for name, _ in polls], np.int64)
    packed = packing.pack((time_us, True) for _, time_us in polls)
    segments = history.group(codes, packed)
    newest_us = max(time_us for _, time_us in polls)
    await program.histories.add(PARTITION, Cells.of(ids), segments, newest_us)


async def answers(program: Program, *orders: Order | Sweep) -> list[ToCollector]:
    """What the collector is told."""
    await answer(program, fakes.mail(program, *orders))
    sent = program.__dict__["happened"].sent(program.topics.inbox.name)
    return [decode_inbox(one.headers, one.value, program.identity) for one in sent]


def rows_in(pieces: list[ToCollector]) -> Rows:
    """All rows of some pieces."""
    return Rows.join([decode_rows(p.body) for p in pieces if isinstance(p, Piece)])


async def test_an_empty_partition_answers_with_one_last_piece(program: Program) -> None:
    """So that the collector knows that nothing is missing."""
    (piece,) = await answers(program, ORDER)
    assert isinstance(piece, Piece)
    assert (piece.number, piece.rows, piece.last) == (0, 0, True)


async def test_pieces_are_numbered_and_the_last_one_says_so(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Together they are all rows, in order, whatever chunks they are worked out in."""
    monkeypatch.setattr("streamproc.report.rows.ROWS_PER_PIECE", 2)
    monkeypatch.setattr("tables.histories.STORES_PER_CHUNK", 3)
    names = [f"s{number}" for number in range(7)]
    await poll(program, *((name, NOW_US - HOUR_US) for name in names))
    pieces = await answers(program, ORDER)
    facts = [(p.number, p.rows, p.last) for p in pieces if isinstance(p, Piece)]
    sizes = [2, 1, 2, 1, 1]
    assert facts == [(at, size, at == 4) for at, size in enumerate(sizes)]
    assert rows_in(pieces).store_ids == names


async def test_the_pieces_of_a_chunk_are_one_append(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for the last of them, which waits: it may have to say that it is the last."""
    monkeypatch.setattr("streamproc.report.rows.ROWS_PER_PIECE", 2)
    appended: list[int] = []
    producer: Any = program.app.producer
    append_batch = producer.append_batch

    async def counted(topic: str, partition: int, keys: Any, *rest: Any) -> None:
        appended.append(len(keys))
        await append_batch(topic, partition, keys, *rest)

    monkeypatch.setattr(producer, "append_batch", counted)
    await poll(program, *((f"s{number}", NOW_US - HOUR_US) for number in range(7)))
    await answers(program, ORDER)
    assert appended == [3, 1]


async def test_only_the_newest_try_of_a_report_is_computed() -> None:
    """Nobody waits for the answers to the earlier ones."""
    tries = [Order("a", ALL, n, NOW_US, None) for n in (1, 2, 3)]
    other = Order("b", ALL, 1, NOW_US, None)
    assert newest_tries([*tries[:2], other, tries[2]]) == [other, tries[2]]


async def test_an_unknown_store_is_a_failed_part(program: Program) -> None:
    """With its reason, and the attempt it is an answer to."""
    order = Order("r1", STORE, 4, NOW_US, "no")
    assert await answers(program, order) == [
        Failed("r1", 4, PARTITION, "store no is not known")
    ]


async def test_a_store_is_one_row(program: Program) -> None:
    """And the only one."""
    await poll(program, ("a", NOW_US - HOUR_US), ("b", NOW_US - HOUR_US))
    pieces = await answers(program, Order("r1", STORE, 1, NOW_US, "b"))
    assert rows_in(pieces).store_ids == ["b"]


async def test_a_survey_leaves_out_what_lies_in_the_future(program: Program) -> None:
    """Five minutes are granted to the clocks; the store of the newest is named."""
    survey = Order("r1", ALL, 1, None, None)
    assert await answers(program, survey) == [Survey("r1", 1, PARTITION, -1, None, -1)]
    ahead = NOW_US + 400 * DAY_US
    await poll(program, ("a", NOW_US - 7), ("b", NOW_US - 9), ("c", ahead))
    found = await answers(program, survey)
    assert found[-1] == Survey("r1", 1, PARTITION, NOW_US - 7, "a", NOW_US - 9)


async def test_a_sweep_finds_polls_of_the_future_and_changes_nothing(
    program: Program,
) -> None:
    """How many, of how many stores, one of them, and the newest."""
    sweep = Sweep("s", NOW_US, False)
    nothing = Swept("s", PARTITION, 0, 0, -1, None)
    assert await answers(program, sweep) == [nothing]
    ahead = NOW_US + 400 * DAY_US
    await poll(program, ("a", NOW_US - 7), ("c", ahead), ("b", ahead + 5), ("b", ahead))
    before = dict(program.histories.scan(PARTITION))
    found = await answers(program, sweep)
    assert found[-1] == Swept("s", PARTITION, 3, 2, ahead + 5, "b")
    assert dict(program.histories.scan(PARTITION)) == before


async def test_a_purge_leaves_what_is_not_of_the_future(program: Program) -> None:
    """Of a day that is partly so, too; and the newest poll is that of the others."""
    soon = NOW_US + HOUR_US
    polls = [("a", NOW_US - 7), ("a", soon), ("b", NOW_US + 400 * DAY_US)]
    await poll(program, *polls)
    (swept,) = await answers(program, Sweep("s", NOW_US, True))
    assert swept == Swept("s", PARTITION, 2, 2, NOW_US + 400 * DAY_US, "a")
    times = packing.time_of(program.histories.polls_of(PARTITION, b"a"))
    assert times.tolist() == [NOW_US - 7]
    assert len(program.histories.polls_of(PARTITION, b"b")) == 0
    assert program.histories.newest_us(PARTITION) == NOW_US - 7


async def test_nothing_is_purged_when_the_clocks_differ(program: Program) -> None:
    """One of the two is wrong: by a clock that is behind, all would be the future."""
    await poll(program, ("a", NOW_US - 7))
    for asked_us in (NOW_US - HOUR_US, NOW_US + HOUR_US):
        (*_, swept) = await answers(program, Sweep("s", asked_us, True))
        assert isinstance(swept, Swept)
        assert "where this was asked" in (swept.refused or "")
    assert len(program.histories.polls_of(PARTITION, b"a")) == 1


async def test_stores_without_their_history_are_told_with_the_last_piece(
    program: Program,
) -> None:
    """They have no row; the others do."""
    days = [("old", NOW_US - ago * DAY_US) for ago in range(40)]
    await poll(program, *days, *((f"s{n}", NOW_US - HOUR_US) for n in range(3)))
    early_us = NOW_US - 20 * DAY_US  # the week before it begins in a month let go
    pieces = await answers(program, Order("r1", ALL, 1, early_us, None))
    (piece,) = pieces
    assert isinstance(piece, Piece)
    assert (piece.left_out, piece.such_as) == (1, "old")
    assert rows_in(pieces).store_ids == ["s0", "s1", "s2"]


async def test_hourly_rows_are_published_and_others_are_not(program: Program) -> None:
    """One record a store, keyed by its id."""
    await poll(program, ("a", NOW_US - HOUR_US))
    await answers(program, ORDER)
    happened = program.__dict__["happened"]
    assert happened.sent(program.topics.uptime.name) == []
    await answers(program, Order("h", HOURLY, 1, NOW_US, None))
    (row,) = happened.sent(program.topics.uptime.name)
    assert (row.key, row.partition) == (b"a", PARTITION)
    assert orjson.loads(row.value)["up_hour_s"] == 3600


async def test_rows_are_computed_when_the_input_before_the_order_is_read(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A report covers every poll whose producer had its acknowledgement."""
    monkeypatch.setattr(report_rows, "WAITING_NEWS_S", 0.0)
    consumer: Any = program.app.consumer
    consumer.unread = 5
    looks = 0

    def look() -> None:
        nonlocal looks
        looks += 1
        if looks == 30:
            consumer.committed_offset = lambda tp: 5

    consumer.on_look = look
    waiting, *_, piece = await answers(program, ORDER)
    assert waiting == Waiting("r1", 1, PARTITION, 5)
    assert isinstance(piece, Piece)
    assert looks >= 30


async def test_what_cannot_be_sent_ends_the_worker(program: Program) -> None:
    """Nothing is acked: the order is read again."""
    producer: Any = program.app.producer
    producer.error = ConnectionError("gone")
    with pytest.raises(ConnectionError):
        await answer(program, fakes.mail(program, ORDER))


async def test_orders_of_others_are_left_alone(program: Program) -> None:
    """Another app's, or of a collector that counts by other rules."""
    order = fakes.mail(fakes.program(settings=Settings(hold=None)), ORDER)
    await answer(program, order)
    assert program.__dict__["happened"].events == []
    assert sum(program.strangers.values()) == 1


async def test_orders_that_wait_hold_up_no_input(
    make_settings: Callable[..., Settings],
) -> None:
    """Each waits for input; a buffer full of them would keep it from being fetched."""
    program = app.build(make_settings(partitions=300))
    buffered = {
        name: program.app.agents[name].channel.clone(is_iterator=True).queue.maxsize
        for name in ("report_rows", "polls")
    }
    assert buffered["report_rows"] > 100 * program.settings.partitions
    assert buffered["polls"] == program.app.conf.stream_buffer_maxsize
