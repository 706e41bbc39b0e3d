"""The fleet and its stores as the API tells of them, in JSON or as CSV."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from streamproc.cells import Ints
from streamproc.report.record import time_text
from streamproc.report.rows import (
    FULL_HEADER,
    csv_rows,
    last_poll_text,
    last_status,
)
from streamproc.rules import windows
from streamproc.web import figures
from streamproc.web.fleet.overview import Overview

ROWS_PER_PIECE = 1_000


def overview_json(overview: Overview) -> dict[str, Any]:
    """The fleet's figures; amounts in seconds."""
    return {
        "as_of": time_text(overview.as_of_us),
        "stores": overview.counts,
        "windows": {
            total.window: figures.window_json(total.up_us, total.down_us, total.open_us)
            for total in overview.totals
        },
    }


def flow_json(flow: dict[str, Any]) -> dict[str, Any]:
    """How polls come in."""
    arrived = flow["last_arrival_us"]
    shown = {name: flow[name] for name in flow if name != "last_arrival_us"}
    return shown | {"last_arrival": None if arrived is None else time_text(arrived)}


def store_json(overview: Overview, row: int) -> dict[str, Any]:
    """One store as the API lists it; amounts in seconds."""
    rows = overview.rows
    last = int(rows.last[row])
    found = {}
    for at, window in enumerate(windows.NAMES):
        up, down, opened = (
            int(amounts[at, row]) for amounts in (rows.up, rows.down, rows.open)
        )
        found[window] = figures.window_json(up, down, opened)
    return {
        "store_id": rows.store_ids[row],
        "now": overview.state_of(row),
        "zone": overview.shard.zones[int(overview.shard.zone[row])],
        "last_poll": last_poll_text(last) or None,
        "last_status": last_status(last) or None,
        "windows": found,
    }


def stores_csv(overview: Overview, rows: Ints) -> Iterator[bytes]:
    """All chosen stores as CSV, every column of the view, some at a time."""
    header = (*FULL_HEADER, "now", "zone", "as_of_utc")
    yield _csv([header])
    for first in range(0, len(rows), ROWS_PER_PIECE):
        yield _csv(_csv_rows(overview, rows[first : first + ROWS_PER_PIECE]))


def _csv_rows(overview: Overview, rows: Ints) -> Iterator[Sequence[str]]:
    some, zones = overview.rows[rows], overview.shard.zones
    as_of = time_text(overview.as_of_us)
    for row, cells in zip(rows.tolist(), csv_rows(some, full=True), strict=True):
        zone = zones[int(overview.shard.zone[row])]
        yield (*cells, overview.state_of(row), zone, as_of)


def _csv(rows: Iterable[Sequence[str]]) -> bytes:
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue().encode(errors="replace")
