"""A rejected record: what was refused, why, and at which door. Written and read here.

Its value is the refused bytes; everything else is in its headers. Comes from the
agents, the gateway and ``load``; leads to ``streamproc rejected`` and the page.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass

from streamproc.errors import RecordTooLargeError
from streamproc.transport.batch import Batch
from streamproc.transport.client import Client
from streamproc.transport.columns import Headers
from streamproc.transport.protocols import Producer
from streamproc.transport.tail import read_to
from streamproc.transport.tp import TP

TOPIC, GATEWAY, LOAD = "topic", "gateway", "load"
"""The doors: a record of an input topic, a request, a row of a file."""

SETTLED = "settled"
"""In the place of a door: says of another record that it is done with; see ``settled``.
"""

SENT_AGAIN, LET_GO = "sent-again", "let-go"
"""Reasons why a record is done with."""

OTHER_DOORS = (GATEWAY, LOAD, SETTLED)

KEPT_BYTES = 500_000
"""Most of a refused value that is kept; less where the broker takes less."""

KEPT_TEXT = 1_000
"""Most characters of every other field: a message may quote what it was sent."""

NONE = -1
"""Partition and offset of what was never on a topic."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """What was refused.

    ``topic``: where it was, or where it would have gone. ``partition``, ``offset``:
    its place there, or ``NONE``. ``key``, ``value``: as they were sent, the value cut
    off at ``KEPT_BYTES``. ``size``: bytes of the whole value. ``count``: how many rows
    of ``file`` were refused like this, at the door ``load``; 1 elsewhere.

    ``time_ms``, ``kept_at``: when it was kept and as which record of the topic of
    rejected ones; known to readers only.
    """

    door: str
    reason: str
    message: str
    topic: str
    partition: int = NONE
    offset: int = NONE
    key: bytes | None = None
    value: bytes | None = None
    size: int = 0
    count: int = 1
    file: str = ""
    time_ms: int = 0
    kept_at: str = ""

    @property
    def place(self) -> str:
        """Where it came in, for people."""
        if self.door == TOPIC:
            return f"{self.topic}/{self.partition}/{self.offset}"
        return f"{self.door}: {self.file or self.topic}"

    @property
    def identity(self) -> str:
        """Equal for the same record refused again, as after a crash."""
        return self.place if self.offset != NONE else self.kept_at


def settled(one: Rejected, reason: str, by: str) -> tuple[int, Rejected]:
    """What says that a kept record is done with, and the partition where it belongs.

    There it stands behind the record, so who reads the one reads the other.
    """
    partition = int(one.kept_at.rsplit("/", 2)[1])
    return partition, Rejected(SETTLED, reason, by, one.topic, file=one.kept_at)


def unsettled(records: Iterable[Rejected]) -> list[Rejected]:
    """The records that nobody has dealt with yet."""
    found = list(records)
    done = {one.file for one in found if one.door == SETTLED}
    return [one for one in found if one.door != SETTLED and one.kept_at not in done]


def encode(
    one: Rejected, kept_bytes: int = KEPT_BYTES
) -> tuple[bytes, bytes | None, Headers]:
    """Key, value and headers of the record that keeps it."""
    told = {
        "door": one.door,
        "reason": one.reason,
        "message": one.message,
        "topic": one.topic,
        "partition": str(one.partition),
        "offset": str(one.offset),
        "bytes": str(len(one.value or b"")),
        "count": str(one.count),
        "file": one.file,
    }
    headers = [
        (name, text[:KEPT_TEXT].encode(errors="backslashreplace"))
        for name, text in told.items()
    ]
    if one.key is not None:
        headers.append(("key", one.key[:KEPT_TEXT]))
    value = None if one.value is None else one.value[:kept_bytes]
    return one.place.encode(errors="backslashreplace"), value, headers


def decode(batch: Batch) -> list[Rejected]:
    """Each record of a batch of the topic; a header that is missing is empty."""
    return [_decoded(batch, row, value) for row, value in enumerate(batch.values)]


def _decoded(batch: Batch, row: int, value: bytes | None) -> Rejected:
    headers = dict(batch.record_headers.get(row, ()))
    text = {name: raw.decode(errors="replace") for name, raw in headers.items()}
    return Rejected(
        door=door if (door := text.get("door")) in OTHER_DOORS else TOPIC,
        reason=text.get("reason", "?"),
        message=text.get("message", ""),
        topic=text.get("topic", "?"),
        partition=_number(text.get("partition"), NONE),
        offset=_number(text.get("offset"), NONE),
        key=headers.get("key"),
        value=value,
        size=_number(text.get("bytes"), len(value or b"")),
        count=_number(text.get("count"), 1),
        file=text.get("file", ""),
        time_ms=int(batch.timestamps_ms[row]),
        kept_at=f"{batch.topic}/{batch.partition}/{batch.offsets[row]}",
    )


def _number(text: str | None, otherwise: int) -> int:
    """A count that any program may have written into the header."""
    fine = text is not None and len(text) <= 18 and text.isascii() and text.isdigit()
    return int(text or "") if fine else otherwise


async def keep(
    producer: Producer, topic: str, partition: int, records: Sequence[Rejected]
) -> None:
    """Append records to a partition of the topic; returns when all are durable."""
    kept = KEPT_BYTES
    while records:
        encoded = [encode(one, kept) for one in records]
        keys, values, headers = zip(*encoded, strict=True)
        try:
            await producer.append_batch(
                topic, partition, keys, values, dict(enumerate(headers))
            )
        except RecordTooLargeError:
            # As large as the broker takes, it does not fit with what is told of it.
            if not kept:
                raise
            kept //= 4
        else:
            return


async def read(
    client: Client,
    positions: Mapping[TP, int],
    ends: Mapping[TP, int],
    patience_s: float = 5.0,
) -> AsyncIterator[Rejected]:
    """The records from the positions to the ends.

    Ends early when nothing has come for so long: the rest has expired meanwhile.
    """
    async for batch in read_to(client, positions, ends, patience_s):
        for one in decode(batch):
            yield one
