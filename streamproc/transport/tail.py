"""The newest records of a topic, from outside a worker."""

import time
from collections.abc import AsyncIterator, Mapping

from streamproc.transport.batch import Batch
from streamproc.transport.client import Client
from streamproc.transport.tp import TP

_READ_S = 0.5


def newest_positions(
    begins: Mapping[TP, int], ends: Mapping[TP, int], most: int
) -> dict[TP, int]:
    """Where the newest ``most`` offsets of each partition that has some begin."""
    return {
        tp: max(begins[tp], end - most) for tp, end in ends.items() if end > begins[tp]
    }


async def read_to(
    client: Client,
    positions: Mapping[TP, int],
    ends: Mapping[TP, int],
    patience_s: float = 5.0,
) -> AsyncIterator[Batch]:
    """Batches from the positions to the ends.

    Ends early when nothing has come for so long: the rest has expired meanwhile.
    """
    came_s = time.monotonic()
    left = {tp: at for tp, at in positions.items() if at < ends[tp]}
    while left and time.monotonic() - came_s < patience_s:
        for batch in await client.read(left, _READ_S):
            left[TP(batch.topic, batch.partition)] = batch.offset + 1
            came_s = time.monotonic()
            yield batch
        left = {tp: at for tp, at in left.items() if at < ends[tp]}
