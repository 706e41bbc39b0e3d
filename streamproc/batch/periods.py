"""A report of a period of files alone: a worker's rules, without its tables and agents.

What ``report`` is for the last hour, day and week.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from streamproc.batch.report import ALL_STORES_PART, KnownStores, surveyed
from streamproc.loading.polls import StorePolls
from streamproc.loading.stores import StoreFile, store_of
from streamproc.report import record, survey
from streamproc.report.messages import Request
from streamproc.report.period_record import check_found, span_of_report
from streamproc.report.period_rows import PeriodRows, join_period_rows
from streamproc.report.record import Report
from streamproc.rules import packing
from streamproc.rules.labels import Labels, parse_labels, parse_where
from streamproc.rules.uptime import Rules
from tables.accounting import Stores
from tables.chunks import Chunk, before
from tables.period_accounting import POLLS_PER_CHUNK, rows_of_stores

_MOST_STORES = 2_000


@dataclass(frozen=True, slots=True)
class PeriodRules:
    """How the time of periods is counted."""

    rules: Rules
    bridge_us: int
    day_starts_s: int


def make_period_report(
    request: Request,
    polls: StorePolls,
    files: Sequence[StoreFile],
    counted: PeriodRules,
    now_us: int,
) -> tuple[Report, PeriodRows]:
    """The report, and its rows by id and slice.

    Raises InvalidInput or ReportFailedError, which say why there are none.
    """
    known = KnownStores.of(polls, files, now_us)
    report = record.start(request, [ALL_STORES_PART], now_us, "")
    report = record.with_part(
        surveyed(report, polls, now_us),
        ALL_STORES_PART,
        now_us,
        kept_us=packing.time_of(int(polls.packed.min())),
        zones=sorted({facts.zone_name for facts in known.facts}),
    )
    settled = survey.settled(report, now_us, 1, counted.day_starts_s)
    assert settled is not None  # all there is has answered
    labels = _labels_in(files)
    parts = [
        _rows(some, labels, settled, counted)
        for some in known.chunks(_stores_at_once(known))
    ]
    rows = join_period_rows(parts)
    check_found(settled, len(rows))
    return record.finished(settled, now_us, len(rows)), rows


def _stores_at_once(known: KnownStores) -> int:
    """So many that there are as many polls as a worker reads at once."""
    fitting = POLLS_PER_CHUNK * len(known.store_ids) // max(len(known.packed), 1)
    return min(max(fitting, 1), _MOST_STORES)


def _labels_in(files: Sequence[StoreFile]) -> dict[bytes, Labels]:
    """What files of labels say of each store."""
    return {
        store_of(key).encode(): parse_labels(message)
        for file in files
        if file.kind == "labels"
        for key, message in file.messages.items()
    }


def _rows(
    some: Stores, labels: dict[bytes, Labels], report: Report, counted: PeriodRules
) -> PeriodRows:
    """Rows of some stores, of those that are meant."""
    told = [labels.get(store_id, Labels()) for store_id in some.store_ids]
    if report.where is not None:
        where = parse_where(report.where)
        wanted = np.array([where.holds(each) for each in told], bool)
        some = some.chosen(wanted)
        told = [told[at] for at in np.flatnonzero(wanted).tolist()]
    span = span_of_report(report, counted.day_starts_s)
    chunk = before(Chunk(some.store_ids, some.counts, some.packed), span.as_of_us)
    known = Stores(
        some.store_ids, chunk.counts, chunk.packed, some.schedule, some.numbers
    )
    rules = counted.rules, counted.bridge_us, report.as_polled
    return rows_of_stores(known, told, span, *rules)
