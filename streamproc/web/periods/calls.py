"""What is asked of a partition's owner about periods."""

from dataclasses import asdict
from typing import Any

import orjson

from streamproc.program import Program
from streamproc.report.period_rows import (
    PeriodRows,
    decode_period_rows,
    encode_period_rows,
)
from streamproc.rules.labels import parse_where
from streamproc.rules.period_edges import Kept, Span
from streamproc.rules.periods import Period
from streamproc.web.cluster.calls import Call, in_steps
from streamproc.web.cluster.scans import Steps
from tables.kept import kept, zones_in_use
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
