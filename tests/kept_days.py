"""The product's rule of the days that are kept, for one store."""

from collections.abc import Iterable

from streamproc.rules import history

_STORE = b"s"


def retained(days: Iterable[int]) -> set[int]:
    """Which of a store's days are kept; one day at least."""
    known = set(days)
    keys = [history.segment_key(_STORE, day) for day in sorted(known)]
    return known - {history.split_key(key)[1] for key in history.let_go(keys)}
