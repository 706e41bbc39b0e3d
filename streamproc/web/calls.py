"""What workers ask each other; each call is answered by a partition's owner.

A call runs in a thread, on the tables of the worker that owns the partition.
To the same worker it hands over objects, to another one their encoding.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Generic, TypeVar

import numpy as np
import orjson
from faust.types import TP

from streamproc.errors import ReportFailedError
from streamproc.program import Program
from streamproc.report import record
from streamproc.report.record import Report, time_text
from streamproc.rules.schedule import DAY_US
from streamproc.rules.uptime import Ints
from streamproc.web import shard
from tables import reports as reports_table
from tables.batch_table import BatchTable

T = TypeVar("T")

STORES = "histories"
REPORTS = "reports"
QUICK_STORES = 50


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """A question: how it is answered, and how the answer travels.

    ``table``: whose partition's owner answers; empty when ``args`` name it.
    ``whole``: scans a whole partition; one such call runs at a time.
    ``quick``: reads a few keys only, which is sooner done than handed to a thread.
    """

    name: str
    run: Callable[[Program, dict[str, Any]], T]
    table: str = STORES
    encode: Callable[[T], bytes] = orjson.dumps
    decode: Callable[[bytes], T] = orjson.loads
    whole: bool = False
    quick: Callable[[dict[str, Any]], bool] = field(default=lambda args: False)


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


def table_named(program: Program, name: str) -> BatchTable | None:
    """One of the program's tables."""
    return program.app.tables.get(name)  # type: ignore[no-any-return]


# -- stores -----


def _shard(program: Program, args: dict[str, Any]) -> shard.Shard:
    return shard.compute(program, args["partition"], args["as_of_us"])


def _newest(program: Program, args: dict[str, Any]) -> int:
    return program.histories.newest_us(args["partition"])


def _stores(program: Program, args: dict[str, Any]) -> list[StoreData]:
    partition = args["partition"]
    newest_us = program.histories.newest_us(partition)
    if args["as_of_us"] < newest_us - DAY_US:
        raise ReportFailedError(
            f"as_of {time_text(args['as_of_us'])} lies more than a day before the"
            f" newest poll ({time_text(newest_us)}): older history is not kept"
        )
    return [
        StoreData(
            program.histories.polls_of(partition, key),
            program.hours.read(partition, key),
            program.zones.read(partition, key),
        )
        for key in (store_id.encode() for store_id in args["store_ids"])
    ]


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


SHARD = Call("shard", _shard, encode=shard.encode, decode=shard.decode, whole=True)
NEWEST = Call("newest", _newest, quick=lambda args: True)
STORE_DATA = Call(
    "stores",
    _stores,
    encode=_encode_stores,
    decode=_decode_stores,
    quick=lambda args: len(args["store_ids"]) <= QUICK_STORES,
)

# -- reports -----


def _reports(program: Program, args: dict[str, Any]) -> list[Report]:
    return list(program.reports.all())


def _report(program: Program, args: dict[str, Any]) -> list[Report]:
    found = program.reports.find(args["report_id"])
    return [] if found is None else [found]


def _encode_reports(reports: list[Report]) -> bytes:
    return orjson.dumps([record.encode(report).decode() for report in reports])


def _decode_reports(value: bytes) -> list[Report]:
    return [record.decode(item.encode()) for item in orjson.loads(value)]


@dataclass(frozen=True, slots=True)
class ReportFile:
    """A finished report's bytes, and when they were written."""

    body: bytes
    modified_ns: int


def _report_file(program: Program, args: dict[str, Any]) -> ReportFile | None:
    """The file of a report that the table says is complete, or the combined one.

    The id never comes from the request alone: it is looked up first.
    """
    files = program.report_files
    if args["report_id"] is None:
        path = files.combined
    else:
        report = program.reports.find(args["report_id"])
        if report is None or report.state != record.COMPLETE:
            return None
        path = files.path(report.report_id)
    try:
        with path.open("rb") as stream:
            return ReportFile(stream.read(), path.stat().st_mtime_ns)
    except FileNotFoundError:
        return None


def _encode_file(found: ReportFile | None) -> bytes:
    return b"" if found is None else b"%d\n%b" % (found.modified_ns, found.body)


def _decode_file(value: bytes) -> ReportFile | None:
    if not value:
        return None
    modified, _, body = value.partition(b"\n")
    return ReportFile(body, int(modified))


ALL_REPORTS = Call(
    "reports",
    _reports,
    REPORTS,
    encode=_encode_reports,
    decode=_decode_reports,
    quick=lambda args: True,
)
ONE_REPORT = Call(
    "report",
    _report,
    REPORTS,
    encode=_encode_reports,
    decode=_decode_reports,
    quick=lambda args: True,
)
REPORT_FILE = Call(
    "report-file", _report_file, REPORTS, encode=_encode_file, decode=_decode_file
)
REPORT_PARTITION = reports_table.PARTITION

# -- tables -----

Items = list[tuple[bytes, bytes]]
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


def _partition_info(program: Program, args: dict[str, Any]) -> dict[str, Any]:
    table = table_named(program, args["table"])
    assert table is not None  # the asker has looked it up
    partition = args["partition"]
    tp = TP(table.changelog_topic.get_topic_name(), partition)
    newest = None
    if table is program.histories:
        newest = program.histories.newest_us(partition)
    return {
        "keys": estimated_keys(table, partition),
        "changelog_offset": table.data.persisted_offset(tp),
        "newest_us": None if newest == -1 else newest,
    }


def estimated_keys(table: BatchTable, partition: int) -> int:
    """How many keys a partition holds, as RocksDB estimates it."""
    found = table._db(partition).property_int_value("rocksdb.estimate-num-keys") or 0
    own = [table.read(partition, key) for key in table.own_keys]
    return max(int(found) - len([key for key in own if key is not None]), 0)


ITEMS = Call("items", _items, "", encode=_encode_items, decode=_decode_items)
PARTITION_INFO = Call("partition", _partition_info, "")

BY_NAME: dict[str, Call[Any]] = {
    call.name: call
    for call in (
        SHARD,
        NEWEST,
        STORE_DATA,
        ALL_REPORTS,
        ONE_REPORT,
        REPORT_FILE,
        ITEMS,
        PARTITION_INFO,
    )
}
