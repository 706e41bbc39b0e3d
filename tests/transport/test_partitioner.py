"""Keys go where Kafka's default partitioner sends them."""

import random

import pytest
from aiokafka.partitioner import murmur2
from hypothesis import given, settings
from hypothesis import strategies as st

from streamproc.transport.partitioner import partition_for, partitions_for

POSITIVE = 0x7FFFFFFF
ALL_BITS = POSITIVE + 1

QUICK = settings(deadline=None, max_examples=300)

# Of testMurmur2 in Kafka's own UtilsTest: key and hash, as a signed 32-bit number.
VECTORS = [
    (b"21", -973_932_308),
    (b"foobar", -790_332_482),
    (b"a-little-bit-long-string", -985_981_536),
    (b"a-little-bit-longer-string", -1_486_304_829),
    (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
    (b"abc", 479_470_107),
]

counts = st.one_of(st.integers(1, 64), st.integers(1, ALL_BITS))
keys = st.one_of(st.binary(max_size=64), st.text(max_size=20).map(str.encode))


def kafka_partition(key: bytes, partitions: int) -> int:
    """The partition by aiokafka's own hash."""
    positive: int = murmur2(key) & POSITIVE
    return positive % partitions


@pytest.mark.parametrize(("key", "signed"), VECTORS)
def test_a_key_hashes_as_in_kafkas_own_test(key: bytes, signed: int) -> None:
    """With 2^31 partitions a key's partition is its hash without the sign."""
    assert signed & POSITIVE == partition_for(key, ALL_BITS)


@pytest.mark.parametrize("partitions", [1, 2, 3, 4, 7, 10, 50, 1024])
def test_known_keys_go_where_kafka_sends_them(partitions: int) -> None:
    """The partition is the remainder of the positive hash, for any count."""
    expected = [(signed & POSITIVE) % partitions for _, signed in VECTORS]
    found = partitions_for([key for key, _ in VECTORS], partitions)
    assert expected == found.tolist()


@pytest.mark.parametrize("length", range(65))
def test_keys_of_any_length_go_where_aiokafka_sends_them(length: int) -> None:
    """Whole words and 1, 2 or 3 bytes over, zeros and high bytes too."""
    dice = random.Random(length)
    same = [
        bytes(length),
        b"\xff" * length,
        *(dice.randbytes(length) for _ in range(9)),
    ]
    assert [kafka_partition(key, ALL_BITS) for key in same] == partitions_for(
        same, ALL_BITS
    ).tolist()


@QUICK
@given(mixed=st.lists(keys, max_size=30), partitions=counts)
def test_many_keys_go_where_each_one_goes(mixed: list[bytes], partitions: int) -> None:
    """Lengths may be mixed; every key keeps its place in the answer."""
    found = partitions_for(mixed, partitions).tolist()
    assert [kafka_partition(key, partitions) for key in mixed] == found
    assert [partition_for(key, partitions) for key in mixed] == found


def test_one_partition_takes_every_key() -> None:
    """With a count of 1 there is no choice."""
    assert partitions_for([b"%d" % n for n in range(100)], 1).tolist() == [0] * 100


def test_no_keys_have_no_partitions() -> None:
    """An empty batch has an empty answer."""
    assert partitions_for([], 4).tolist() == []
