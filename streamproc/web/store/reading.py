"""All that the tables have of one store, asked of whoever owns its partition.

Whoever shows the store works out the rest, in whatever process it likes: the owner
reads, which is soon done, and does nothing else.
"""

from base64 import b85decode, b85encode
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from streamproc.program import Program
from streamproc.rules import packing
from streamproc.rules.labels import Labels
from streamproc.web.changes.log_calls import any_of_store
from streamproc.web.cluster.calls import Call
from streamproc.web.store.data import decode_facts, encode_facts, one_store
from tables.one_archive import OneArchive
from tables.one_store import OneStore


@dataclass(frozen=True, slots=True)
class StoreReading:
    """A store, and what is archived of it.

    ``is_changed``: whether its partition has noted that anything was changed of it.
    """

    one: OneStore
    archive: OneArchive
    is_changed: bool

    @property
    def store_id(self) -> str:
        """Which store it is."""
        return self.one.store_id.decode()


def _read(program: Program, args: dict[str, Any]) -> StoreReading:
    partition, store_id = args["partition"], args["store_id"]
    one = one_store(program, partition, store_id)  # first: what leaves it is archived
    archive = OneArchive.read(program.histories.archive, partition, one.store_id)
    return StoreReading(one, archive, any_of_store(program, partition, store_id))


def _encode(found: StoreReading) -> bytes:
    one, archive = found.one, found.archive
    days = [day for day, _ in archive.segments]
    values = [_text(value) for _, value in archive.segments]
    return orjson.dumps(
        [
            *(one.partition, found.store_id, _text(packing.bytes_of(one.polls))),
            *(encode_facts(one.own), encode_facts(one.of_all), asdict(one.labels)),
            *(archive.since, archive.oldest, days, values, found.is_changed),
        ]
    )


def _decode(value: bytes) -> StoreReading:
    partition, name, polls, own, of_all, labels, *archived, is_changed = orjson.loads(
        value
    )
    since, oldest, days, texts = archived
    store_id = name.encode()
    one = OneStore(
        *(partition, store_id, packing.unpack(b85decode(polls))),
        *(decode_facts(own), decode_facts(of_all), Labels(**labels)),
    )
    segments = tuple(zip(days, map(b85decode, texts), strict=True))
    return StoreReading(one, OneArchive(store_id, since, oldest, segments), is_changed)


def _text(value: bytes) -> str:
    return b85encode(value).decode()


STORE_READING = Call(
    "store-reading",
    _read,
    encode=_encode,
    decode=_decode,
    quick=lambda args: True,  # one key after the other, none of which is waited for
)
