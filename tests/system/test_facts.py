"""What is told of stores besides their polls, from the topic to the report."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import orjson
import pytest

from streamproc.program import Program
from streamproc.report.rows import Rows
from streamproc.rules.poll import Poll
from streamproc.rules.special_hours import parse_date
from streamproc.rules.windows import NAMES
from streamproc.topics import TO_ALL
from streamproc.transport.connect import connect
from streamproc.transport.partitioner import partition_for
from tables.fact_tables import facts_of
from tables.facts import encode_day, encode_key
from tests.reference import DAY_US, HOUR_US
from tests.rules.test_reference import utc
from tests.system.harness import publish, publish_raw, report
from tests.system.test_program import rejected
from tests.waiting import LIMIT_S, until_in_loop

MONDAY_US = utc("2025-11-24 00:00")
AS_OF = "2025-11-25T00:00:00Z"
DAY = NAMES.index("day")
WEEK = NAMES.index("week")


async def tell(
    program: Program, topic: str, key: str, value: dict[str, Any] | None
) -> None:
    """Publish one fact."""
    encoded = None if value is None else orjson.dumps(value)
    await publish_raw(program.settings, [key.encode()], [encoded], topic)


async def open_09_to_17(program: Program, store_id: str = "a") -> None:
    """A store in UTC, polled as in the worked examples, hours 9 to 17."""
    hours = [
        {"dayOfWeek": day, "start_time_local": "09:00", "end_time_local": "17:00"}
        for day in range(7)
    ]
    await tell(program, "hours", store_id, {"store_id": store_id, "hours": hours})
    zone = {"store_id": store_id, "timezone_str": "UTC"}
    await tell(program, "zones", store_id, zone)
    polls = [(9, True), (12, False), (13, True)]
    await publish(
        program.settings,
        [Poll(store_id, MONDAY_US + hour * HOUR_US, up) for hour, up in polls],
    )


def day_hours(rows: Rows, store_id: str = "a") -> tuple[float, ...]:
    """Open, up, down and excluded hours of the day."""
    at = rows.store_ids.index(store_id)
    amounts = (rows.open, rows.up, rows.down, rows.excluded)
    return tuple(int(each[DAY, at]) / HOUR_US for each in amounts)


def exclusion(kind: str, begin: int, end: int, **fields: Any) -> dict[str, Any]:
    """An exclusion on that Monday, from hour to hour."""
    return {
        "store_id": "a",
        "id": "e1",
        "kind": kind,
        "from": f"2025-11-24T{begin:02d}:00:00Z",
        "to": f"2025-11-24T{end:02d}:00:00Z",
        **fields,
    }


@pytest.fixture
async def program(start_program: Callable[..., Any]) -> AsyncIterator[Program]:
    """A running program whose polls speak until the next one."""
    async with start_program(hold="none") as started:
        yield started


async def test_maintenance_is_excluded_until_it_is_withdrawn(
    program: Program,
) -> None:
    """From the topic to the row; withdrawn, it counts no more."""
    await open_09_to_17(program)
    assert day_hours(await report(program.settings, AS_OF))[3] == 0
    await tell(program, "exclusions", "a\0e1", exclusion("maintenance", 12, 13))
    opened, _, down, excluded = day_hours(await report(program.settings, AS_OF))
    assert (opened, down, excluded) == (8, 0, 1)
    gone = exclusion("maintenance", 12, 13, withdrawn=True)
    await tell(program, "exclusions", "a\0e1", gone)
    assert day_hours(await report(program.settings, AS_OF))[2:] == (1, 0)
    partition = partition_for(b"a", program.settings.partitions)
    assert len(facts_of(program.exclusions, partition, b"a")) == 1


async def test_special_hours_of_all_stores_reach_every_partition(
    program: Program,
) -> None:
    """A foreign producer put them onto one partition; a store's own go before."""
    stores = [f"s{number}" for number in range(9)]
    for store_id in stores:
        await open_09_to_17(program, store_id)
    closed = {"store_id": "*", "date": "2025-11-24", "openings": []}
    await tell(program, "special_hours", "*\0002025-11-24", closed)
    own = [{"start_time_local": "10:00", "end_time_local": "12:00"}]
    mine = {"store_id": "s0", "date": "2025-11-24", "openings": own}
    await tell(program, "special_hours", "s0\0002025-11-24", mine)

    def opened(rows: Rows) -> list[float]:
        return [day_hours(rows, store_id)[0] for store_id in stores]

    rows = await _eventually(program, lambda rows: opened(rows) == [2, *[0] * 8])
    assert rows.store_ids == stores
    partitions = range(program.settings.partitions)
    await until_in_loop(  # one of them has no store, so no report waits for it
        lambda: [len(facts_of(program.special_hours, p, b"*")) for p in partitions],
        lambda found: found == [1 for _ in partitions],
    )


