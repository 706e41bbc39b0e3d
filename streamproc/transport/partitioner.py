"""Kafka's default partitioner (murmur2), for many keys at once.

Pure. A store's polls, hours and zone must meet on one worker, so every
producer of this program, on either broker, places keys as the Java client's
default partitioner does (org.apache.kafka.common.utils.Utils.murmur2).
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from streamproc.cells import Cells, Ints

Words = npt.NDArray[np.uint32]

_WORD = 4
_SEED = np.uint32(0x9747B28C)
_M = np.uint32(0x5BD1E995)
_R = np.uint32(24)
_POSITIVE = np.uint32(0x7FFFFFFF)


def partition_for(key: bytes, partitions: int) -> int:
    """Partition of one key."""
    return int(partitions_for([key], partitions)[0])


def partitions_for(keys: Sequence[bytes | None], partitions: int) -> Ints:
    """Partition of each key, shape (len(keys),)."""
    cells = Cells.of(keys)
    width = int(cells.lengths.max(initial=0)) // _WORD * _WORD + _WORD
    words = cells.chars(width).view("<u4").T
    hashes = _murmur2(words, cells.lengths) & _POSITIVE
    return (hashes % np.uint32(partitions)).astype(np.int64)


def places_for(keys: Sequence[bytes | None], partitions: int) -> Ints:
    """Partition of each record: by its key up to the first zero byte.

    So records whose keys go on differently behind the same beginning stay together.
    """
    cells = Cells.of(keys)
    zeros = np.flatnonzero(np.frombuffer(cells.buffer, np.uint8) == 0)
    if len(zeros):
        first = np.append(zeros, len(cells.buffer))[
            np.searchsorted(zeros, cells.starts)
        ]
        lengths = np.minimum(cells.lengths, first - cells.starts)
        cells = Cells(cells.buffer, cells.starts, lengths)
    return partitions_for(cells, partitions)


def by_partition(partitions: Sequence[int]) -> dict[int, list[int]]:
    """Rows of each partition, in order."""
    rows: dict[int, list[int]] = {}
    for row, partition in enumerate(partitions):
        rows.setdefault(partition, []).append(row)
    return rows


def _murmur2(words: Words, lengths: Ints) -> Words:
    """Hash keys; row i of ``words`` has bytes 4 i to 4 i + 3 of each, or zeros.

    32-bit overflow is meant.
    """
    whole, rest = lengths // _WORD, lengths % _WORD
    h = _SEED ^ lengths.astype(np.uint32)
    for number, word in enumerate(words):
        k = word * _M
        k ^= k >> _R
        h = np.where(number < whole, (h * _M) ^ (k * _M), h)
    last = words[whole, np.arange(len(lengths))]
    h = np.where(rest > 0, (h ^ last) * _M, h)
    h ^= h >> np.uint32(13)
    h *= _M
    return h ^ (h >> np.uint32(15))
