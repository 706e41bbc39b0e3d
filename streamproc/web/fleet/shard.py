"""One partition's stores at one instant, as columns; computed by its owner."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from streamproc.cells import Ints
from streamproc.program import Program
from streamproc.report.rows import NO_ROWS, Rows, decode_rows, encode_rows, order_of
from streamproc.web.cluster.calls import Call
from tables.snapshot import Snapshot

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Shard:
    """Rows of some stores, in the order of their ids, and what they are now.

    ``is_open``: shape (n,). ``zone``: shape (n,), position in ``zones``.
    """

    rows: Rows
    is_open: Flags
    zone: Ints
    zones: list[str]


NO_SHARD = Shard(NO_ROWS, np.zeros(0, bool), np.zeros(0, np.int64), [])


def compute(program: Program, partition: int, as_of_us: int) -> Shard:
    """The partition's shard; reads its tables in one ordered scan."""
    snapshot = Snapshot(
        program.histories,
        program.facts,
        partition,
        as_of_us,
        program.settings.rules,
    )
    parts = list(snapshot.rows_with_facts())
    snapshot.left_out.check(as_of_us)
    facts = [each for _, mine in parts for each in mine]
    names = [each.zone_name for each in facts]
    zones = sorted(set(names))
    number = {zone: at for at, zone in enumerate(zones)}
    return Shard(
        Rows.join([rows for rows, _ in parts]),
        np.array([each.is_open(as_of_us) for each in facts], bool),
        np.array([number[name] for name in names], np.int64),
        zones,
    )


def join(shards: list[Shard]) -> Shard:
    """All shards as one, sorted by store id."""
    shards = shards or [NO_SHARD]
    rows = Rows.join([shard.rows for shard in shards])
    order = order_of(rows.store_ids)
    zones = sorted({zone for shard in shards for zone in shard.zones})
    number = {zone: at for at, zone in enumerate(zones)}
    renamed = [
        np.array([number[zone] for zone in shard.zones], np.int64)[shard.zone]
        for shard in shards
        if len(shard.zone)
    ]
    zone = np.concatenate([*renamed, np.zeros(0, np.int64)])
    is_open = np.concatenate([shard.is_open for shard in shards])
    return Shard(rows[order], is_open[order], zone[order], zones)


def encode(shard: Shard) -> bytes:
    """A shard as another worker gets it."""
    return orjson.dumps(
        {
            "rows": encode_rows(shard.rows).decode(),
            "is_open": shard.is_open.tolist(),
            "zone": shard.zone.tolist(),
            "zones": shard.zones,
        }
    )


def decode(value: bytes) -> Shard:
    """The shard another worker sent."""
    columns = orjson.loads(value)
    return Shard(
        decode_rows(columns["rows"].encode()),
        np.array(columns["is_open"], bool),
        np.array(columns["zone"], np.int64),
        columns["zones"],
    )


def _shard(program: Program, args: dict[str, Any]) -> Shard:
    return compute(program, args["partition"], args["as_of_us"])


SHARD = Call("shard", _shard, encode=encode, decode=decode, whole=True)
