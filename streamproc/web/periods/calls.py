"""What is asked of a partition's owner about periods."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import orjson

from streamproc.errors import InvalidInput, ReportFailedError
from streamproc.program import Program
from streamproc.report.period_rows import (
    NO_PERIOD_ROWS,
    PeriodRows,
    decode_period_rows,
    encode_period_rows,
)
from streamproc.rules.labels import parse_where
from streamproc.rules.period_edges import Kept, Span, span_of
from streamproc.rules.periods import Asked, Period, check_by, parse_period
from streamproc.web.cluster.calls import Call, in_steps
from streamproc.web.cluster.scans import Steps
from streamproc.web.counting import Counting
from tables.kept import kept, zones_in_use
from tables.one_period import OnePeriods
from tables.one_store import OneStore
from tables.periods import PeriodSnapshot


def _kept(program: Program, args: dict[str, Any]) -> Kept | None:
    return kept(program.histories, args["partition"], args["not_before_us"])


def encode_kept(found: Kept | None) -> bytes:
    """Since when polls are kept, as another worker gets it."""
    return orjson.dumps(found)


def decode_kept(value: bytes) -> Kept | None:
    """What another worker sent."""
    told = orjson.loads(value)
    return None if told is None else Kept(**told)


KEPT = Call("kept", _kept, encode=encode_kept, decode=decode_kept)


def _zones(program: Program, args: dict[str, Any]) -> list[str]:
    return sorted(zones_in_use(program.histories, program.zones, args["partition"]))


ZONES_IN_USE = Call("zones-in-use", _zones)


def span_args(span: Span) -> dict[str, Any]:
    """A span as it is asked for; ``_span`` reads it."""
    return {
        "period": asdict(span.period),
        "by": span.by,
        "kept": asdict(span.kept),
        "as_of_us": span.as_of_us,
        "zone": span.zone,
    }


def _span(program: Program, args: dict[str, Any]) -> Span:
    return Span(
        Period(**args["period"]),
        args["by"],
        Kept(**args["kept"]),
        args["as_of_us"],
        args["zone"],
        program.settings.day_starts_s,
    )


def _rows(program: Program, args: dict[str, Any]) -> Steps[list[PeriodRows]]:
    settings, span = program.settings, _span(program, args)
    tables = program.histories, program.facts, program.labels
    where = None if args["where"] is None else parse_where(args["where"])
    snapshot = PeriodSnapshot(
        *(*tables, args["partition"], span, settings.rules, settings.bridge_us),
        where=where,
    )
    found = []
    for rows in snapshot.rows():
        found.append(rows)
        yield
    return found


def _encode_rows(found: list[PeriodRows]) -> bytes:
    return orjson.dumps([encode_period_rows(rows).decode() for rows in found])


def _decode_rows(value: bytes) -> list[PeriodRows]:
    return [decode_period_rows(text.encode()) for text in orjson.loads(value)]


PERIOD_ROWS = in_steps("period-rows", _rows, _encode_rows, _decode_rows)


@dataclass(frozen=True, slots=True)
class StorePeriod:
    """One store's figures: ``total`` one row, ``slices`` one per slice.

    ``since_us``: see ``Span.since_us``. ``names``: of the slices. ``as_polled``: the
    total as if there were no exclusions; no row where there are none.
    """

    period: Period
    zone: str
    since_us: int | None
    names: list[str]
    total: PeriodRows
    slices: PeriodRows
    as_polled: PeriodRows


_ROWS = ("total", "slices", "as_polled")
"""What of it are rows."""


@dataclass(frozen=True, slots=True)
class Slicing:
    """A period that was asked for, and how it is sliced."""

    asked: Asked
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose dates are meant, by which hour they start, and as of when.

    ``known``: since when polls are kept.
    """

    zone: str
    day_starts_s: int
    known: Kept | None
    as_of_us: int

    def spans(self, slicing: Slicing) -> tuple[Span, Span]:
        """The time of a period as a whole, and sliced; raises InvalidInput."""
        at = self.zone, self.known, self.as_of_us, [self.zone], self.day_starts_s
        whole = span_of(slicing.asked, None, *at)
        return whole, replace(whole, by=slicing.by)


def store_periods(
    periods: OnePeriods, one: OneStore, slicings: Sequence[Slicing], whose: Whose
) -> list[StorePeriod | ReportFailedError]:
    """A store's figures of several periods, of one walk over its polls.

    In place of a period of which nothing is kept: why.
    """
    found: list[tuple[Span, Span] | ReportFailedError] = []
    for each in slicings:
        try:
            found.append(whose.spans(each))
        except InvalidInput as exc:
            found.append(ReportFailedError(str(exc)))
    zone = whose.zone
    pairs = [pair for pair in found if isinstance(pair, tuple)]
    spans = list(dict.fromkeys(span for pair in pairs for span in pair))
    wholes = list(dict.fromkeys(whole for whole, _ in pairs))
    rows = dict(zip(spans, periods.rows(one, spans), strict=True))
    as_polled: dict[Span, PeriodRows] = {}
    if one.facts.exclusions:
        polled = periods.rows(one, wholes, as_polled=True)
        as_polled = dict(zip(wholes, polled, strict=True))
    return [
        StorePeriod(
            *(pair[0].period, zone, pair[0].since_us([zone]), pair[1].names),
            *(rows[pair[0]], rows[pair[1]]),
            as_polled.get(pair[0], NO_PERIOD_ROWS),
        )
        if isinstance(pair, tuple)
        else pair
        for pair in found
    ]


def one_store(program: Program, partition: int, store_id: str) -> OneStore:
    """A store of a partition that is here."""
    tables = program.histories, program.facts, program.labels
    return OneStore.read(*tables, partition, store_id.encode())


def _store(program: Program, args: dict[str, Any]) -> StorePeriod | None:
    """Figures of a store; None when nothing is known of it.

    Raises ReportFailedError, which says why, when nothing of the period is kept.
    """
    one = one_store(program, args["partition"], args["store_id"])
    if not one.is_known:
        return None
    slicing = Slicing(parse_period(args["period"]), check_by(args["by"]))
    by = Counting.of(program.settings)
    whose = Whose(
        args["zone"] or one.facts.zone_name,
        by.day_starts_s,
        decode_kept(args["kept"].encode()),
        args["as_of_us"],
    )
    periods = by.periods(program.histories.archive)
    (found,) = store_periods(periods, one, [slicing], whose)
    if isinstance(found, ReportFailedError):
        raise found
    return found


def encode_period(found: StorePeriod | None) -> bytes:
    """A store's figures as another worker gets them."""
    if found is None:
        return b"null"
    told = asdict(found)
    for name in _ROWS:
        told[name] = encode_period_rows(getattr(found, name)).decode()
    return orjson.dumps(told)


def decode_period(value: bytes) -> StorePeriod | None:
    """Figures that another worker sent."""
    told = orjson.loads(value)
    if told is None:
        return None
    told["period"] = Period(**told["period"])
    for name in _ROWS:
        told[name] = decode_period_rows(told[name].encode())
    return StorePeriod(**told)


STORE_PERIOD = Call("store-period", _store, encode=encode_period, decode=decode_period)
