"""All that a store's page needs of its partition: read in one step by its owner.

Each step of its own would wait for the interpreter's lock again beside an ingest.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from streamproc.cells import Ints
from streamproc.errors import ReportFailedError
from streamproc.program import Program
from streamproc.rules.calendar import local_day
from streamproc.rules.period_edges import Kept
from streamproc.rules.periods import Asked, Period, edge_us, parse_period
from streamproc.rules.windows import LONGEST_US
from streamproc.web.changes.log_calls import any_of_store
from streamproc.web.cluster.calls import Call
from streamproc.web.incidents.calls import decode_outages, encode_outages, search_of
from streamproc.web.periods.calls import (
    Slicing,
    StorePeriod,
    decode_kept,
    decode_period,
    encode_kept,
    encode_period,
    one_store,
    store_periods,
)
from streamproc.web.store.budgets import budgets_at, decode_budgets, encode_budgets
from streamproc.web.store.data import StoreData, decode_stores, encode_stores
from streamproc.web.store.months import months_before
from tables.budgets import MonthBudget
from tables.one_store import OneStore
from tables.outage import Outages
from tables.past import Past

MOST_DAYS = 31
"""Days of a period that are drawn as strips; of a longer one the newest."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Packed polls that tell of ``[begin_us, end_us)``, and the incidents in it."""

    packed: Ints
    begin_us: int
    end_us: int
    outages: Outages


@dataclass(frozen=True, slots=True)
class WholeStore:
    """A store as its page shows it.

    ``period``: its figures of the period; None, and ``why``, when nothing of it is
    known. ``by_day``, ``by_month``: the last months up to its today, None where
    nothing of them is. ``days``: the newest days of the period, likewise.
    ``is_changed``: whether its partition has noted that anything was changed of it.
    """

    data: StoreData
    period: StorePeriod | None = None
    why: str = ""
    by_day: StorePeriod | None = None
    by_month: StorePeriod | None = None
    budget: MonthBudget | None = None
    days: Stretch | None = None
    is_changed: bool = False


def whole_args(
    store_id: str, asked: Asked, known: Kept | None, as_of_us: int
) -> dict[str, Any]:
    """A store as it is asked for; ``known``: since when polls are kept."""
    return {
        "store_id": store_id,
        "period": asked.text,
        "kept": encode_kept(known).decode(),
        "as_of_us": as_of_us,
    }


def _whole(program: Program, args: dict[str, Any]) -> WholeStore:
    partition, as_of_us = args["partition"], args["as_of_us"]
    one = one_store(program, partition, args["store_id"])
    packed = _before(program, one, as_of_us)
    data = StoreData(packed, one.own, one.of_all)
    if not data.is_known:
        return WholeStore(data)
    asked, zone = parse_period(args["period"]), one.facts.zone_name
    today = local_day(zone, as_of_us)
    months = parse_period(months_before(today))
    period, by_day, by_month = store_periods(
        program,
        one,
        [Slicing(asked), Slicing(months, "day"), Slicing(months, "month")],
        None,
        decode_kept(args["kept"].encode()),
        as_of_us,
    )
    told = _or_none(period)
    dates = asked.resolve(as_of_us, [zone]) if told is None else told.period
    return WholeStore(
        data,
        told,
        str(period) if told is None else "",
        _or_none(by_day),
        _or_none(by_month),
        budgets_at(program, as_of_us).of(one),
        _days(program, one, dates, today, as_of_us),
        any_of_store(program, partition, args["store_id"]),
    )


def _or_none(found: StorePeriod | ReportFailedError) -> StorePeriod | None:
    return None if isinstance(found, ReportFailedError) else found


def _days(
    program: Program, one: OneStore, period: Period, today: int, as_of_us: int
) -> Stretch | None:
    """The newest local days of a period; None when nothing of them is kept."""
    zone = one.facts.zone_name
    end = min(period.end_day, today + 1)
    first = max(period.first_day, end - MOST_DAYS)
    begin_us, end_us = edge_us(zone, first), min(edge_us(zone, end), as_of_us)
    if begin_us >= end_us:
        return None
    asked = {
        **{"partition": one.partition, "as_of_us": as_of_us, "begin_us": begin_us},
        **{"end_us": end_us, "wheres": (), "dates": None},
    }
    ends = range(end_us, begin_us, -LONGEST_US)
    found = list(_as_kept(program, one, ends))
    if not found:
        return None
    return Stretch(
        found[0] if len(found) == 1 else np.unique(np.concatenate(found)),
        max(begin_us, ends[len(found) - 1] - LONGEST_US),
        end_us,
        search_of(program, asked).of_one(one),
    )


def _as_kept(program: Program, one: OneStore, ends_us: range) -> Iterator[Ints]:
    """Its polls of the weeks before some instants, as far back as they are kept."""
    with suppress(ReportFailedError):
        for end_us in ends_us:
            yield _before(program, one, end_us)


def _before(program: Program, one: OneStore, as_of_us: int) -> Ints:
    """Its polls of the week before an instant, or more; raises ReportFailedError."""
    past = Past(program.histories, one.partition, as_of_us)
    return past.completed(one.store_id, one.polls)


# -- as it travels -----


def _encode(found: WholeStore) -> bytes:
    days = found.days
    return orjson.dumps(
        [
            encode_stores([found.data]).decode(),
            *(
                encode_period(each).decode()
                for each in (found.period, found.by_day, found.by_month)
            ),
            encode_budgets([found.budget]).decode(),
            None if days is None else _told(days),
            found.why,
            found.is_changed,
        ]
    )


def _told(days: Stretch) -> list[Any]:
    outages = encode_outages(days.outages).decode()
    return [days.packed.tolist(), days.begin_us, days.end_us, outages]


def _decode(value: bytes) -> WholeStore:
    data, period, by_day, by_month, budget, days, why, is_changed = orjson.loads(value)
    return WholeStore(
        decode_stores(data)[0],
        decode_period(period),
        why,
        decode_period(by_day),
        decode_period(by_month),
        decode_budgets(budget)[0],
        None if days is None else _stretch(*days),
        is_changed,
    )


def _stretch(packed: list[int], begin_us: int, end_us: int, outages: str) -> Stretch:
    found = decode_outages(outages.encode())
    return Stretch(np.array(packed, np.int64), begin_us, end_us, found)


WHOLE_STORE = Call("whole-store", _whole, encode=_encode, decode=_decode)
