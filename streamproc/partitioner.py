"""Kafka's default partitioner (murmur2), for many keys at once.

Pure. A store's polls, hours and zone must meet on one worker, so every
producer of this program, on either broker, places keys as the Java client's
default partitioner does (org.apache.kafka.common.utils.Utils.murmur2).
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

_SEED = np.uint32(0x9747B28C)
_M = np.uint32(0x5BD1E995)
_R = np.uint32(24)
_POSITIVE = np.uint32(0x7FFFFFFF)


def partition_for(key: bytes, partitions: int) -> int:
    """Partition of one key."""
    return int(partitions_for([key], partitions)[0])


def partitions_for(keys: Sequence[bytes], partitions: int) -> npt.NDArray[np.int64]:
    """Partition of each key, shape (len(keys),)."""
    lengths = np.fromiter(map(len, keys), np.int64, len(keys))
    result = np.empty(len(keys), np.int64)
    for length in np.unique(lengths).tolist():
        chosen = np.flatnonzero(lengths == length)
        same = b"".join([keys[i] for i in chosen.tolist()])
        hashes = _murmur2(np.frombuffer(same, np.uint8).reshape(len(chosen), length))
        result[chosen] = (hashes & _POSITIVE) % np.uint32(partitions)
    return result


def _murmur2(data: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint32]:
    """Hash each row of ``data``, shape (n, length); 32-bit overflow is meant."""
    rows, length = data.shape
    h = np.full(rows, _SEED ^ np.uint32(length), np.uint32)
    whole = length // 4 * 4
    words = np.ascontiguousarray(data[:, :whole]).view("<u4").reshape(rows, whole // 4)
    for column in range(whole // 4):
        k = words[:, column] * _M
        k ^= k >> _R
        h = (h * _M) ^ (k * _M)
    rest = data[:, whole:].astype(np.uint32)
    for column in reversed(range(length - whole)):
        h ^= rest[:, column] << np.uint32(8 * column)
    if length > whole:
        h *= _M
    h ^= h >> np.uint32(13)
    h *= _M
    return h ^ (h >> np.uint32(15))
