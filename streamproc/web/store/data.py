"""What is kept of a store, asked of whoever owns its partition."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from streamproc.cells import Ints
from streamproc.program import Program
from streamproc.web.cluster.calls import Call
from tables.calendars import NO_FACTS, StoreFacts
from tables.one_store import OneStore
from tables.past import Past

QUICK_STORES = 50


@dataclass(frozen=True, slots=True)
class StoreData:
    """All that is kept of one store: packed polls, its own facts, those of all."""

    packed: Ints
    own: StoreFacts
    of_all: StoreFacts = NO_FACTS

    @property
    def facts(self) -> StoreFacts:
        """What decides how its time counts."""
        return self.own.with_all(self.of_all)

    @property
    def is_known(self) -> bool:
        """Whether anything has ever been heard of the store."""
        return bool(len(self.packed)) or any(self.own)


def one_store(program: Program, partition: int, store_id: str) -> OneStore:
    """A store of a partition that is here."""
    tables = program.histories, program.facts, program.labels
    return OneStore.read(*tables, partition, store_id.encode())


def _stores(program: Program, args: dict[str, Any]) -> list[StoreData]:
    partition = args["partition"]
    keys = [store_id.encode() for store_id in args["store_ids"]]
    of_all = program.facts.of_all(partition)
    histories = program.histories
    past = Past(histories.archive, partition, args["as_of_us"])
    return [
        StoreData(
            past.completed(key, histories.polls_of(partition, key)),
            program.facts.of(partition, key),
            of_all,
        )
        for key in keys
    ]


def encode_stores(found: list[StoreData]) -> bytes:
    """What is kept of stores, as another worker gets it."""
    return orjson.dumps(
        [
            [data.packed.tolist(), encode_facts(data.own), encode_facts(data.of_all)]
            for data in found
        ]
    )


def decode_stores(value: bytes) -> list[StoreData]:
    """What another worker sent."""
    return [
        StoreData(np.array(packed, np.int64), decode_facts(own), decode_facts(of_all))
        for packed, own, of_all in orjson.loads(value)
    ]


def encode_facts(facts: StoreFacts) -> list[Any]:
    """Facts as another worker gets them; suffixes are no text."""
    return [
        [[suffix.hex(), value.decode()] for suffix, value in facts.hours],
        None if facts.zone is None else facts.zone.decode(),
        *(
            [[suffix.hex(), value.decode()] for suffix, value in each]
            for each in (facts.special, facts.exclusions)
        ),
    ]


def decode_facts(value: list[Any]) -> StoreFacts:
    """Facts that another worker sent."""
    hours, zone, special, exclusions = value
    hours, special, exclusions = (
        tuple((bytes.fromhex(suffix), text.encode()) for suffix, text in each)
        for each in (hours, special, exclusions)
    )
    zone = None if zone is None else zone.encode()
    return StoreFacts(hours, zone, special, exclusions)


STORE_DATA = Call(
    "stores",
    _stores,
    encode=encode_stores,
    decode=decode_stores,
    quick=lambda args: len(args["store_ids"]) <= QUICK_STORES,
)
