"""The spans of a period in which most stores of a label had no data together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from streamproc.rules.blackouts import Blackout, blackouts, edges_of, not_within
from streamproc.rules.suspicion import FLEET, Group
from streamproc.web.site import Site
from streamproc.web.suspicion.calls import BLACKOUTS, PartSteps
from tables.blackouts import Steps


@dataclass(frozen=True, slots=True)
class Span:
    """One span of a group."""

    group: Group
    blackout: Blackout


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


async def spans_of(site: Site, begin_us: int, end_us: int) -> Spans:
    """Those of any period within the history, asked of all workers."""
    parts: list[PartSteps] = await site.cluster.ask_all(
        BLACKOUTS,
        site.program.settings.partitions,
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
