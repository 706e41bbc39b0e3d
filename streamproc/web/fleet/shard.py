"""One partition's stores at one instant, as columns; computed by its owner."""

from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from streamproc.cells import Ints
from streamproc.program import Program
from streamproc.report.rows import NO_ROWS, Rows, decode_rows, encode_rows, order_of
from streamproc.rules.now import CLOSED
from streamproc.rules.units import SECOND_US
from streamproc.web.cluster.calls import Call
from tables.accounting import account
from tables.boards import BoardNotReadyError
from tables.snapshot import Snapshot
from tables.states import StatesAt, StatesNow

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Shard:
    """Rows of some stores, in the order of their ids, and what they are now.

    ``state``, ``since_us``: shape (n,), see ``rules.now.Now``. ``zone``: shape (n,),
    position in ``zones``.
    """

    rows: Rows
    state: Ints
    since_us: Ints
    zone: Ints
    zones: list[str]

    @property
    def is_open(self) -> Flags:
        """Which stores are open, in maintenance or not; shape (n,)."""
        is_open: Flags = self.state != CLOSED
        return is_open


_NONE = np.zeros(0, np.int64)
NO_SHARD = Shard(NO_ROWS, _NONE, _NONE, _NONE, [])

NEAR_US = 5 * SECOND_US
"""So near to the clock's now, the board is asked what stores are."""


def compute(program: Program, partition: int, as_of_us: int) -> Shard:
    """The partition's shard; reads its tables in one ordered scan."""
    snapshot = Snapshot(
        program.histories,
        program.facts,
        partition,
        as_of_us,
        program.settings.rules,
    )
    told = _states(program, partition, as_of_us)
    rules = program.settings.rules
    stores = [some for some in snapshot.stores() if some.store_ids]
    states = [told.of(some) for some in stores]
    rows = [account(some, as_of_us, rules) for some in stores]
    snapshot.left_out.check(as_of_us)
    names = [facts.zone_name for some in stores for facts in some.facts]
    zones = sorted(set(names))
    number = {zone: at for at, zone in enumerate(zones)}
    return Shard(
        Rows.join(rows),
        np.concatenate([_NONE, *(each.state for each in states)]),
        np.concatenate([_NONE, *(each.since_us for each in states)]),
        np.array([number[name] for name in names], np.int64),
        zones,
    )


def _states(program: Program, partition: int, as_of_us: int) -> StatesAt | StatesNow:
    """Who tells what stores are: the board, where it is of now that is asked."""
    told = StatesAt(as_of_us, program.now_rules)
    if abs(program.now_us() - as_of_us) > NEAR_US:
        return told
    try:
        return StatesNow(program.boards.view(partition, as_of_us), told)
    except BoardNotReadyError:
        return told


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
    state = np.concatenate([shard.state for shard in shards])
    since_us = np.concatenate([shard.since_us for shard in shards])
    return Shard(rows[order], state[order], since_us[order], zone[order], zones)


def encode(shard: Shard) -> bytes:
    """A shard as another worker gets it."""
    return orjson.dumps(
        {
            "rows": b64encode(encode_rows(shard.rows)).decode(),
            "state": shard.state.tolist(),
            "since_us": shard.since_us.tolist(),
            "zone": shard.zone.tolist(),
            "zones": shard.zones,
        }
    )


def decode(value: bytes) -> Shard:
    """The shard another worker sent."""
    columns = orjson.loads(value)
    return Shard(
        decode_rows(b64decode(columns["rows"])),
        np.array(columns["state"], np.int64),
        np.array(columns["since_us"], np.int64),
        np.array(columns["zone"], np.int64),
        columns["zones"],
    )


def _shard(program: Program, args: dict[str, Any]) -> Shard:
    return compute(program, args["partition"], args["as_of_us"])


SHARD = Call("shard", _shard, encode=encode, decode=decode, whole=True)
