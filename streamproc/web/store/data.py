"""What is kept of a store, asked of whoever owns its partition."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from streamproc.cells import Ints
from streamproc.program import Program
from streamproc.web.cluster.calls import Call
from tables.snapshot import check_history

QUICK_STORES = 50


@dataclass(frozen=True, slots=True)
class StoreData:
    """All that is kept of one store: packed polls, hours and zone as stored."""

    packed: Ints
    hours: bytes | None
    zone: bytes | None

    @property
    def is_known(self) -> bool:
        """Whether anything has ever been heard of the store."""
        return bool(len(self.packed)) or (self.hours, self.zone) != (None, None)


def _stores(program: Program, args: dict[str, Any]) -> list[StoreData]:
    partition = args["partition"]
    keys = [store_id.encode() for store_id in args["store_ids"]]
    found = [
        StoreData(
            program.histories.polls_of(partition, key),
            program.hours.read(partition, key),
            program.zones.read(partition, key),
        )
        for key in keys
    ]
    for key, data in zip(keys, found, strict=True):
        check_history(key, data.packed, args["as_of_us"])
    return found


def _encode_stores(found: list[StoreData]) -> bytes:
    return orjson.dumps(
        [
            [
                data.packed.tolist(),
                None if data.hours is None else data.hours.decode(),
                None if data.zone is None else data.zone.decode(),
            ]
            for data in found
        ]
    )


def _decode_stores(value: bytes) -> list[StoreData]:
    return [
        StoreData(
            np.array(packed, np.int64),
            None if hours is None else hours.encode(),
            None if zone is None else zone.encode(),
        )
        for packed, hours, zone in orjson.loads(value)
    ]


STORE_DATA = Call(
    "stores",
    _stores,
    encode=_encode_stores,
    decode=_decode_stores,
    quick=lambda args: len(args["store_ids"]) <= QUICK_STORES,
)
