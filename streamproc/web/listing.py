"""A page of the fleet's stores as asked for: search, state, order, page."""

import csv
import io
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from streamproc.report.record import time_text
from streamproc.report.rows import (
    FULL_HEADER,
    Rows,
    csv_rows,
    last_poll_text,
    last_status,
)
from streamproc.rules.uptime import Ints
from streamproc.web import query, words
from streamproc.web.overview import NOW_STATES, SILENT, SORTS, WINDOWS, Overview

PER_PAGE = 25
MOST_PER_PAGE = 500
NOW_FILTERS = (*NOW_STATES, "open", SILENT)
ORDERS = ("asc", "desc")


@dataclass(frozen=True, slots=True)
class Listing:
    """What a reader asked for; every value is checked."""

    as_of: str | int
    q: str
    now: str
    sort: str
    order: str
    page: int
    per_page: int

    def params(self, **changes: Any) -> dict[str, Any]:
        """The query that asks for it; defaults are left out."""
        as_of = self.as_of if isinstance(self.as_of, str) else time_text(self.as_of)
        given = {
            "as_of": "" if as_of == "now" else as_of,
            "q": self.q,
            "now": self.now,
            "sort": "" if self.sort == "down_day" else self.sort,
            "order": "" if self.order == default_order(self.sort) else self.order,
            "page": "" if self.page == 1 else self.page,
            "per_page": "" if self.per_page == PER_PAGE else self.per_page,
        }
        return {**given, **changes}

    def sorted_by(self, sort: str) -> dict[str, Any]:
        """The query for another column, or for the same one the other way."""
        order = default_order(sort)
        if sort == self.sort and self.order == order:
            order = "asc" if order == "desc" else "desc"
        order = "" if order == default_order(sort) else order
        sort = "" if sort == "down_day" else sort
        return self.params(sort=sort, order=order, page="")


def default_order(sort: str) -> str:
    """The worst come first; names go from a to z."""
    name = sort.partition("_")[0]
    return "asc" if name in ("store", "zone", "up", "percent", "last") else "desc"


def listing_of(request: web.Request) -> Listing:
    """The listing a request asks for; raises a 400 Refusal."""
    given = request.query
    sort = query.choice(given, "sort", SORTS, "down_day")
    return Listing(
        query.as_of(given),
        query.search(given),
        query.choice(given, "now", NOW_FILTERS, ""),
        sort,
        query.choice(given, "order", ORDERS, default_order(sort)),
        query.integer(given, "page", 1, 1, query.MAX_PAGE),
        query.integer(given, "per_page", PER_PAGE, 1, MOST_PER_PAGE),
    )


def chosen(overview: Overview, listing: Listing) -> Ints:
    """All rows that are asked for, in order, over all pages."""
    found = overview.find(listing.q, listing.now)
    return overview.ordered(found, listing.sort, listing.order == "desc")


def on_page(rows: Ints, listing: Listing) -> Ints:
    """The rows of the page."""
    first = (listing.page - 1) * listing.per_page
    return rows[first : first + listing.per_page]


def pages(total: int, per_page: int) -> int:
    """How many pages there are; one at least."""
    return max(-(-total // per_page), 1)


def store_json(overview: Overview, row: int) -> dict[str, Any]:
    """One store as the API lists it; amounts in seconds."""
    rows = overview.rows
    last = int(rows.last[row])
    windows = {}
    for at, window in enumerate(WINDOWS):
        up, down, opened = (
            int(amounts[at, row]) for amounts in (rows.up, rows.down, rows.open)
        )
        windows[window] = window_json(up, down, opened)
    return {
        "store_id": rows.store_ids[row],
        "now": overview.state_of(row),
        "zone": overview.shard.zones[int(overview.shard.zone[row])],
        "last_poll": last_poll_text(last) or None,
        "last_status": last_status(last) or None,
        "windows": windows,
    }


def window_json(up_us: int, down_us: int, open_us: int) -> dict[str, float | None]:
    """A window's figures in seconds; the percentage is of the observed time."""
    percent = words.percent(up_us, down_us)
    return {
        "up_s": up_us / 1e6,
        "down_s": down_us / 1e6,
        "unknown_s": (open_us - up_us - down_us) / 1e6,
        "open_s": open_us / 1e6,
        "uptime_percent": None if percent is None else float(percent),
    }


def stores_csv(overview: Overview, rows: Ints) -> bytes:
    """All chosen stores as CSV, every column of the view."""
    figures = overview.rows
    some = Rows(
        [figures.store_ids[row] for row in rows.tolist()],
        figures.up[:, rows],
        figures.down[:, rows],
        figures.open[:, rows],
        figures.last[rows],
    )
    as_of = time_text(overview.as_of_us)
    zones = overview.shard.zones
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow((*FULL_HEADER, "now", "zone", "as_of_utc"))
    for row, cells in zip(rows.tolist(), csv_rows(some, full=True), strict=True):
        zone = zones[int(overview.shard.zone[row])]
        writer.writerow((*cells, overview.state_of(row), zone, as_of))
    return stream.getvalue().encode(errors="replace")
