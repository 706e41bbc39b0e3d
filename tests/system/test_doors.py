"""A value means the same at every door, or is refused there with the same sentence."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from streamproc.rules.labels import Labels
from streamproc.rules.poll import Poll
from streamproc.rules.schedule import ALWAYS_CLOSED, Opening
from streamproc.rules.special_hours import SpecialHours, parse_date
from tests.system.doors import Doors, Refusal
from tests.system.told import Told
from tests.web.live_site import LiveSite

DOORS = ("topic", "http", "load", "page", "replay", "once")
HOUR_S = 3_600


@dataclass(frozen=True)
class At:
    """A poll of that day, understood: the clock in UTC, and what it says."""

    clock: str
    active: bool = True


def at_us(text: str) -> int:
    """UTC microseconds of a time in ISO 8601."""
    moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return round(moment.timestamp() * 1_000_000)


def poll(store_id: str, stamp: str, status: str = "active") -> tuple[Any, ...]:
    """A poll, as it is told."""
    return ("polls", store_id, ({"status": status, "timestamp_utc": stamp},))


def week(*rows: str, since: str = "") -> tuple[Any, ...]:
    """Hours, a row as ``day,start,end``."""
    names = ("dayOfWeek", "start_time_local", "end_time_local")
    made = [dict(zip(names, row.split(","), strict=True)) for row in rows]
    return ("hours", "{door}", tuple({**row, "valid_from": since} for row in made))


def zone(name: str) -> tuple[Any, ...]:
    """A zone."""
    return ("zones", "{door}", ({"timezone_str": name},))


def special(date: str, *rows: str) -> tuple[Any, ...]:
    """Special hours of a date, a row as ``start,end``."""
    names = ("date", "start_time_local", "end_time_local")
    made = [dict(zip(names, (date, *row.split(",")), strict=True)) for row in rows]
    return ("special_hours", "{door}", tuple(made))


def exclusion(
    kind: str, *ends: str, local: bool = False, number: str = "e1"
) -> tuple[Any, ...]:
    """An exclusion from an end to an end, in UTC or local."""
    utc = dict(zip(("from_utc", "to_utc"), ("", "") if local else ends, strict=True))
    here = dict(
        zip(("from_local", "to_local"), ends if local else ("", ""), strict=True)
    )
    return ("exclusions", "{door}", ({"id": number, "kind": kind, **utc, **here},))


def label(name: str = "", target: str = "", region: str = "") -> tuple[Any, ...]:
    """A store's name, target and region."""
    row = {"name": name, "target": target, "region": region}
    return ("labels", "{door}", (row,))


