"""Agents of what is known of stores: the newest word on each, and nothing lost."""

from typing import Any

import orjson
import pytest

from agents import stores
from streamproc.program import Program
from streamproc.rules.schedule import parse_hours
from streamproc.rules.special_hours import parse_date
from streamproc.topics import TO_ALL
from streamproc.transport.batch import Batch
from streamproc.transport.columns import Headers
from streamproc.transport.partitioner import partition_for
from tables import hours as hours_table
from tables import zones as zones_table
from tables.facts import encode_day, encode_key
from tests.agents import fakes
from tests.agents.fakes import Sent, Table

HERE = b"a"
PARTITION = partition_for(HERE, 2)
AWAY = next(
    store
    for store in (b"%d" % number for number in range(99))
    if partition_for(store, 2) != PARTITION
)
BERLIN = zones_table.encode("Europe/Berlin")
WEEK = [{"dayOfWeek": 1, "start_time_local": "09:00", "end_time_local": "17:00"}]


@pytest.fixture
def program() -> Program:
    """A program of two partitions, with tables that note what is written."""
    made = fakes.program()
    happened = made.__dict__["happened"]
    for name in ("hours", "zones", "special_hours", "exclusions", "labels"):
        setattr(made, name, Table(name, happened))
    return made


def zone(store_id: bytes, name: str | None) -> bytes:
    """A message about a store's zone."""
    return orjson.dumps({"store_id": store_id.decode(), "timezone_str": name})


def batch(*values: bytes | None) -> Batch:
    """Messages on the partition of ``HERE``, all with the key ``42``."""
    return fakes.batch(list(values), partition=PARTITION, topic="store-zones")


async def run(program: Program, name: str, *batches: Batch) -> list[Any]:
    """What was made durable by an agent, in its order."""
    await fakes.run_agent(program, stores.register, name, *batches)
    events: list[Any] = program.__dict__["happened"].events
    return events


async def test_each_agent_keeps_its_own_facts(program: Program) -> None:
    """Hours in the table of hours, zones in that of zones, as their readers decode."""
    week = orjson.dumps({"store_id": "a", "hours": WEEK})
    await run(program, "hours", batch(week))
    await run(program, "zones", batch(zone(HERE, "Europe/Berlin")))
    hours: Any = program.hours
    zones: Any = program.zones
    assert hours.kept == {HERE: hours_table.encode(parse_hours(WEEK))}
    assert zones.kept == {HERE: BERLIN}


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        ((zone(HERE, "Europe/Berlin"), zone(HERE, "UTC")), zones_table.encode("UTC")),
        ((zone(HERE, "UTC"), zone(HERE, None), zone(HERE, "Europe/Berlin")), BERLIN),
        ((zone(HERE, "UTC"), zone(HERE, None)), None),
        ((zone(HERE, "Europe/Berlin"), zone(HERE, "Mars/Base")), BERLIN),
    ],
)
async def test_the_last_message_of_a_store_in_a_batch_counts(
    values: tuple[bytes, ...], kept: bytes | None, program: Program
) -> None:
    """Also when it forgets; one that is refused is none."""
    await run(program, "zones", batch(*values))
    zones: Any = program.zones
    assert zones.kept.get(HERE) == kept


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("america/new york", "America/New_York"),
        ("Central Standard Time", "America/Chicago"),
        (" utc ", "UTC"),
    ],
)
async def test_a_zone_is_kept_in_the_database_s_spelling(
    written: str, meant: str, program: Program
) -> None:
    """However the message writes it; an empty one forgets."""
    zones: Any = program.zones
    await run(program, "zones", batch(zone(HERE, written)))
    assert zones.kept == {HERE: zones_table.encode(meant)}
    await run(program, "zones", batch(zone(HERE, " ")))
    assert zones.kept == {}


def opening(day: object, start: str, end: str) -> dict[str, object]:
    """A row of a week."""
    return {"dayOfWeek": day, "start_time_local": start, "end_time_local": end}


@pytest.mark.parametrize(
    ("rows", "kept"),
    [
        ([opening("Mon", "9:00 AM", "5.30 pm")], [[0, 32_400, 63_000]]),
        ([opening("0.0", "9.00", "24:00")], [[0, 32_400, 86_400]]),
        (
            [opening(0, "09:00", "17:00"), opening(1, "closed", "closed")],
            [[0, 32_400, 61_200]],
        ),
        ([opening(day, "", "") for day in range(7)], [[0, 0, 0]]),
    ],
)
async def test_hours_are_understood_as_people_write_them(
    rows: list[dict[str, object]], kept: list[list[int]], program: Program
) -> None:
    """The same rules as in files; a week that is never open is not 24x7."""
    hours: Any = program.hours
    message = orjson.dumps({"store_id": f" {HERE.decode()} ", "hours": rows})
    await run(program, "hours", batch(message))
    assert hours.kept == {HERE: orjson.dumps(kept)}


@pytest.mark.parametrize("store_id", ["7\u200b", "\ufeff7", "7\u00ad", "1.02E+18"])
async def test_an_id_that_is_none_in_a_file_is_none_here(
    store_id: str, program: Program
) -> None:
    """Nothing is kept of it."""
    zones: Any = program.zones
    message = orjson.dumps({"store_id": store_id, "timezone_str": "UTC"})
    await run(program, "zones", batch(message))
    assert zones.kept == {}


