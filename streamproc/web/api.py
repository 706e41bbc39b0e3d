"""The JSON API under /api/v1, besides reports and the gateway."""

import asyncio
import io
from importlib import resources
from typing import Any

from aiohttp import web

from streamproc.report.record import time_text
from streamproc.report.rows import csv_rows, last_status, write_csv
from streamproc.rules.timeline import local_time
from streamproc.rules.uptime import LONGEST_US
from streamproc.web import listing, query, tables_view, words
from streamproc.web.answers import json
from streamproc.web.overview import WINDOWS, Overview
from streamproc.web.pages import Pages, cursor
from streamproc.web.rejected import RejectedReader
from streamproc.web.site import Site
from streamproc.web.store import StoreView

BADGE_COLOURS = {
    "good": "#1f7a4d",
    "fair": "#8a5a00",
    "bad": "#b3261e",
    "none": "#5a6672",
}


class Api:
    """Handlers of the API."""

    def __init__(self, site: Site, pages: Pages, rejected: RejectedReader) -> None:
        self._site = site
        self._pages = pages
        self._rejected = rejected

    async def overview(self, request: web.Request) -> web.Response:
        """Totals of the fleet, and what its stores are now."""
        found = await self._site.overviews.get(query.as_of(request.query))
        return json(overview_json(found) | {"flow": flow_json(await self._site.flow())})

    async def stores(self, request: web.Request) -> web.Response:
        """A page of stores, or all that match as CSV."""
        asked = listing.listing_of(request)
        wants_csv = query.choice(request.query, "format", ("json", "csv"), "json")
        overview = await self._site.overviews.get(asked.as_of)
        rows = await asyncio.to_thread(listing.chosen, overview, asked)
        if wants_csv == "csv" or request.headers.get("Accept") == "text/csv":
            body = await asyncio.to_thread(listing.stores_csv, overview, rows)
            return csv_of(body, "stores.csv")
        shown = listing.on_page(rows, asked).tolist()
        return json(
            {
                "as_of": time_text(overview.as_of_us),
                "total": len(rows),
                "page": asked.page,
                "per_page": asked.per_page,
                "pages": listing.pages(len(rows), asked.per_page),
                "stores": [listing.store_json(overview, row) for row in shown],
            }
        )

    async def store(self, request: web.Request) -> web.Response:
        """One store's figures, or its row of a report as CSV."""
        wants_csv = query.choice(request.query, "format", ("json", "csv"), "json")
        view = await self._view(request)
        if wants_csv == "csv" or request.headers.get("Accept") == "text/csv":
            return csv_of(await asyncio.to_thread(store_csv, view), "store.csv")
        return json(await asyncio.to_thread(store_json, view))

    async def timeline(self, request: web.Request) -> web.Response:
        """One store's last seven days as spans."""
        view = await self._view(request)
        return json(
            {
                "store_id": view.store_id,
                "as_of": time_text(view.as_of_us),
                "from": time_text(view.as_of_us - LONGEST_US),
                "zone": view.zone,
                "spans": [
                    {
                        "state": span.state,
                        "from": time_text(span.start_us),
                        "to": time_text(span.end_us),
                        "seconds": span.length_us / 1e6,
                        "local_from": local_time(view.zone, span.start_us).isoformat(),
                    }
                    for span in view.spans
                ],
            }
        )

    async def polls(self, request: web.Request) -> web.Response:
        """One store's polls, newest first."""
        per_page = query.integer(request.query, "per_page", 50, 1, 1_000)
        number = query.integer(request.query, "page", 1, 1, query.MAX_PAGE)
        view = await self._view(request)
        return json(
            {
                "store_id": view.store_id,
                "as_of": time_text(view.as_of_us),
                "total": view.poll_count,
                "page": number,
                "per_page": per_page,
                "polls": [
                    {
                        "time": time_text(poll.time_us),
                        "status": "active" if poll.active else "inactive",
                        "holds_until": time_text(poll.until_us),
                        "thinned": poll.thinned,
                    }
                    for poll in view.polls((number - 1) * per_page, per_page)
                ],
            }
        )

    async def badge(self, request: web.Request) -> web.Response:
        """A picture of one window's percentage, to be embedded elsewhere."""
        window = query.choice(request.query, "window", WINDOWS, "day")
        view = await self._view(request)
        figures = view.windows[window]
        percent = words.percent(figures.up_us, figures.down_us)
        response = web.Response(
            text=badge_svg(f"uptime {words.WINDOW_NAMES[window]}", percent),
            content_type="image/svg+xml",
        )
        response.headers["Cache-Control"] = "max-age=60"
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return response

    async def _view(self, request: web.Request) -> StoreView:
        return await self._pages.known_store(
            request.match_info["store_id"], query.as_of(request.query)
        )

    # -- tables, rejected -----

    async def tables(self, request: web.Request) -> web.Response:
        """All tables with their partitions."""
        names = tables_view.names(self._site)
        found = [await tables_view.describe(self._site, name) for name in names]
        return json({"tables": found})

    async def table(self, request: web.Request) -> web.Response:
        """One table, and a page of its keys with their decoded values."""
        name = request.match_info["name"]
        about = await tables_view.describe(self._site, name)
        limit = query.integer(request.query, "limit", 50, 1, 500)
        prefix = query.search(request.query, "prefix")
        entries, more = await tables_view.entries(
            self._site, name, prefix, cursor(request), limit
        )
        items = [
            {"key": e.key, "partition": e.partition, "size": e.size, "value": e.value}
            for e in entries
        ]
        following = entries[-1].cursor if more else None
        return json({**about, "entries": items, "next": following})

    async def rejected(self, request: web.Request) -> web.Response:
        """The newest refused records."""
        reason = query.search(request.query, "reason")
        limit = query.integer(request.query, "limit", 100, 1, 2_000)
        found = await self._rejected.newest()
        records = [r for r in found.records if reason in ("", r.reason)][:limit]
        return json(
            {
                "kept": found.kept,
                "reasons": dict(found.reasons()),
                "records": [
                    {
                        "time": time_text(r.time_us),
                        "reason": r.reason,
                        "message": r.message,
                        "topic": r.topic,
                        "partition": r.partition,
                        "offset": r.offset,
                        "value": r.value,
                    }
                    for r in records
                ],
            }
        )

    async def openapi(self, request: web.Request) -> web.Response:
        """This API's description."""
        file = resources.files("streamproc.web").joinpath("openapi.json")
        return web.Response(body=file.read_bytes(), content_type="application/json")


