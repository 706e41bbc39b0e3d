"""What is asked of a partition's owner about periods."""

from dataclasses import asdict, dataclass
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
from streamproc.rules.periods import Period, check_by, parse_period
from streamproc.web.cluster.calls import Call, in_steps
from streamproc.web.cluster.scans import Steps
from tables.kept import kept, zones_in_use
from tables.periods import PeriodSnapshot


def _kept(program: Program, args: dict[str, Any]) -> Kept | None:
    return kept(program.histories, args["partition"], args["not_before_us"])


def _encode_kept(found: Kept | None) -> bytes:
    return orjson.dumps(found)


def _decode_kept(value: bytes) -> Kept | None:
    told = orjson.loads(value)
    return None if told is None else Kept(**told)


KEPT = Call("kept", _kept, encode=_encode_kept, decode=_decode_kept)


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


def _snapshot(
    program: Program, partition: int, span: Span, as_polled: bool = False
) -> PeriodSnapshot:
    return PeriodSnapshot(
        *(program.histories, program.facts, program.labels, partition, span),
        *(program.settings.rules, program.settings.bridge_us, as_polled),
    )


def _rows(program: Program, args: dict[str, Any]) -> Steps[list[PeriodRows]]:
    snapshot = _snapshot(program, args["partition"], _span(program, args))
    snapshot.where = None if args["where"] is None else parse_where(args["where"])
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


def _store(program: Program, args: dict[str, Any]) -> StorePeriod | None:
    """Figures of a store; None when nothing is known of it.

    Raises ReportFailedError, which says why, when nothing of the period is kept.
    """
    partition, store_id = args["partition"], args["store_id"].encode()
    own = program.facts.of(partition, store_id)
    asked, known = parse_period(args["period"]), _decode_kept(args["kept"].encode())
    zone, by = args["zone"] or own.zone_name, check_by(args["by"])
    when = args["as_of_us"], [zone], program.settings.day_starts_s
    if not any(own) and not len(program.histories.polls_of(partition, store_id)):
        return None
    try:
        whole = span_of(asked, None, zone, known, *when)
    except InvalidInput as exc:
        raise ReportFailedError(str(exc)) from exc
    sliced = Span(
        *(whole.period, by, whole.kept, whole.as_of_us, zone, whole.day_starts_s)
    )
    return StorePeriod(
        whole.period,
        zone,
        whole.since_us([zone]),
        sliced.names,
        _snapshot(program, partition, whole).row(store_id),
        _snapshot(program, partition, sliced).row(store_id),
        _snapshot(program, partition, whole, as_polled=True).row(store_id)
        if own.exclusions or program.facts.of_all(partition).exclusions
        else NO_PERIOD_ROWS,
    )


def _encode_store(found: StorePeriod | None) -> bytes:
    if found is None:
        return b"null"
    told = asdict(found)
    for name in _ROWS:
        told[name] = encode_period_rows(getattr(found, name)).decode()
    return orjson.dumps(told)


def _decode_store(value: bytes) -> StorePeriod | None:
    told = orjson.loads(value)
    if told is None:
        return None
    told["period"] = Period(**told["period"])
    for name in _ROWS:
        told[name] = decode_period_rows(told[name].encode())
    return StorePeriod(**told)


STORE_PERIOD = Call("store-period", _store, encode=_encode_store, decode=_decode_store)
