"""Rejected records: what is written of them is what is read of them."""

from typing import Any

import numpy as np
import pytest
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from streamproc import rejected
from streamproc.cells import Cells
from streamproc.errors import RecordTooLargeError
from streamproc.rejected import GATEWAY, KEPT_BYTES, KEPT_TEXT, LOAD, TOPIC, Rejected
from streamproc.transport.batch import Batch
from streamproc.transport.columns import Columns, Headers

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)
offsets = st.integers(0, 1 << 50)


def kept(*records: tuple[bytes | None, bytes | None, Headers]) -> Batch:
    """Records as they come back from the topic, partition 3, offsets 100 and up."""
    keys, values, headers = zip(*records, strict=True)
    count = len(keys)
    columns = Columns(
        np.arange(100, 100 + count),
        np.full(count, 5),
        Cells.of(keys),
        Cells.of(values),
        dict(enumerate(headers)),
    )
    return Batch(TP("rejected", 3), columns)


@given(
    st.builds(
        Rejected,
        door=st.just(TOPIC),
        reason=texts,
        message=texts,
        topic=texts,
        partition=offsets,
        offset=offsets,
        key=st.none() | st.binary(max_size=20),
        value=st.none() | st.binary(max_size=20),
    )
    | st.builds(
        Rejected,
        door=st.sampled_from([GATEWAY, LOAD]),
        reason=texts,
        message=texts,
        topic=texts,
        value=st.none() | st.binary(max_size=20),
        count=st.integers(1, 10**9),
        file=texts,
    )
)
def test_what_is_written_is_read_again(one: Rejected) -> None:
    """Every field; besides, when and where it was kept, and the value's length."""
    (again,) = rejected.decode(kept(rejected.encode(one)))
    assert (again.time_ms, again.kept_at) == (5, "rejected/3/100")
    assert again.size == len(one.value or b"")
    for name in ("door", "reason", "message", "topic", "key", "value", "count", "file"):
        assert getattr(again, name) == getattr(one, name), name
    assert again.place == one.place


def test_what_is_long_is_cut_off_and_its_length_kept() -> None:
    """Messages may quote the record, which may be as large as the broker takes."""
    one = Rejected(TOPIC, "r", "m" * 10**6, "t", 0, 7, b"k" * 10**6, b"v" * 10**6)
    (again,) = rejected.decode(kept(rejected.encode(one)))
    assert (len(again.message), len(again.key or b"")) == (KEPT_TEXT, KEPT_TEXT)
    assert (len(again.value or b""), again.size) == (KEPT_BYTES, 10**6)


def test_the_same_record_refused_again_is_told_by_its_key() -> None:
    """A worker that crashes before its ack refuses it again."""
    one = Rejected(TOPIC, "late", "m", "polls", 2, 7, value=b"x")
    first, again = rejected.decode(kept(rejected.encode(one), rejected.encode(one)))
    assert first.identity == again.identity == "polls/2/7"
    assert rejected.encode(one)[0] == b"polls/2/7"


def test_two_refusals_of_the_gateway_are_two() -> None:
    """They have no offset of their own that would tell them apart."""
    one = Rejected(GATEWAY, "bad-json", "m", "polls", value=b"x")
    first, again = rejected.decode(kept(rejected.encode(one), rejected.encode(one)))
    assert first.identity != again.identity


@pytest.mark.parametrize("text", ["", "-1", "x", "9" * 30, "1.5", "²", "\udcff"])
def test_headers_that_another_program_wrote_are_read_as_far_as_they_go(
    text: str,
) -> None:
    """The topic is open to every producer; its readers must not fail."""
    raw = text.encode(errors="surrogateescape")
    headers = [
        (name, raw) for name in ("offset", "partition", "bytes", "count", "door")
    ]
    (one,) = rejected.decode(kept((None, b"abc", headers)))
    assert (one.door, one.offset, one.partition) == (TOPIC, -1, -1)
    assert (one.size, one.count, one.reason) == (3, 1, "?")


class SmallBroker:
    """Takes records of at most so many bytes, headers and all."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.values: list[bytes] = []

    async def append_batch(
        self, topic: str, partition: int, keys: Any, values: Any, headers: Any = None
    ) -> int:
        """Take all of them, or none."""
        for row, value in enumerate(values):
            told = sum(len(name) + len(text) for name, text in headers[row])
            if len(value) + told > self._limit:
                raise RecordTooLargeError("too large")
        self.values += values
        return 0


async def test_of_a_record_as_large_as_the_broker_takes_the_beginning_is_kept() -> None:
    """Whole, it would not fit with what is told of it."""
    one = Rejected(TOPIC, "r", "m", "t", 0, 7, value=b"v" * 200_000)
    broker = SmallBroker(100_000)
    await rejected.keep(broker, "rejected", 0, [one])
    assert [len(value) for value in broker.values] == [31_250]
    with pytest.raises(RecordTooLargeError):
        await rejected.keep(SmallBroker(10), "rejected", 0, [one])
