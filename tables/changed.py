"""What was changed of stores, in runs: values before and after, written and read here.

A run is what one batch of a topic has changed that belongs together. Its value is a
line of JSON, which says whence it comes and of which stores it is, and the values
before and after, compressed: of many stores they are much alike.
"""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import orjson

from streamproc.origin import Origin

MOST_STORES, MOST_BYTES = 500, 200_000
"""Of one run: it is one record of the changelog."""

FIRST = b"\1"
"""Before the key of every run; keys below it are the table's own notes."""

_TIME_BYTES = 8
_LATEST_MS = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Delta:
    """A fact's values in its table before and after, None where there is none."""

    store_id: bytes
    suffix: bytes
    before: bytes | None
    after: bytes | None

    @property
    def size(self) -> int:
        """About how many bytes it takes."""
        return len(self.store_id) + len(self.before or b"") + len(self.after or b"")


@dataclass(frozen=True, slots=True)
class Noted:
    """A delta, and the record of the topic that has made it."""

    offset: int
    at_ms: int
    origin: Origin
    delta: Delta


@dataclass(frozen=True, slots=True)
class Head:
    """Whence a run comes: of the table ``kind``, from the record at ``offset`` on.

    ``store_ids``: of each of its deltas, in their order.
    """

    kind: str
    at_ms: int
    offset: int
    origin: Origin
    store_ids: tuple[str, ...]

    @property
    def key(self) -> bytes:
        """Key of the run: runs lie in the order of their time."""
        number = self.offset.to_bytes(_TIME_BYTES, "big")
        return encode_time(self.at_ms) + number + self.kind.encode()


@dataclass(frozen=True, slots=True)
class Run:
    """Changes of one kind that belong together."""

    head: Head
    deltas: tuple[Delta, ...]


def encode_time(at_ms: int) -> bytes:
    """Begin of the keys of the runs of a time and after it."""
    return FIRST + min(max(at_ms, 0), _LATEST_MS).to_bytes(_TIME_BYTES, "big")


def decode_time(key: bytes) -> int:
    """Time of a run's key, in milliseconds."""
    return int.from_bytes(key[len(FIRST) : len(FIRST) + _TIME_BYTES], "big")


def runs_of(kind: str, noted: Iterable[Noted]) -> Iterator[Run]:
    """Runs of one batch's changes."""
    for origin, group in groupby(noted, lambda one: one.origin):
        for part in _parts(group):
            ids = tuple(one.delta.store_id.decode() for one in part)
            head = Head(kind, part[0].at_ms, part[0].offset, origin, ids)
            yield Run(head, tuple(one.delta for one in part))


def _parts(noted: Iterable[Noted]) -> Iterator[list[Noted]]:
    """Cut so that a run is no larger than a record may be.

    What one record changes stays together: it is found under the record's offset.
    """
    part: list[Noted] = []
    size = 0
    for _, same in groupby(noted, lambda one: one.offset):
        some = list(same)
        more = sum(one.delta.size for one in some)
        if part and (len(part) >= MOST_STORES or size + more > MOST_BYTES):
            yield part
            part, size = [], 0
        part += some
        size += more
    if part:
        yield part


def encode(run: Run) -> bytes:
    """Value of a run."""
    head, origin = run.head, run.head.origin
    told = (
        *(head.kind, head.at_ms, head.offset),
        *(origin.change, origin.door, origin.by, origin.note, origin.undoes),
        head.store_ids,
    )
    values = [
        (delta.suffix.hex(), text_of(delta.before), text_of(delta.after))
        for delta in run.deltas
    ]
    return orjson.dumps(told) + b"\n" + zlib.compress(orjson.dumps(values), 1)


def decode_head(value: bytes) -> Head:
    """Whence a run comes; the values stay as they are."""
    kind, at_ms, offset, *origin, store_ids = orjson.loads(value.partition(b"\n")[0])
    return Head(kind, at_ms, offset, Origin(*origin), tuple(store_ids))


def decode_deltas(value: bytes) -> tuple[Delta, ...]:
    """The values before and after of a run."""
    line, _, packed = value.partition(b"\n")
    store_ids: Sequence[str] = orjson.loads(line)[-1]
    return tuple(
        Delta(
            store_id.encode(), bytes.fromhex(suffix), bytes_of(before), bytes_of(after)
        )
        for store_id, (suffix, before, after) in zip(
            store_ids, orjson.loads(zlib.decompress(packed)), strict=True
        )
    )


def text_of(value: bytes | None) -> str | None:
    """A value as JSON holds it; None where there is none."""
    return None if value is None else value.decode()


def bytes_of(value: str | None) -> bytes | None:
    """The value that ``text_of`` has made a text of."""
    return None if value is None else value.encode()
