"""The spans of a period in which most stores of a label had no data together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from streamproc.rules.blackouts import Blackout, blackouts, edges_of, not_within
from streamproc.rules.labels import Where
from streamproc.rules.suspicion import FLEET, Group
from streamproc.web.site import Site
from streamproc.web.suspicion.banners import (
    ALL_OF_THEM,
    correction_form,
    in_common,
    stores_of,
)
from streamproc.web.suspicion.calls import BLACKOUTS, PartSteps
from tables.blackouts import Steps


@dataclass(frozen=True, slots=True)
class Span:
    """One span of a group."""

    group: Group
    blackout: Blackout

    @property
    def labels(self) -> dict[str, str]:
        """The label that its stores have in common; empty: it is the whole fleet."""
        label, value = self.group
        return {label: value} if label else {}

    @property
    def whose(self) -> str:
        """What its stores have in common, in words."""
        return in_common(self.labels) or ALL_OF_THEM

    @property
    def correct(self) -> str:
        """The form with the correction filled in."""
        one = self.blackout
        return correction_form(one.begin_us, one.end_us, self.labels)

    @property
    def look(self) -> str:
        """The page of its stores."""
        return stores_of(self.labels)


@dataclass(frozen=True, slots=True)
class Spans:
    """The spans of ``[begin_us, end_us)``, oldest first.

    ``since_us``: no poll before is kept; 0 while all are at hand. ``step_us``: how
    finely it was looked at; shorter spans are not found.
    """

    begin_us: int
    end_us: int
    since_us: int
    step_us: int
    found: list[Span]

    def of(self, wheres: Iterable[Where]) -> list[Span]:
        """Those of the stores for which all hold, and of all; the newest first."""
        wanted = {(where.label, where.value) for where in wheres}
        some = [
            one for one in self.found if not wanted or one.group in {*wanted, FLEET}
        ]
        return some[::-1]


async def spans_of(
    site: Site, begin_us: int, end_us: int, current: bool = False
) -> Spans:
    """Those of any period within the history, asked of all workers.

    ``current``: of all polls that were accepted before.
    """
    parts: list[PartSteps] = await site.cluster.ask_all(
        BLACKOUTS,
        site.program.settings.partitions,
        current=current,
        at_leisure=True,
        begin_us=begin_us,
        end_us=end_us,
    )
    edges = edges_of(begin_us, end_us)
    by_group = {
        group: blackouts(edges, *steps) for group, steps in _joined(parts).items()
    }
    return Spans(
        begin_us,
        end_us,
        max(part.since_us for part in parts),
        int(edges[1] - edges[0]),
        _in_order(by_group),
    )


def _joined(parts: Sequence[PartSteps]) -> dict[Group, Steps]:
    """The counts of all partitions."""
    found: dict[Group, Steps] = {}
    for part in parts:
        for group, (stores, without) in part.by_group.items():
            before = found.get(group)
            if before is not None:
                stores, without = before[0] + stores, before[1] + without
            found[group] = stores, without
    return found


def _in_order(by_group: Mapping[Group, Sequence[Blackout]]) -> list[Span]:
    """The spans, oldest first; of groups only where it was not the whole fleet."""
    fleet = by_group.get(FLEET, [])
    found = [Span(FLEET, one) for one in fleet]
    for group, spans in by_group.items():
        if group != FLEET:
            found += [Span(group, one) for one in not_within(spans, fleet)]
    return sorted(found, key=lambda one: (one.blackout.begin_us, one.group))
