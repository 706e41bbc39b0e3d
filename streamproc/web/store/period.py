"""A store's figures of periods: for all that are asked for, one walk over its polls."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
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
from streamproc.rules.period_edges import Kept, Span, span_of
from streamproc.rules.periods import Asked, Period, check_by, parse_period
from streamproc.web.cluster.calls import Call
from streamproc.web.counting import Counting
from streamproc.web.periods.calls import decode_kept
from streamproc.web.store.data import one_store
from tables.one_period import OnePeriods
from tables.one_store import OneStore


@dataclass(frozen=True, slots=True)
class StorePeriod:
    """One store's figures: ``total`` one row, ``slices`` one per slice.

    ``since_us``: see ``Span.since_us``. ``names``: of the slices. ``as_polled``: the
    total as if there were no exclusions; no row where there are none, or where it was
    not asked for.
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
    """A period that was asked for, and how it is sliced.

    ``as_polled``: whether its total without exclusions is wanted, too.
    """

    asked: Asked
    by: str | None = None
    as_polled: bool = False


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
    found = [_spans_or_why(whose, each) for each in slicings]
    pairs = [pair for pair in found if isinstance(pair, tuple)]
    rows = _rows_by_span(periods, one, [span for pair in pairs for span in pair])
    as_polled: dict[Span, PeriodRows] = {}
    if one.facts.exclusions:
        wholes = _wholes_as_polled(slicings, found)
        as_polled = _rows_by_span(periods, one, wholes, as_polled=True)
    return [
        _store_period(whose.zone, *pair, rows, as_polled)
        if isinstance(pair, tuple)
        else pair
        for pair in found
    ]


def _spans_or_why(
    whose: Whose, slicing: Slicing
) -> tuple[Span, Span] | ReportFailedError:
    """The spans of a slicing; or why there are none."""
    try:
        return whose.spans(slicing)
    except InvalidInput as exc:
        return ReportFailedError(str(exc))


def _wholes_as_polled(
    slicings: Sequence[Slicing], found: Sequence[tuple[Span, Span] | ReportFailedError]
) -> Iterator[Span]:
    """The spans whose total without exclusions is wanted."""
    for slicing, pair in zip(slicings, found, strict=True):
        if slicing.as_polled and isinstance(pair, tuple):
            yield pair[0]


def _rows_by_span(
    periods: OnePeriods, one: OneStore, spans: Iterable[Span], as_polled: bool = False
) -> dict[Span, PeriodRows]:
    """The store's rows of each span, counted once where two slicings have it."""
    distinct = list(dict.fromkeys(spans))
    rows = periods.rows(one, distinct, as_polled)
    return dict(zip(distinct, rows, strict=True))


def _store_period(
    zone: str,
    whole: Span,
    sliced: Span,
    rows: Mapping[Span, PeriodRows],
    as_polled: Mapping[Span, PeriodRows],
) -> StorePeriod:
    """A store's figures of a period, of its rows by their spans."""
    return StorePeriod(
        whole.period,
        zone,
        whole.since_us([zone]),
        sliced.names,
        rows[whole],
        rows[sliced],
        as_polled.get(whole, NO_PERIOD_ROWS),
    )


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
