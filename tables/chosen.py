"""Some stores of a partition with their polls: a few one by one, many in one scan."""

from collections.abc import Iterator, Sequence
from itertools import compress

import numpy as np

from tables.board_source import Heard, Source

FEW = 200
"""Up to so many stores are looked up one by one."""


def chosen_stores(source: Source, store_ids: Sequence[bytes]) -> Iterator[Heard]:
    """The stores of these ids that are known, some thousand at a time."""
    if len(store_ids) <= FEW:
        yield source.some(store_ids)
        return
    wanted = frozenset(store_ids)
    for heard in source.all():
        yield those(heard, [store_id in wanted for store_id in heard.store_ids])


def those(heard: Heard, chosen: Sequence[bool]) -> Heard:
    """Some of the stores."""
    kept = np.array(chosen, bool)
    return Heard(
        list(compress(heard.store_ids, chosen)),
        heard.counts[kept],
        heard.packed[np.repeat(kept, heard.counts)],
        heard.number[kept],
        heard.distinct,
    )
