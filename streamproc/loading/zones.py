"""Files of zones: a store has one, the last row of it counts."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from streamproc.errors import counted
from streamproc.loading.header import ZONES
from streamproc.loading.refused import OnRefused
from streamproc.loading.source import Progress
from streamproc.loading.store_rows import read_store_rows
from streamproc.loading.stores import StoreFile
from streamproc.rules.zones import DEFAULT_ZONE, zone_or_none, zone_remark


def read_zones(
    path: Path, progress: Progress, tell: OnRefused, names: Mapping[str, str]
) -> StoreFile:
    """One store-zones message per store; the last row of a store counts."""
    file = StoreFile(path, "zones")
    zones: dict[str, tuple[int, str | None]] = {}
    twice: list[str] = []

    def said(line: int, cells: Sequence[str]) -> str | None:
        return zone_or_none(cells[0])

    taken = read_store_rows(file, (ZONES, ()), names, said, progress, tell)
    for store_id, zone, line in taken:
        before = zones.get(store_id)
        if before is not None and before[1] != zone:
            twice.append(
                f"{store_id} has {before[1] or 'none'} on line {before[0]} and"
                f" {zone or 'none'} on line {line}"
            )
        zones[store_id] = line, zone
    file.messages = {
        store_id: {"store_id": store_id, "timezone_str": zone}
        for store_id, (_, zone) in zones.items()
        if store_id not in file.broken
    }
    file.remarks += [*_of_two_zones(path, twice), *_of_zones(path, zones)]
    return file


def _of_two_zones(path: Path, twice: list[str]) -> Iterator[str]:
    if twice:
        more = f", and {len(twice) - 3:,} more" if len(twice) > 3 else ""
        yield (
            f"{path}: two zones for one store, the later line counts:"
            f" {'; '.join(twice[:3])}{more}"
        )


def _of_zones(path: Path, zones: Mapping[str, tuple[int, str | None]]) -> Iterator[str]:
    counts: dict[str | None, int] = {}
    for _, zone in zones.values():
        counts[zone] = counts.get(zone, 0) + 1
    for zone, count in counts.items():
        if zone is None:
            remark: str | None = f"without a zone; {DEFAULT_ZONE} counts"
        else:
            remark = zone_remark(zone)
        if remark:
            yield f"{path}: {counted(count, 'store')}: {remark}"
