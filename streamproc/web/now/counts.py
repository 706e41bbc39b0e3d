"""Stores counted by what they are now: all, and by the values of a label. Pure."""

from collections.abc import Iterable, Mapping

from streamproc.rules.labels import commonest_values
from streamproc.rules.now import CLOSED, STATES

OPEN, KNOWN = "open", "known"
COUNTS = (*STATES, OPEN, KNOWN)

Counts = list[int]
"""Stores by the number of their state."""

OTHERS = "*"
"""Stands for all values of a label beyond those that are counted one by one."""


def counted(counts: Counts) -> dict[str, int]:
    """How many stores are in each state, are open, and are known."""
    known = sum(counts)
    by_name = dict(zip(STATES, counts, strict=True))
    return {**by_name, OPEN: known - counts[CLOSED], KNOWN: known}


def added(some: Iterable[Counts]) -> Counts:
    """The counts of all of them together."""
    none = [0] * len(STATES)
    return [sum(each) for each in zip(none, *some, strict=True)]


def added_by_value(parts: Iterable[Mapping[str, Counts]]) -> dict[str, Counts]:
    """The counts of each value of a label, of all parts of the fleet together."""
    found: dict[str, list[Counts]] = {}
    for part in parts:
        for value, counts in part.items():
            found.setdefault(value, []).append(counts)
    return {value: added(each) for value, each in found.items()}


def commonest(by: Mapping[str, Counts], most: int) -> dict[str, Counts]:
    """The counts of so many values, and of all others together, as ``OTHERS``.

    In the order of their names. A value that is called ``OTHERS`` is among the others.
    """
    stores = {value: sum(counts) for value, counts in by.items() if value != OTHERS}
    found = {value: by[value] for value in sorted(commonest_values(stores, most))}
    if rest := by.keys() - found.keys():
        found[OTHERS] = added(by[value] for value in rest)
    return found
