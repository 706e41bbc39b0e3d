"""One store's figures of several spans of time, of one walk over its polls."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from streamproc.report.period_rows import NO_PERIOD_ROWS, PeriodRows
from streamproc.rules.period_edges import Span
from streamproc.rules.uptime import Rules
from tables.accounting import Stores
from tables.chunks import Chunk
from tables.one_archive import Archived
from tables.one_store import OneStore
from tables.period_accounting import edges_of_each, rows_of_slicings
from tables.period_polls import SpanPolls


@dataclass(frozen=True, slots=True)
class OnePeriods:
    """Figures of a store of a partition whose older polls are in ``archive``."""

    archive: Archived
    rules: Rules
    bridge_us: int

    def rows(
        self, one: OneStore, spans: Sequence[Span], as_polled: bool = False
    ) -> list[PeriodRows]:
        """Its rows of each span, all as of one instant; none of what has no length.

        ``as_polled``: as if there were no exclusions.
        """
        zone = one.facts.zone_name
        edges = [edges_of_each(span, [zone], {}) for span in spans]
        told = [at for at, each in enumerate(edges) if each.min() < each.max()]
        found = [NO_PERIOD_ROWS] * len(spans)
        if not one.is_known or not told:
            return found
        begin_us = min(int(edges[at].min()) for at in told)
        end_us = max(int(edges[at].max()) for at in told)
        some = self._polled(one, begin_us, end_us, spans[0].as_of_us)
        rows = rows_of_slicings(
            some,
            [one.labels],
            [edges[at] for at in told],
            self.rules,
            self.bridge_us,
            as_polled,
        )
        for at, each in zip(told, rows, strict=True):
            found[at] = each
        return found

    def _polled(
        self, one: OneStore, begin_us: int, end_us: int, as_of_us: int
    ) -> Stores:
        """The store with all polls that speak within a time."""
        polls = SpanPolls(
            *(self.archive, one.partition, begin_us, end_us, as_of_us, self.rules)
        )
        some = one.alone
        chunk = polls.complete(Chunk(some.store_ids, some.counts, some.packed))
        return replace(some, counts=chunk.counts, packed=chunk.packed)
