"""A report of files alone: a worker's rules, without its log, tables and agents.

A report is a function of the set of polls and of what is known of the stores. Whoever
has both at hand, as ``once`` has after reading, need not send them anywhere: here they
go through the same functions as in ``tables`` and ``agents``. Nothing is too old here,
as all polls are there.
"""

import functools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import orjson

from streamproc.cells import Ints
from streamproc.loading.polls import StorePolls
from streamproc.loading.stores import StoreFile, store_of
from streamproc.report import record, survey
from streamproc.report.messages import Request
from streamproc.report.record import Report
from streamproc.report.rows import Rows
from streamproc.rules import history
from streamproc.rules.poll import MAX_FUTURE_US
from streamproc.rules.uptime import Rules
from tables import fact_records as kinds
from tables.accounting import Stores, account
from tables.calendars import NO_FACTS, StoreFacts
from tables.chunks import STORES_PER_CHUNK
from tables.fact_records import Kind
from tables.facts import ALL_STORES, Facts

KINDS = {
    "hours": kinds.HOURS,
    "zones": kinds.ZONES,
    "special hours": kinds.SPECIAL_HOURS,
    "exclusions": kinds.EXCLUSIONS,
}
"""How the messages of each kind of file are read; labels change no figure."""

ALL_STORES_PART = 0
"""The one part that such a report has."""


def make_report(
    request: Request,
    polls: StorePolls,
    files: Sequence[StoreFile],
    rules: Rules,
    now_us: int,
) -> tuple[Report, Rows]:
    """The finished report, and its rows in the order of their ids; of a poll at least.

    Raises ReportFailedError for a latest poll that stands alone, InvalidInput for a
    time before all polls.
    """
    report = _resolved(
        record.start(request, [ALL_STORES_PART], now_us, ""), polls, now_us
    )
    as_of_us = report.as_of_us or 0
    known = KnownStores.of(polls, files, now_us)
    rows = Rows.join(
        [
            account(some, as_of_us, rules, request.as_polled)
            for some in known.chunks(STORES_PER_CHUNK)
        ]
    )
    record.check_known(report, bool((rows.last >= 0).any()))
    return record.finished(report, now_us, len(rows)), rows


def _resolved(report: Report, polls: StorePolls, now_us: int) -> Report:
    """The report, once it is known as of when."""
    if report.as_of_us is not None:
        return report
    report = surveyed(report, polls, now_us)
    return record.resolved(report, survey.surveyed_as_of(report, now_us) or 0, 1)


def surveyed(report: Report, polls: StorePolls, now_us: int) -> Report:
    """The report, once it is known which poll is the newest."""
    times = history.known_until(polls.packed, polls.counts, now_us + MAX_FUTURE_US)
    newest, *others = np.argsort(times)[::-1].tolist()
    return record.with_part(
        report,
        ALL_STORES_PART,
        now_us,
        newest_us=int(times[newest]),
        newest_store=polls.store_ids[newest].decode(),
        next_us=int(times[others[0]]) if others else -1,
    )


@dataclass(frozen=True, slots=True)
class KnownStores:
    """All stores, in the order of their ids, with their polls and facts.

    ``counts``: shape (n,), polls of each in ``packed``; 0 for who has none.
    """

    store_ids: list[bytes]
    counts: Ints
    packed: Ints
    facts: list[StoreFacts]

    @classmethod
    def of(
        cls, polls: StorePolls, files: Sequence[StoreFile], now_us: int
    ) -> "KnownStores":
        """The stores that have polls, and those that something is told of."""
        told = {
            file.kind: _facts_in(file, KINDS[file.kind], now_us // 1_000)
            for file in files
            if file.kind in KINDS
        }
        own = set().union(*told.values()) - {ALL_STORES}
        silent = own.difference(polls.store_ids)
        polled = dict(zip(polls.store_ids, polls.counts.tolist(), strict=True))
        store_ids = sorted([*polls.store_ids, *silent])
        of_all = _facts_of(ALL_STORES, told)
        return cls(
            store_ids,
            np.array([polled.get(each, 0) for each in store_ids], np.int64),
            polls.packed,
            [
                (_facts_of(each, told) if each in own else NO_FACTS).with_all(of_all)
                for each in store_ids
            ],
        )

    def chunks(self, stores: int) -> Iterator[Stores]:
        """Its stores, so many at a time."""
        ends = np.concatenate(([0], np.cumsum(self.counts)))
        for first in range(0, len(self.store_ids), stores):
            part = slice(first, first + stores)
            until = min(first + stores, len(self.store_ids))
            packed = self.packed[ends[first] : ends[until]]
            yield Stores.of(
                self.store_ids[part], self.counts[part], packed, self.facts[part]
            )


def _facts_in(file: StoreFile, kind: Kind, at_ms: int) -> dict[bytes, Facts]:
    """What a file tells of each store, as the tables would have it."""
    found: defaultdict[bytes, dict[bytes, bytes]] = defaultdict(dict)

    @functools.cache
    def read(told: bytes) -> tuple[str, bytes | None]:
        return kind.read(orjson.loads(told), at_ms)

    for key, message in file.messages.items():
        # Many stores are told the same.
        text, value = read(orjson.dumps({**message, "store_id": ""}))
        if value is not None:
            found[store_of(key).encode()][kind.suffix(text)] = value
    return {store_id: tuple(sorted(own.items())) for store_id, own in found.items()}


def _facts_of(store_id: bytes, told: dict[str, dict[bytes, Facts]]) -> StoreFacts:
    """What is told of one store."""
    hours, zones, special, exclusions = (
        told.get(kind, {}).get(store_id, ()) for kind in KINDS
    )
    return StoreFacts(hours, zones[0][1] if zones else None, special, exclusions)
