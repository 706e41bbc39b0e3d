"""Facts of stores, told to a live site through its API and from a file."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path

from streamproc.cli.load import publish
from streamproc.cli.progress import Progress
from streamproc.loading.loader import Loader
from streamproc.loading.options import Files
from tests.web.live_site import NOW_US, Answer, LiveSite

STORES = "/api/v1/stores"


def put(site: LiveSite, path: str, body: object) -> Answer:
    """Put a fact, such as ``shop/zone``; it is taken."""
    answer = offer(site, path, body)
    assert answer.status == 200, answer.text
    return answer


def offer(site: LiveSite, path: str, body: object) -> Answer:
    """Put a fact that may be refused."""
    told = json.dumps(body).encode()
    return site.ask("PUT", f"{STORES}/{path}", told, Content_Type="application/json")


def load_zones(site: LiveSite, root: Path, zones: Mapping[object, str]) -> None:
    """Load the zones of stores from a file, as the command does."""
    rows = "".join(f"{store_id},{zone}\n" for store_id, zone in zones.items())
    path = root / "zones.csv"
    path.write_text("store_id,timezone_str\n" + rows)
    loader, files = Loader(NOW_US, Progress, root), Files(zones=path)
    loader.read(files)
    asyncio.run(publish(site.settings, loader, files))
    site.settle()
