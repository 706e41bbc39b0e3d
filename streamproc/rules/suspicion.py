"""Suspicion: when many stores turn bad at once, it may be the poller. Pure.

Comes from the boards (which stores fell silent or went down lately, and how many should
have been heard); leads to the event ``suspect`` and the banner. The rule:
``docs/operations.md``, "When the poller is suspected".
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from streamproc.rules.units import MINUTE_US

WITHIN_US = 5 * MINUTE_US
"""Stores that turn within that are said to turn together."""

LEAST = 20
"""So many of them at least, and so large a part of those that should be heard:"""

PART = 5
"""one in so many."""

Group = tuple[str, str]
"""A label and its value."""

FLEET: Group = ("", "")
"""The group of all stores."""


@dataclass(frozen=True, slots=True)
class Turned:
    """A store that is silent, or else down, and was not before ``at_us``."""

    store_id: str
    is_silent: bool
    at_us: int
    labels: Mapping[str, str]

    @property
    def groups(self) -> Iterable[Group]:
        """All groups that it is in."""
        return (FLEET, *self.labels.items())


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A group of which many stores have turned together since ``since_us``."""

    group: Group
    since_us: int
    silent: int
    down: int
    expected: int

    @property
    def stores(self) -> int:
        """How many have turned."""
        return self.silent + self.down


def members(group: Group, turned: Iterable[Turned]) -> list[Turned]:
    """Those of a group."""
    return [one for one in turned if group in one.groups]


def groups_of(turned: Sequence[Turned]) -> dict[Group, list[Turned]]:
    """The groups of which enough stores have turned, whatever their size."""
    found: dict[Group, list[Turned]] = {}
    for one in turned:
        for group in one.groups:
            found.setdefault(group, []).append(one)
    return {group: some for group, some in found.items() if len(some) >= LEAST}


def suspicion(
    turned: Sequence[Turned], expected: Mapping[Group, int]
) -> Suspicion | None:
    """The group that explains best which stores have turned; None when none does.

    ``turned``: within the last ``WITHIN_US``. ``expected``: how many stores of each
    group should have been heard. Best is what has most of its stores among them, and
    most of them among its stores.
    """
    found = [
        _suspicion(group, some, expected.get(group, 0))
        for group, some in groups_of(turned).items()
        if PART * len(some) >= expected.get(group, 0)
    ]
    total = len(turned)
    return max(
        found,
        key=lambda one: (one.stores / (one.expected + total), one.group),
        default=None,
    )


def _suspicion(group: Group, some: Sequence[Turned], expected: int) -> Suspicion:
    silent = sum(one.is_silent for one in some)
    since_us = min(one.at_us for one in some)
    counted = max(expected, len(some))  # some may have closed since
    return Suspicion(group, since_us, silent, len(some) - silent, counted)


def still_holds(told: Suspicion, at_us: int, turned: Iterable[Turned]) -> bool:
    """Whether at least half of the stores are still what they turned to.

    ``at_us``: when it was told. When none of those that had turned by then is left it
    is over: what has turned since, once more after a correction, is another matter.
    """
    mine = _turned_since(told, turned)
    of_then = any(one.at_us <= at_us for one in mine)
    return of_then and 2 * len(mine) >= told.stores


def grown(told: Suspicion, turned: Iterable[Turned]) -> Suspicion:
    """A suspicion with the stores that have turned since, when they are more."""
    mine = _turned_since(told, turned)
    if len(mine) <= told.stores:
        return told
    silent = sum(one.is_silent for one in mine)
    expected = max(told.expected, len(mine))
    return replace(told, silent=silent, down=len(mine) - silent, expected=expected)


def _turned_since(told: Suspicion, turned: Iterable[Turned]) -> list[Turned]:
    """Those of its group that have turned since it began."""
    return [one for one in members(told.group, turned) if one.at_us >= told.since_us]
