"""A table's partition: its keys in order, and what is known of it."""

from dataclasses import dataclass
from itertools import islice
from typing import Any

import orjson
from faust.types import TP

from streamproc.program import Program
from streamproc.web.cluster.calls import Call, table_named
from tables.batch_table import BatchTable

Items = list[tuple[bytes, bytes]]
COUNTED_KEYS = 1_000
FIRST_KEY = b"\1"
"""Keys before it are a table's own notes, such as the newest poll's time."""


def _items(program: Program, args: dict[str, Any]) -> Items:
    table = table_named(program, args["table"])
    assert table is not None  # the asker has looked it up
    start = max(bytes.fromhex(args["start"]), FIRST_KEY)
    return list(islice(table.scan(args["partition"], start), args["limit"]))


def _encode_items(items: Items) -> bytes:
    return orjson.dumps([[key.hex(), value.hex()] for key, value in items])


def _decode_items(value: bytes) -> Items:
    return [(bytes.fromhex(k), bytes.fromhex(v)) for k, v in orjson.loads(value)]


@dataclass(frozen=True, slots=True)
class PartitionInfo:
    """What a partition's owner knows of it; see ``answers.Partition``."""

    keys: int
    changelog_offset: int | None
    newest_us: int | None


def _partition_info(program: Program, args: dict[str, Any]) -> PartitionInfo:
    table = table_named(program, args["table"])
    assert table is not None  # the asker has looked it up
    partition = args["partition"]
    tp = TP(table.changelog_topic.get_topic_name(), partition)
    newest = -1
    if table is program.histories:
        newest = program.histories.newest_us(partition)
    return PartitionInfo(
        estimated_keys(table, partition),
        table.data.persisted_offset(tp),
        None if newest == -1 else newest,
    )


def _decode_info(value: bytes) -> PartitionInfo:
    return PartitionInfo(**orjson.loads(value))


def estimated_keys(table: BatchTable, partition: int) -> int:
    """How many keys a partition holds; RocksDB's estimate where they are many.

    It counts what has been overwritten and not yet compacted, too.
    """
    with table.data.using(partition) as db:
        found = int(db.property_int_value("rocksdb.estimate-num-keys") or 0)
    if found > COUNTED_KEYS:
        return found
    return sum(1 for _ in table.scan(partition, FIRST_KEY))


ITEMS = Call("items", _items, "", encode=_encode_items, decode=_decode_items)
PARTITION_INFO = Call("partition", _partition_info, "", decode=_decode_info)