NOON = "2025-05-06 12:{minute:02d}:00"
POLLS: dict[str, tuple[tuple[Any, ...], Any]] = {
    # A time on its own is enough where the store's id is not what is looked at.
    "a-time-without-a-zone": (poll("{door}", "2025-05-06 13:00:00"), At("13:00:00")),
    "a-T-and-a-Z": (poll("{door}", "2025-05-06T13:00:01Z"), At("13:00:01")),
    "a-small-z": (poll("{door}", "2025-05-06t13:00:02z"), At("13:00:02")),
    "GMT": (poll("{door}", "2025-05-06 13:00:03 gmt"), At("13:00:03")),
    "no-seconds": (poll("{door}", "2025-05-06 13:01"), At("13:01:00")),
    "an-offset": (poll("{door}", "2025-05-06 15:02:00+02:00"), At("13:02:00")),
    "a-zero-offset-and-UTC": (
        poll("{door}", "2025-05-06 13:03 +0000 UTC"),
        At("13:03"),
    ),
    "seven-digits": (
        poll("{door}", "2025-05-06 13:04:00.1234567 UTC"),
        At("13:04:00.123456"),
    ),
    "blanks-around-a-time": (poll("{door}", "  2025-05-06 13:05:00 UTC "), At("13:05")),
    "a-status-in-capitals": (
        poll("{door}", "2025-05-06 13:06:00", "INACTIVE"),
        At("13:06", False),
    ),
    "a-status-among-blanks": (
        poll("{door}", "2025-05-06 13:07:00", " Active "),
        At("13:07"),
    ),
    "an-id-among-blanks": (poll("  s 1 ", NOON), At("12:{minute:02d}")),
    "an-id-of-zeros": (poll("007", NOON), At("12:{minute:02d}")),
    "an-id-with-an-e": (poll("12e3", NOON), At("12:{minute:02d}")),
    "a-hexadecimal-id": (poll("73928e03", NOON), At("12:{minute:02d}")),
    "an-id-with-a-point": (poll("7.0", NOON), At("12:{minute:02d}")),
    "an-id-in-greek": (poll("κατάστημα", NOON), At("12:{minute:02d}")),
    "a-number-of-seconds": (poll("x1", "1746536400"), "bad-timestamp"),
    "a-number-of-milliseconds": (poll("x2", "1746536400000"), "bad-timestamp"),
    "a-spreadsheets-days": (poll("x3", "45783.5"), "bad-timestamp"),
    "a-day-first": (poll("x4", "25/01/2023 10:00"), "bad-timestamp"),
    "a-date-alone": (poll("x5", "2025-05-06"), "bad-timestamp"),
    "another-zones-letters": (poll("x6", "2025-05-06 13:00 EST"), "bad-timestamp"),
    "a-day-there-is-not": (poll("x7", "2025-02-30 10:00:00"), "bad-timestamp"),
    "a-second-there-is-not": (poll("x8", "2025-05-06 10:00:60"), "bad-timestamp"),
    "before-1970": (poll("x9", "1969-12-31 23:59:59 UTC"), "bad-timestamp"),
    "the-year-2999": (poll("x10", "2999-01-01 00:00:00 UTC"), "in-the-future"),
    "no-time": (poll("x11", ""), "bad-timestamp"),
    "another-status": (poll("x12", NOON, "up"), "unknown-status"),
    "no-status": (poll("x13", NOON, ""), "unknown-status"),
    "a-byte-order-mark": (poll("\ufeff7", NOON), "bad-store-id"),
    "a-blank-without-width": (poll("7\u200b8", NOON), "bad-store-id"),
    "a-soft-hyphen": (poll("so\u00adft", NOON), "bad-store-id"),
    "a-spreadsheets-number": (poll("1.02E+18", NOON), "mangled-id"),
    "all-stores": (poll("*", NOON), "bad-store-id"),
    "no-id": (poll("", NOON), "missing-store-id"),
    "a-long-id": (poll("x" * 129, NOON), "long-store-id"),
}
NINE_TO_FIVE = Opening(0, 9 * HOUR_S, 17 * HOUR_S)
DAY = parse_date("2025-05-05", "date")
HALF_PAST = Opening(0, 9 * HOUR_S, 9 * HOUR_S + 1_800)
ENDS = ("2025-05-05 12:00", "2025-05-05T13:00Z")
FACTS: dict[str, tuple[tuple[Any, ...], Any]] = {
    "AM-and-PM": (week("0,9:00 AM,5:00 PM"), [(NINE_TO_FIVE,)]),
    "a-weekday-by-name": (week("Mon,9.00,17:00:00"), [(NINE_TO_FIVE,)]),
    "a-weekday-in-capitals": (week("MONDAY,9am,5 p.m."), [(NINE_TO_FIVE,)]),
    "a-weekday-with-a-point": (week("0.0,09:00,17:00"), [(NINE_TO_FIVE,)]),
    "closed-twice": (week("0,closed,Closed"), [ALWAYS_CLOSED]),
    "two-empty-times": (week("0,,", "1,09:00,09:00"), [(Opening(1, 32_400, 118_800),)]),
    "twenty-four": (week("0,00:00,24:00"), [(Opening(0, 0, 86_400),)]),
    "the-last-minute": (week("0,00:00,23:59"), [(Opening(0, 0, 86_400),)]),
    "over-midnight": (week("0,22:00,06:00"), [(Opening(0, 79_200, 108_000),)]),
    "a-dated-week": (
        week("0,09:00,17:00", since="2025-05-01"),
        [(NINE_TO_FIVE,)],
    ),
    "a-weekday-seven": (week("7,09:00,17:00"), "bad-weekday"),
    "a-weekday-in-german": (week("Montag,09:00,17:00"), "bad-weekday"),
    "tea-time": (week("0,09:00,tea time", "1,09:00,17:00"), "bad-time"),
    "25-o-clock": (week("0,09:00,25:00"), "bad-time"),
    "0-PM": (week("0,0:00 PM,17:00"), "bad-time"),
    "closed-once": (week("0,closed,17:00"), "bad-time"),
    "closed-and-open": (week("0,09:00,17:00", "0,closed,closed"), "bad-hours"),
    "a-week-from-no-date": (week("0,09:00,17:00", since="May 2025"), "bad-date"),
    "a-zone-in-small-letters": (zone("america/chicago"), ["America/Chicago"]),
    "a-zone-with-a-blank": (zone("America/New York"), ["America/New_York"]),
    "a-zone-of-windows": (zone("Central Standard Time"), ["America/Chicago"]),
    "utc": (zone("utc"), ["UTC"]),
    "a-zone-without-summer": (zone("EST"), ["EST"]),
    "no-zone": (zone(""), []),
    "Factory": (zone("Factory"), "unknown-zone"),
    "a-posix-zone": (zone("posix/UTC"), "unknown-zone"),
    "a-zones-offset": (zone("+05:30"), "unknown-zone"),
    "a-zone-that-is-misspelt": (zone("America/New Yrok"), "unknown-zone"),
    "a-short-name": (zone("CST"), "unknown-zone"),
    "a-special-opening": (
        special("2025-05-05", "9:00 AM,9.30"),
        [SpecialHours(DAY, (HALF_PAST,))],
    ),
    "two-special-openings": (
        special("2025-05-05", "10 pm,2:00", "09:00,09:30"),
        [SpecialHours(DAY, (HALF_PAST, Opening(0, 79_200, 93_600)))],
    ),
    "a-closed-date": (
        special("2025-05-05", "closed,closed"),
        [SpecialHours(DAY, ())],
    ),
    "a-date-day-first": (special("05-05-2025", "09:00,09:30"), "bad-date"),
    "a-date-there-is-not": (special("2025-02-30", "09:00,09:30"), "bad-date"),
    "a-date-closed-and-open": (
        special("2025-05-05", "09:00,09:30", "closed,closed"),
        "bad-hours",
    ),
    "a-special-tea-time": (special("2025-05-05", "09:00,tea"), "bad-time"),
    "maintenance": (
        exclusion("maintenance", *ENDS),
        [("maintenance", at_us("2025-05-05T12:00"), at_us("2025-05-05T13:00"), False)],
    ),
    "a-local-correction": (
        exclusion("correction-up", "2025-05-05 12:00", "2025-05-05T13:00", local=True),
        [
            (
                "correction-up",
                at_us("2025-05-05T12:00") // 1_000_000,
                at_us("2025-05-05T13:00") // 1_000_000,
                True,
            )
        ],
    ),
    "a-kind-in-capitals": (exclusion("Maintenance", *ENDS), "bad-kind"),
    "ends-the-wrong-way-round": (
        exclusion("maintenance", *reversed(ENDS)),
        "bad-exclusion",
    ),
    "no-end": (exclusion("maintenance", ENDS[0], ""), "bad-exclusion"),
    "dates-for-ends": (
        exclusion("maintenance", "2025-05-05", "2025-05-06"),
        "bad-exclusion",
    ),
    "a-local-end-with-a-zone": (
        exclusion("maintenance", *ENDS, local=True),
        "bad-exclusion",
    ),
    "an-id-with-a-blank": (
        exclusion("maintenance", *ENDS, number="my id"),
        "bad-exclusion-id",
    ),
    "a-name-and-a-target": (
        label(" Main St ", "99.5", "West"),
        Labels("Main St", {"region": "West"}, 99.5),
    ),
    "no-labels": (label(), Labels()),
    "a-target-with-a-comma": (label(target="99,5"), "bad-target"),
    "a-target-with-a-sign": (label(target="99.5%"), "bad-target"),
    "a-target-of-nothing": (label(target="0"), "bad-target"),
    "a-target-with-a-line": (label(target="9_9"), "bad-target"),
    "a-name-that-nobody-sees": (label("Ma\u200bin"), "bad-name"),
    "a-label-that-is-too-long": (label(region="x" * 201), "bad-labels"),
}
CASES = POLLS | FACTS


