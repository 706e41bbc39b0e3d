"""One partition's stores at one instant, as columns; computed by its owner."""

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import orjson

from streamproc.program import Program
from streamproc.report.rows import NO_ROWS, Rows, decode_rows, encode_rows, join_rows
from streamproc.rules.calendar import open_intervals
from streamproc.rules.uptime import HOUR_US, LONGEST_US, Ints
from tables import hours as hours_table
from tables import zones as zones_table
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


@dataclass(slots=True)
class _Watching(Snapshot):
    """A snapshot that also notes each store's zone and whether it is open."""

    is_open: list[bool] = field(default_factory=list)
    zone_names: list[str] = field(default_factory=list)
    _open_weeks: dict[tuple[bytes | None, bytes | None], bool] = field(
        default_factory=dict
    )

    def _open(self, week: tuple[bytes | None, bytes | None]) -> list[tuple[int, int]]:
        around = intervals_around(week[0], week[1], self.as_of_us // HOUR_US)
        self._open_weeks[week] = any(a <= self.as_of_us < b for a, b in around)
        return clip(around, self.as_of_us)

    def _account(
        self,
        store_ids: list[bytes],
        counts: Ints,
        packed: Ints,
        weeks: list[tuple[bytes | None, bytes | None]],
    ) -> Rows:
        rows = Snapshot._account(self, store_ids, counts, packed, weeks)
        self.is_open += [self._open_weeks[week] for week in weeks]
        self.zone_names += [zones_table.decode(week[1]) for week in weeks]
        return rows


@lru_cache(maxsize=8192)
def intervals_around(
    hours: bytes | None, zone: bytes | None, hour: int
) -> tuple[tuple[int, int], ...]:
    """Open intervals from a week before a full hour to the end of that hour.

    Local time is what costs; within the hour only the clipping is done again.
    """
    start_us = hour * HOUR_US
    return tuple(
        open_intervals(
            hours_table.decode(hours),
            zones_table.decode(zone),
            start_us - LONGEST_US,
            start_us + HOUR_US,
        )
    )


def clip(around: tuple[tuple[int, int], ...], as_of_us: int) -> list[tuple[int, int]]:
    """The parts within the longest window that ends at ``as_of_us``."""
    begin_us = as_of_us - LONGEST_US
    return [
        (max(start, begin_us), min(end, as_of_us))
        for start, end in around
        if start < as_of_us and begin_us < end
    ]


def compute(program: Program, partition: int, as_of_us: int) -> Shard:
    """The partition's shard; reads its tables in one ordered scan."""
    snapshot = _Watching(
        program.histories,
        program.hours,
        program.zones,
        partition,
        as_of_us,
        program.settings.rules,
    )
    snapshot.check()
    rows = _concatenate(list(snapshot.rows()))
    zones = sorted(set(snapshot.zone_names))
    number = {zone: at for at, zone in enumerate(zones)}
    return Shard(
        rows,
        np.array(snapshot.is_open, bool),
        np.array([number[zone] for zone in snapshot.zone_names], np.int64),
        zones,
    )


def _concatenate(parts: list[Rows]) -> Rows:
    """Rows after one another; a snapshot's parts are in order already."""
    return Rows(
        [store_id for part in parts for store_id in part.store_ids],
        np.concatenate([part.up for part in parts], axis=1),
        np.concatenate([part.down for part in parts], axis=1),
        np.concatenate([part.open for part in parts], axis=1),
        np.concatenate([part.last for part in parts]),
    )


def join(shards: list[Shard]) -> Shard:
    """All shards as one, sorted by store id."""
    shards = shards or [NO_SHARD]
    ids = [store_id for shard in shards for store_id in shard.rows.store_ids]
    order = np.array(sorted(range(len(ids)), key=ids.__getitem__), np.int64)
    zones = sorted({zone for shard in shards for zone in shard.zones})
    number = {zone: at for at, zone in enumerate(zones)}
    renamed = [
        np.array([number[zone] for zone in shard.zones], np.int64)[shard.zone]
        for shard in shards
        if len(shard.zone)
    ]
    zone = np.concatenate([*renamed, np.zeros(0, np.int64)])
    is_open = np.concatenate([shard.is_open for shard in shards])
    rows = join_rows([shard.rows for shard in shards])
    return Shard(rows, is_open[order], zone[order], zones)


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