async def _eventually(program: Program, holds: Any) -> Rows:
    """A report for which something holds: what is sent on arrives a little later."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            rows = await report(program.settings, AS_OF)
            if holds(rows):
                return rows


async def test_a_fact_of_all_stores_is_sent_on_once(program: Program) -> None:
    """One that its producer has put onto every partition is not sent on at all."""
    topic = program.topics.special_hours
    fact = {"store_id": "*", "date": "2025-11-24", "openings": []}
    count = program.settings.partitions
    for partition in range(count):
        await program.app.producer.append_batch(
            topic.name,
            partition,
            [b"*\0002025-11-24"],
            [orjson.dumps(fact)],
            {0: [(TO_ALL, b"1")]},
        )
    await open_09_to_17(program)
    await report(program.settings, AS_OF)
    client = await connect(program.settings)
    try:
        ends = await client.end_offsets(topic)
    finally:
        await client.close()
    assert sorted(ends.values()) == [1] * count


async def test_a_dated_week_counts_from_its_date_on(program: Program) -> None:
    """And an undated one forgets all dated ones before it."""
    await open_09_to_17(program)
    longer = [
        {"dayOfWeek": day, "start_time_local": "08:00", "end_time_local": "20:00"}
        for day in range(7)
    ]
    dated = {"store_id": "a", "valid_from": "2025-11-23", "hours": longer}
    await tell(program, "hours", "a\0002025-11-23", dated)
    rows = await report(program.settings, AS_OF)
    week_hours = int(rows.open[WEEK, 0]) / HOUR_US
    assert (day_hours(rows)[0], week_hours) == (12, 2 * 12 + 5 * 8)
    await tell(program, "hours", "a", {"store_id": "a", "hours": longer[:1]})
    assert day_hours(await report(program.settings, AS_OF))[0] == 12
    partition = partition_for(b"a", program.settings.partitions)
    assert [suffix for suffix, _ in facts_of(program.hours, partition, b"a")] == [b""]


async def test_a_null_forgets_the_fact_of_its_key(program: Program) -> None:
    """Of a date, of a dated week, of an exclusion."""
    await open_09_to_17(program)
    closed = {"store_id": "a", "date": "2025-11-24", "openings": []}
    await tell(program, "special_hours", "a\0002025-11-24", closed)
    assert day_hours(await report(program.settings, AS_OF))[0] == 0
    await tell(program, "special_hours", "a\0002025-11-24", None)
    assert day_hours(await report(program.settings, AS_OF))[0] == 8


async def test_a_week_of_closed_days_is_always_closed(program: Program) -> None:
    """It is not a store without hours, which is open 24x7."""
    hours = [{"dayOfWeek": day, "closed": True} for day in range(7)]
    await tell(program, "hours", "a", {"store_id": "a", "hours": hours})
    await publish(program.settings, [Poll("a", MONDAY_US + DAY_US // 2, True)])
    rows = await report(program.settings, AS_OF)
    assert rows.open[:, 0].tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("topic", "fact", "reason"),
    [
        ("special_hours", {"store_id": "a", "date": "today"}, "bad-hours"),
        (
            "special_hours",
            {"store_id": "a", "date": "today", "openings": []},
            "bad-date",
        ),
        ("exclusions", {"store_id": "a", "kind": "holiday"}, "bad-kind"),
        ("hours", {"store_id": "a", "valid_from": "x", "hours": []}, "bad-date"),
        ("hours", {"store_id": "*", "hours": []}, "bad-store-id"),
        ("zones", {"store_id": "*", "timezone_str": "UTC"}, "bad-store-id"),
    ],
)
async def test_what_is_refused_of_a_fact_keeps_its_reason(
    program: Program, topic: str, fact: dict[str, Any], reason: str
) -> None:
    """Counted, and kept with the other refused records."""
    await tell(program, topic, "a", fact)
    await publish(program.settings, [Poll("b", MONDAY_US, True)])
    await report(program.settings, AS_OF)
    [one] = await rejected(program)
    assert (one.topic, one.reason) == (getattr(program.topics, topic).name, reason)


def keys_of(store_id: str, dates: Sequence[str]) -> list[bytes]:
    """Table keys of a store's dates."""
    return [
        encode_key(store_id.encode(), encode_day(parse_date(date, "date")))
        for date in dates
    ]


def test_the_dates_of_a_store_lie_together_in_their_order() -> None:
    """And before those of a store whose id goes on."""
    keys = keys_of("a", ["1999-12-31", "2000-01-01"]) + keys_of("ab", ["1980-01-01"])
    assert keys == sorted(keys)


async def test_every_store_has_a_row_that_anything_is_known_of(
    program: Program,
) -> None:
    """Sorted bytewise; neither ``*`` nor labels make one known, nor what is forgotten.

    Labels change no figure: without anything else there is none.
    """
    await publish(program.settings, [Poll("polled", MONDAY_US, True)])
    times = {"start_time_local": "09:00", "end_time_local": "17:00"}
    for topic, key, told in (
        ("hours", "Zed", {"store_id": "Zed", "hours": [{"dayOfWeek": 1, **times}]}),
        ("zones", "zoned", {"store_id": "zoned", "timezone_str": "UTC"}),
        ("labels", "called", {"store_id": "called", "name": "Main St", "labels": {}}),
        ("zones", "gone", {"store_id": "gone", "timezone_str": "UTC"}),
        ("zones", "gone", None),
        ("special_hours", "ü\0002025-11-24", {"store_id": "ü", "openings": []}),
        ("special_hours", "*\0002025-11-24", {"store_id": "*", "openings": [times]}),
        ("exclusions", "excluded\0e1", exclusion("maintenance", 12, 13)),
    ):
        if told is not None and topic in ("special_hours", "exclusions"):
            store_id = key.partition("\0")[0]
            told = {"date": "2025-11-24", **told, "store_id": store_id}
        await tell(program, topic, key, told)
    rows = await report(program.settings, AS_OF)
    assert rows.store_ids == ["Zed", "excluded", "polled", "zoned", "ü"]
