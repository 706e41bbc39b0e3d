"""What the program shows by window, as JSON: run with another list of windows."""

import asyncio
import csv
import io
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from streamproc.report.request import new_request
from streamproc.report.rows import write_csv
from streamproc.report_client import ReportClient
from streamproc.rules.history import KEPT_DAYS
from streamproc.rules.poll import Poll, encode_poll
from streamproc.rules.units import DAY_US, HOUR_US
from streamproc.transport.connect import connect
from streamproc.web.fleet.overview import SORTS
from tests.web.live_site import NOW_US, LiveSite
from tools import openapi

AGES_DAYS = (20.0, 3.0, 0.5)
"""Before a window of seven days, in it, and in the last day."""


def main() -> None:
    """Print what a reader of files, answers and pages gets to see."""
    with tempfile.TemporaryDirectory() as root:
        site = LiveSite(Path(root), {"hold": 60}).start()
        try:
            json.dump(asyncio.run(_shown(site)), sys.stdout)
        finally:
            site.stop()


async def _shown(site: LiveSite) -> dict[str, Any]:
    polls = [Poll("a", NOW_US - round(age * DAY_US), True) for age in AGES_DAYS]
    sent = [(poll.store_id, encode_poll(poll)) for poll in polls]
    await asyncio.to_thread(site.publish, site.program.topics.polls, sent)
    await asyncio.to_thread(site.settle)
    client = await connect(site.settings)
    try:
        request = new_request("now", NOW_US)
        asked = ReportClient(site.settings, client)
        _, rows = await asked.run(request, lambda _: None)
    finally:
        await client.close()
    full = io.StringIO()
    write_csv(full, rows, full=True)
    return await asyncio.to_thread(_answers, site, full.getvalue())


def _answers(site: LiveSite, full: str) -> dict[str, Any]:
    combined = site.program.report_files.combined.read_text()
    return {
        "kept_days": KEPT_DAYS,
        "polls_retention": site.settings.polls_retention,
        "combined": list(csv.reader(io.StringIO(combined))),
        "full": list(csv.DictReader(io.StringIO(full))),
        "sorts": SORTS,
        "described": openapi.make()["components"]["schemas"]["Store"]["properties"],
        "sorted": {
            sort: site.get(f"/api/v1/stores?sort={sort}").status for sort in SORTS
        },
        "overview": site.get("/api/v1/overview").json["windows"],
        "store": site.get("/api/v1/stores/a").json["windows"],
        "export": site.get("/api/v1/stores?format=csv").text.splitlines()[0],
        "timeline_h": _timeline_hours(site),
        "badge": site.get("/stores/a/badge.svg?window=month").status,
        "fleet": site.page("/"),
        "page": site.page("/stores/a"),
    }


def _timeline_hours(site: LiveSite) -> float:
    spans = site.get("/api/v1/stores/a/timeline").json["spans"]
    return sum(float(span["seconds"]) for span in spans) * 1e6 / HOUR_US


if __name__ == "__main__":
    main()
