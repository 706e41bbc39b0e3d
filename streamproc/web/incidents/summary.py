"""What a list of incidents comes to: the figures and the curve of its page. Pure."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import TypeVar

from streamproc.web.incidents.answers import mtbf_s, mttr_s
from tables.outage import Outage

K = TypeVar("K")

AGAIN = 3
"""A store with so many incidents has them again and again."""


@dataclass(frozen=True, slots=True)
class Summary:
    """Figures of incidents; None where there is nothing to make them of.

    ``begun``: those that began in the span; the others reach into it. ``seen_us``: how
    long after the last active poll they were seen, in the mean. ``half``: the fewest
    stores that make half of the down time.
    """

    count: int
    stores: int
    begun: int
    ongoing: int
    down_us: int
    longest: Outage | None
    mttr_us: int | None
    median_us: int | None
    mtbf_us: int | None
    seen_us: int | None
    without_data: int
    again: int
    half: int


def summary(
    found: Sequence[Outage], up_us: int, begin_us: Callable[[str], int]
) -> Summary:
    """The figures of incidents that overlap a span; ``begin_us``: of each store.

    ``up_us``: how long their stores were up in it.
    """
    ended = [one.down_us for one in found if one.end_us is not None]
    seen = [one.start_us - one.after_us for one in found if one.after_us is not None]
    by_store = Counter(one.store_id for one in found)
    down = Counter[str]()
    for one in found:
        down[one.store_id] += one.down_us
    return Summary(
        len(found),
        len(by_store),
        sum(one.start_us >= begin_us(one.store_id) for one in found),
        sum(one.end_us is None for one in found),
        sum(one.down_us for one in found),
        max(found, key=lambda one: one.down_us, default=None),
        _us(mttr_s(found)),
        round(median(ended)) if ended else None,
        _us(mtbf_s(found, up_us)),
        round(sum(seen) / len(seen)) if seen else None,
        sum(one.end_us is not None and not one.by_up for one in found),
        sum(count >= AGAIN for count in by_store.values()),
        len(half_of(down)),
    )


def half_of(amounts: Mapping[K, int]) -> list[K]:
    """The fewest that make half of all of it, the largest first; none of nothing."""
    largest = sorted(amounts, key=lambda key: -amounts[key])
    whole, found = sum(amounts.values()), 0
    for count, key in enumerate(largest, 1):
        found += amounts[key]
        if 2 * found >= whole > 0:
            return largest[:count]
    return []


def _us(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1e6)


@dataclass(frozen=True, slots=True)
class Curve:
    """How many stores had an incident at once, as steps: ``(time_us, count)``."""

    steps: list[tuple[int, int]]

    @property
    def most(self) -> int:
        """The most at once."""
        return max((count for _, count in self.steps), default=0)

    @property
    def most_at_us(self) -> int | None:
        """When they were the most, first; None without any."""
        at = next((at for at, count in self.steps if count == self.most), None)
        return at if self.most else None

    def most_within(self, count: int) -> list[int]:
        """The most at once in each of so many equal parts of the span."""
        begin_us, end_us = self.steps[0][0], self.steps[-1][0]
        found, length_us = [0] * count, max(end_us - begin_us, 1)
        for (at_us, stores), (until_us, _) in pairwise(self.steps):
            first = (at_us - begin_us) * count // length_us
            last = -(-(until_us - begin_us) * count // length_us)
            for part in range(first, min(last, count)):
                found[part] = max(found[part], stores)
        return found


def curve(found: Sequence[Outage], begin_us: int, end_us: int) -> Curve:
    """How many incidents go on at each instant of a span; one of a store at a time."""
    changes: Counter[int] = Counter()
    for one in found:
        last_us = end_us if one.end_us is None else min(one.end_us, end_us)
        if last_us > max(one.start_us, begin_us):
            changes[max(one.start_us, begin_us)] += 1
            changes[last_us] -= 1
    steps, count = [(begin_us, 0)], 0
    for at_us in sorted(changes):
        count += changes[at_us]
        steps.append((at_us, count))
    steps.append((end_us, count))
    return Curve(steps)