def overview_json(overview: Overview) -> dict[str, Any]:
    """The fleet's figures; amounts in seconds."""
    return {
        "as_of": time_text(overview.as_of_us),
        "stores": overview.counts,
        "windows": {
            total.window: listing.window_json(total.up_us, total.down_us, total.open_us)
            for total in overview.totals
        },
    }


def flow_json(flow: dict[str, Any]) -> dict[str, Any]:
    """How polls come in."""
    arrived = flow["last_arrival_us"]
    shown = {name: flow[name] for name in flow if name != "last_arrival_us"}
    return shown | {"last_arrival": None if arrived is None else time_text(arrived)}


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
            window: listing.window_json(found.up_us, found.down_us, found.open_us)
            for window, found in view.windows.items()
        },
        "report_row": list(next(iter(csv_rows(view.rows)))),
    }


def store_csv(view: StoreView) -> bytes:
    """One store's row of a report, with its header."""
    stream = io.StringIO(newline="")
    write_csv(stream, view.rows, full=True)
    return stream.getvalue().encode(errors="replace")


def csv_of(body: bytes, name: str) -> web.Response:
    """CSV to be saved."""
    return web.Response(
        body=body,
        content_type="text/csv",
        charset="utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def badge_svg(label: str, percent: str | None) -> str:
    """A badge; no observation is said in words, not as zero."""
    value = "no data" if percent is None else f"{percent}%"
    grade = "none"
    if percent is not None:
        grade = (
            "good"
            if float(percent) >= 99
            else "fair"
            if float(percent) >= 90
            else "bad"
        )
    left, right = 8 + 6.4 * len(label), 12 + 6.8 * len(value)
    width = round(left + right)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20"'
        f' role="img" aria-label="{label}: {value}"><title>{label}: {value}</title>'
        f'<rect width="{width}" height="20" rx="4" fill="#3a4450"/>'
        f'<path d="M{left:.0f} 0h{width - left - 4:.0f}a4 4 0 0 1 4 4v12a4 4 0 0 1-4 4'
        f'H{left:.0f}z" fill="{BADGE_COLOURS[grade]}"/>'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f'<text x="8" y="14" textLength="{left - 12:.0f}">{label}</text>'
        f'<text x="{left + 6:.0f}" y="14" textLength="{right - 12:.0f}"'
        f' font-weight="bold">{value}</text></g></svg>'
    )