def told_at(door: str, name: str) -> Told:
    """What a case tells at a door; where it can, of a store of its own."""
    kind, store_id, rows = CASES[name][0]
    minute = DOORS.index(door)
    return Told(
        kind,
        store_id.format(door=f"{door}-{name}"),
        tuple(
            {field: text.format(minute=minute) for field, text in row.items()}
            for row in rows
        ),
    )


@functools.cache
def all_told_at(door: str) -> dict[str, Told]:
    """All cases, as they are told at a door."""
    return {name: told_at(door, name) for name in CASES}


def as_fields(message: str) -> str:
    """A refusal as of a message, two of whose fields are called otherwise in files."""
    return message.replace("from_utc", "from").replace("to_utc", "to")


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    """A worker that nothing was told yet."""
    site = LiveSite(tmp_path_factory.mktemp("doors")).start()
    yield Doors(site, tmp_path_factory.mktemp("files"))
    site.stop()


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", CASES)
def test_a_value_means_the_same_at_every_door(
    doors: Doors, door: str, name: str
) -> None:
    """Or is refused with the same reason, in the same words."""
    told, expected = all_told_at(door)[name], CASES[name][1]
    found = doors.outcome(door, all_told_at(door), name)
    if isinstance(expected, At):
        time_us = at_us(f"2025-05-06T{expected.clock.format(minute=DOORS.index(door))}")
        assert Poll(told.store_id.strip(), time_us, expected.active) in found
    elif isinstance(expected, str):
        assert isinstance(found, Refusal), found
        assert found.reason == expected
        first = doors.outcome(DOORS[0], all_told_at(DOORS[0]), name)
        assert as_fields(found.message) in ("", first.message)
    else:
        assert found == expected
