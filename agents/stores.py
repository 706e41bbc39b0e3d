"""Agents ``hours`` and ``zones``: what is known of each store besides its polls."""

from collections.abc import Callable
from typing import Any

import orjson

from agents.consume import consume, reject, reroute
from streamproc.errors import InvalidInput, as_refusal, shown
from streamproc.program import Program
from streamproc.rules.poll import check_store_id
from streamproc.rules.schedule import parse_hours
from streamproc.rules.zones import zone_or_none
from streamproc.transport.batch import Batch
from streamproc.transport.partitioner import partitions_for
from tables import hours as hours_table
from tables import zones as zones_table
from tables.batch_table import BatchTable

Read = Callable[[dict[str, Any]], bytes | None]
"""From a message to the table's value; None forgets the store."""


def register(program: Program) -> None:
    """Declare both agents on the program's app."""

    @program.app.agent(program.source(program.topics.hours), name="hours")
    async def hours(stream: Any) -> None:
        """Keep every store's business hours."""
        await consume(
            program, stream, lambda batch: keep(program, program.hours, batch, hours_of)
        )

    @program.app.agent(program.source(program.topics.zones), name="zones")
    async def zones(stream: Any) -> None:
        """Keep every store's time zone."""
        await consume(
            program, stream, lambda batch: keep(program, program.zones, batch, zone_of)
        )


def hours_of(row: dict[str, Any]) -> bytes | None:
    if "hours" not in row:
        raise InvalidInput("bad-hours", "hours is missing; null forgets a store's")
    if row["hours"] is None:
        return None
    return hours_table.encode(parse_hours(row["hours"]))


def zone_of(row: dict[str, Any]) -> bytes | None:
    if "timezone_str" not in row:
        raise InvalidInput("unknown-zone", "timezone_str is missing; null forgets it")
    zone = zone_or_none(row["timezone_str"])
    return None if zone is None else zones_table.encode(zone)


def read_message(
    key: bytes | None, value: bytes | None, read: Read
) -> tuple[bytes, bytes | None]:
    """Store id and table value of one message; raises InvalidInput."""
    if value is None or value.strip() == b"null":
        return check_store_id((key or b"").decode(errors="replace")).encode(), None
    try:
        row = orjson.loads(value)
    except orjson.JSONDecodeError as exc:
        raise InvalidInput("bad-json", f"not JSON: {exc}") from exc
    if not isinstance(row, dict):
        raise InvalidInput("bad-json", f"expected a JSON object, not {shown(row)}")
    return check_store_id(row.get("store_id")).encode(), read(row)


async def keep(program: Program, table: BatchTable, batch: Batch, read: Read) -> None:
    """Write a batch of messages to the table; the last one of a store counts."""
    rows: list[int] = []
    store_ids: list[bytes] = []
    values: list[bytes | None] = []
    refused: list[tuple[int, InvalidInput]] = []
    for row, (key, value) in enumerate(zip(batch.keys, batch.values, strict=True)):
        try:
            store_id, new = read_message(key, value, read)
        except Exception as exc:
            refused.append((row, as_refusal(exc)))
            continue
        rows.append(row)
        store_ids.append(store_id)
        values.append(new)
    home = partitions_for(store_ids, program.settings.partitions).tolist()
    here = [at for at, partition in enumerate(home) if partition == batch.partition]
    away = [at for at, partition in enumerate(home) if partition != batch.partition]
    await reroute(
        program,
        batch,
        [rows[at] for at in away],
        [store_ids[at] for at in away],
        [home[at] for at in away],
    )
    await reject(program, batch, refused)
    async with table.exclusive(batch.partition):
        await table.write(batch.partition, {store_ids[at]: values[at] for at in here})
