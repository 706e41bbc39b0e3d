"""What many stores are called and where they are, asked of whoever owns them."""

from dataclasses import dataclass
from typing import Any

import orjson

from streamproc.program import Program
from streamproc.web.cluster.calls import Call
from tables import labels as labels_table
from tables import zones as zones_table

QUICK_STORES = 100


@dataclass(frozen=True, slots=True)
class About:
    """A store's name (None without one), its labels' values, and its zone."""

    store_id: str
    name: str | None
    labels: tuple[str, ...]
    zone: str

    @property
    def title(self) -> str:
        """What it is called on a page."""
        return self.name or self.store_id


def _read(program: Program, args: dict[str, Any]) -> list[About]:
    partition = args["partition"]
    return [_about(program, partition, store_id) for store_id in args["store_ids"]]


def _about(program: Program, partition: int, store_id: str) -> About:
    key = store_id.encode()
    found = labels_table.decode(program.labels.read(partition, key))
    zone = zones_table.decode(program.zones.read(partition, key))
    return About(store_id, found.name, tuple(found.labels.values()), zone)


def _encode(found: list[About]) -> bytes:
    return orjson.dumps([[a.store_id, a.name, a.labels, a.zone] for a in found])


def _decode(value: bytes) -> list[About]:
    return [
        About(store_id, name, tuple(labels), zone)
        for store_id, name, labels, zone in orjson.loads(value)
    ]


STORES_ABOUT = Call(
    "about",
    _read,
    encode=_encode,
    decode=_decode,
    quick=lambda args: len(args["store_ids"]) <= QUICK_STORES,
)
