"""The pages for people: fleet, store, tables, rejected records, signing in."""

import asyncio
import time
from typing import Any

from aiohttp import web

from streamproc.report import record
from streamproc.report.record import Report, time_text
from streamproc.rules.uptime import HOUR_US, LONGEST_US
from streamproc.web import listing, query, tables_view
from streamproc.web.answers import see_other
from streamproc.web.gateway import form_of
from streamproc.web.overview import FRESH_S, Overview
from streamproc.web.refusal import bad, unknown
from streamproc.web.rejected import RejectedReader
from streamproc.web.render import html, page, text
from streamproc.web.security import COOKIE, Guard
from streamproc.web.site import Site
from streamproc.web.store import StoreView

KEPT_PAGES = 64
POLLS_PER_PAGE = 25
KEYS_PER_PAGE = 50
REJECTED_PER_PAGE = 100
OUTDATED_US = 24 * HOUR_US


def as_of_text(as_of: str | int) -> str:
    """As-of as it stands in a link; empty for the default."""
    if as_of == record.NOW:
        return ""
    return as_of if isinstance(as_of, str) else time_text(as_of)


class Pages:
    """Handlers of the pages."""

    def __init__(self, site: Site, guard: Guard, rejected: RejectedReader) -> None:
        self._site = site
        self._guard = guard
        self._rejected = rejected

    # -- fleet -----

    async def fleet(self, request: web.Request) -> web.Response:
        """The overview; rendered once for all who ask for the same."""
        asked = listing.listing_of(request)
        overview = await self._site.overviews.get(asked.as_of)
        who = (self._guard.may_change(request), self._guard.is_known(request))
        key = f"{asked} {who}"
        made_at, making = overview.pages.get(key, (0.0, None))
        if making is None or time.monotonic() - made_at > FRESH_S:
            making = asyncio.create_task(self._fleet_text(request, overview, asked))
            overview.pages[key] = (time.monotonic(), making)
            if len(overview.pages) > KEPT_PAGES:
                overview.pages.popitem(last=False)
        try:
            return html(await asyncio.shield(making))
        except Exception:
            overview.pages.pop(key, None)
            raise

    async def _fleet_text(
        self, request: web.Request, overview: Overview, asked: listing.Listing
    ) -> bytes:
        context = await self._fleet_context(overview, asked)
        return await asyncio.to_thread(text, request, "fleet.html", **context)

    async def _fleet_context(
        self, overview: Overview, asked: listing.Listing
    ) -> dict[str, Any]:
        rows = await asyncio.to_thread(listing.chosen, overview, asked)
        shown = listing.on_page(rows, asked).tolist()
        ids = [overview.rows.store_ids[row] for row in shown]
        views, reports, flow, newest_us = await asyncio.gather(
            self._site.views(ids, overview.as_of_us),
            self._site.reports(),
            self._site.flow(),
            self._site.overviews.newest_us(),
        )
        now_us = self._site.program.now_us()
        return {
            "overview": overview,
            "asked": asked,
            "stores": views,
            "total": len(rows),
            "pages": listing.pages(len(rows), asked.per_page),
            "flow": flow,
            "newest_us": newest_us,
            "is_outdated": newest_us is not None
            and asked.as_of == record.NOW
            and newest_us < now_us - OUTDATED_US,
            "report": newest_complete(reports),
            "running": sum(r.state == record.RUNNING for r in reports),
            "next_report_us": self._next_report_us(now_us),
            "now_us": now_us,
            "as_of": as_of_text(asked.as_of),
            "rules": overview.rules,
        }

    def _next_report_us(self, now_us: int) -> int | None:
        if not self._site.program.settings.hourly:
            return None
        return (now_us // HOUR_US + 1) * HOUR_US

    # -- store -----

    async def store(self, request: web.Request) -> web.Response:
        """One store, or a 404 page that says that nothing is known of it."""
        store_id = request.match_info.get("store_id") or request.query.get("id", "")
        as_of = query.as_of(request.query)
        number = query.integer(request.query, "page", 1, 1, query.MAX_PAGE)
        view = await self.known_store(store_id, as_of)
        return html(self._store_text(request, view, as_of, number))

    def _store_text(
        self, request: web.Request, view: StoreView, as_of: str | int, number: int
    ) -> bytes:
        return text(
            request,
            "store.html",
            store=view,
            as_of=as_of_text(as_of),
            page=number,
            pages=listing.pages(view.poll_count, POLLS_PER_PAGE),
            polls=view.polls((number - 1) * POLLS_PER_PAGE, POLLS_PER_PAGE),
            rules=view.rules,
            begin_us=view.as_of_us - LONGEST_US,
            longest_h=max(round(day.hours) for day in view.days),
            now_us=self._site.program.now_us(),
        )

    async def known_store(self, store_id: str, as_of: str | int) -> StoreView:
        """A store that something is known of; raises a 404 Refusal."""
        view = await self._site.view(query.store_id(store_id), as_of)
        if not view.data.is_known:
            raise unknown("store", store_id)
        return view

    # -- tables -----

    async def tables(self, request: web.Request) -> web.Response:
        """What tables there are."""
        names = tables_view.names(self._site)
        found = await asyncio.gather(
            *(tables_view.describe(self._site, name) for name in names)
        )
        return page(request, "tables.html", tables=found, me=self._site.cluster.me)

    async def table(self, request: web.Request) -> web.Response:
        """One table's keys, in order over all partitions."""
        name = request.match_info["name"]
        tables_view.find(self._site, name)
        prefix = query.search(request.query, "prefix")
        after = cursor(request)
        entries, more = await tables_view.entries(
            self._site, name, prefix, after, KEYS_PER_PAGE
        )
        return page(
            request,
            "table.html",
            table=await tables_view.describe(self._site, name),
            entries=entries,
            more=more,
            prefix=prefix,
            after=after,
            me=self._site.cluster.me,
        )

    # -- rejected records -----

    async def rejected(self, request: web.Request) -> web.Response:
        """The newest refused records, by reason."""
        reason = query.search(request.query, "reason")
        number = query.integer(request.query, "page", 1, 1, query.MAX_PAGE)
        found = await self._rejected.newest()
        records = [r for r in found.records if reason in ("", r.reason)]
        first = (number - 1) * REJECTED_PER_PAGE
        return page(
            request,
            "rejected.html",
            found=found,
            reason=reason,
            records=records[first : first + REJECTED_PER_PAGE],
            total=len(records),
            page=number,
            pages=listing.pages(len(records), REJECTED_PER_PAGE),
            now_us=self._site.program.now_us(),
            retention_days=self._site.program.settings.rejected_retention,
        )

    # -- signing in -----

    async def login(self, request: web.Request) -> web.Response:
        """The form that asks for the token."""
        self._guard.check_host(request)
        return page(request, "login.html", goal=goal_of(request), wrong=False)

    async def sign_in(self, request: web.Request) -> web.Response:
        """Check the token and give the browser a session."""
        self._guard.check_host(request)
        self._guard.check_same_origin(request)
        given = (await form_of(request)).get("token", "")
        if not self._guard.is_token(given):
            return page(request, "login.html", 401, goal=goal_of(request), wrong=True)
        response = see_other(goal_of(request))
        self._guard.open_session(response)
        return response

    async def sign_out(self, request: web.Request) -> web.Response:
        """End the browser's session."""
        self._guard.check_host(request)
        self._guard.check_same_origin(request)
        response = see_other("/")
        response.del_cookie(COOKIE, httponly=True, samesite="Strict")
        return response


def newest_complete(reports: list[Report]) -> Report | None:
    """The newest finished report of all stores."""
    return next(
        (r for r in reports if r.state == record.COMPLETE and r.kind != record.STORE),
        None,
    )


def cursor(request: web.Request) -> str:
    """Where a page of keys goes on: a key in hexadecimal digits."""
    after = request.query.get("after", "")
    try:
        bytes.fromhex(after)
    except ValueError:
        after = "?"
    if len(after) > 400 or (not after.isalnum() and after):
        raise bad("bad-after", "after is not a key in hexadecimal digits.")
    return after


def goal_of(request: web.Request) -> str:
    """Where to go after signing in: a path here, never another site."""
    goal = request.query.get("next", "/")
    safe = goal.startswith("/") and goal[1:2] not in ("/", "\\")
    return goal if safe and goal.isprintable() and len(goal) < 2_000 else "/"
