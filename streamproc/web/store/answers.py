"""A store as the API tells of it, in JSON or as a row of CSV."""

import io
from typing import Any

from streamproc.report.record import time_text
from streamproc.report.rows import csv_rows, last_status, write_csv
from streamproc.web import figures
from streamproc.web.store.view import StoreView


def store_json(view: StoreView) -> dict[str, Any]:
    """One store as the API shows it."""
    return {
        "store_id": view.store_id,
        "as_of": time_text(view.as_of_us),
        "now": view.state,
        "since": None if view.since_us is None else time_text(view.since_us),
        "zone": view.zone,
        "zone_is_default": view.zone_is_default,
        "hours": [
            {"day": o.day, "start_s": o.start_s, "end_s": o.end_s}
            for o in view.openings
        ],
        "open_24x7": not view.openings,
        "polls": view.poll_count,
        "last_poll": None if view.last_us is None else time_text(view.last_us),
        "last_status": last_status(-1 if view.last is None else view.last) or None,
        "windows": {
            window: figures.window_json(found.up_us, found.down_us, found.open_us)
            for window, found in view.windows.items()
        },
        "report_row": list(next(iter(csv_rows(view.rows)))),
    }


def store_csv(view: StoreView) -> bytes:
    """One store's row of a report, with its header."""
    stream = io.StringIO(newline="")
    write_csv(stream, view.rows, full=True)
    return stream.getvalue().encode(errors="replace")
