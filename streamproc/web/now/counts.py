"""Stores counted by what they are now."""

from streamproc.rules.now import CLOSED, STATES

OPEN, KNOWN = "open", "known"
COUNTS = (*STATES, OPEN, KNOWN)

Counts = list[int]
"""Stores by the number of their state."""


def counted(counts: Counts) -> dict[str, int]:
    """How many stores are in each state, are open, and are known."""
    known = sum(counts)
    by_name = dict(zip(STATES, counts, strict=True))
    return {**by_name, OPEN: known - counts[CLOSED], KNOWN: known}