async def test_a_store_is_forgotten_by_its_key_too(program: Program) -> None:
    """A record without value, or whose value is null, is about the store of its key."""
    key = b"42"
    there = partition_for(key, 2)
    zones: Any = program.zones
    for forget in (None, b"null", b" null\n"):
        zones.kept[key] = BERLIN
        await run(
            program,
            "zones",
            fakes.batch([forget], partition=there, topic="store-zones"),
        )
        assert zones.kept == {}


async def test_everything_is_durable_before_the_ack(program: Program) -> None:
    """What is sent on, what is refused, and what is kept."""
    values = (zone(AWAY, "UTC"), b"{", zone(HERE, "UTC"))
    events = await run(program, "zones", batch(*values))
    sent = [event.topic for event in events if isinstance(event, Sent)]
    assert sorted(sent) == ["store-polls-rejected", "store-zones"]
    assert events[-1] == ("acked", PARTITION)
    assert ("written", "zones", PARTITION, {HERE: zones_table.encode("UTC")}) in events


async def test_nothing_is_acked_that_could_not_be_written(program: Program) -> None:
    """A full disk: the worker ends, and its restart reads the batch again."""
    zones: Any = program.zones
    zones.error = OSError("no space left")
    with pytest.raises(OSError, match="no space left"):
        await run(program, "zones", batch(zone(HERE, "UTC")), batch(zone(HERE, None)))
    app: Any = program.app
    assert app.crashed == [zones.error]
    assert program.__dict__["happened"].events == []


async def test_nothing_is_written_or_acked_when_the_broker_takes_nothing(
    program: Program,
) -> None:
    """A misplaced or refused message that cannot be sent would be lost."""
    for value in (zone(AWAY, "UTC"), b"{"):
        producer: Any = program.app.producer
        producer.error = ConnectionError("gone")
        with pytest.raises(ConnectionError):
            await run(program, "zones", batch(value))
        assert program.__dict__["happened"].events == []


async def test_a_misplaced_message_is_sent_on_once(program: Program) -> None:
    """To its own partition, under its store's id, where it is kept."""
    events = await run(program, "zones", batch(zone(AWAY, "UTC")))
    (sent,) = [event for event in events if isinstance(event, Sent)]
    there = partition_for(AWAY, 2)
    assert (sent.topic, sent.partition, sent.key) == ("store-zones", there, AWAY)
    assert dict(sent.headers) == {"rerouted-from": b"%d" % PARTITION}
    zones: Any = program.zones
    assert zones.kept == {}
    arrived = fakes.batch(
        [sent.value], {0: sent.headers}, partition=there, topic="store-zones"
    )
    events = await run(program, "zones", arrived)
    assert zones.kept == {AWAY: zones_table.encode("UTC")}
    assert len([event for event in events if isinstance(event, Sent)]) == 1


async def test_a_refused_message_is_kept_with_its_place(program: Program) -> None:
    """Its neighbours are kept, and each refused one is found again by its offset."""
    values = (zone(HERE, "Europe/Berlin"), b"{", b"[]", zone(b"", "UTC"))
    await run(program, "zones", batch(*values))
    refused = program.__dict__["happened"].sent("store-polls-rejected")
    told = [dict(one.headers) for one in refused]
    assert [(t["reason"], t["offset"]) for t in told] == [
        (b"bad-json", b"1"),
        (b"bad-json", b"2"),
        (b"missing-store-id", b"3"),
    ]
    assert {t["partition"] for t in told} == {b"%d" % PARTITION}
    assert [one.value for one in refused] == list(values[1:])
    zones: Any = program.zones
    assert zones.kept == {HERE: BERLIN}


def dated(since: str | None, opening: str) -> bytes:
    """A week of a store, from a date on or undated."""
    rows = [{"dayOfWeek": 1, "start_time_local": opening, "end_time_local": "17:00"}]
    return orjson.dumps({"store_id": "a", "valid_from": since, "hours": rows})


async def test_an_undated_week_forgets_the_dated_ones_before_it(
    program: Program,
) -> None:
    """Those of the table and those of its own batch; one that follows it stays."""
    await run(program, "hours", batch(dated("2026-01-01", "08:00")))
    values = (
        dated("2026-02-01", "08:00"),
        dated(None, "09:00"),
        dated("2026-03-01", "07:00"),
    )
    await run(program, "hours", batch(*values))
    hours: Any = program.hours
    march = encode_day(parse_date("2026-03-01", "date"))
    assert sorted(hours.kept) == [HERE, encode_key(HERE, march)]


@pytest.mark.parametrize(
    ("headers", "sent_on"),
    [((), True), (((TO_ALL, b"1"),), False), ((("rerouted-from", b"1"),), False)],
)
async def test_what_is_of_all_stores_is_sent_on_to_the_other_partitions_once(
    program: Program, headers: Headers, sent_on: bool
) -> None:
    """Unless it is there already; and kept here in any case."""
    value = orjson.dumps({"store_id": "*", "date": "2026-12-25", "openings": []})
    told = fakes.batch(
        [value], {0: headers}, partition=PARTITION, topic="store-special-hours"
    )
    events = await run(program, "special_hours", told)
    sent = [event for event in events if isinstance(event, Sent)]
    others = [n for n in range(2) if n != PARTITION]
    assert [one.partition for one in sent] == (others if sent_on else [])
    assert all(one.key == b"*\0002026-12-25" for one in sent)
    special: Any = program.special_hours
    assert list(special.kept) == [
        encode_key(b"*", encode_day(parse_date("2026-12-25", "date")))
    ]
