"""Who follows a page is sent the parts that have changed, and nothing else."""

import asyncio
import html
import http.client
import json
import re
from collections.abc import Callable, Generator
from typing import Any

import pytest

from streamproc.web.cache import MOMENT_S, OLDEST_S, Cache
from streamproc.web.pages import parts_of
from streamproc.web.refusal import Refusal
from tests.waiting import LIMIT_S
from tests.web.live_site import LiveSite

POLL = {"status": "inactive", "timestamp_utc": "2025-05-06T14:59:00Z"}


def events(site: LiveSite, path: str) -> Generator[tuple[str, Any], None, None]:
    """Server-sent events of a path, by name."""
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=LIMIT_S)
    try:
        connection.request("GET", path)
        stream = connection.getresponse()
        while line := stream.readline():
            if line.startswith(b"event: "):
                data = stream.readline().removeprefix(b"data: ")
                yield line[7:].decode().strip(), json.loads(data)
    finally:
        connection.close()


def live_url(page: str) -> str:
    """Where a page says that it is followed."""
    return html.unescape(re.findall(r'data-live-url="([^"]+)"', page)[0])


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/?period=this-month", "/stores", "/stores?period=yesterday"),
        *("/stores/gamma", "/stores/gamma?period=day:2025-05-05", "/stores/unpolled"),
    ],
)
def test_every_live_part_of_a_page_can_be_followed(site: LiveSite, path: str) -> None:
    """Each has its mark at its end, and none lies within another one."""
    page = site.page(path)
    names = re.findall(r'data-live="([^"]+)"', page)
    assert len(names) == len(set(names)) > 2
    parts = parts_of(page.encode())
    assert list(parts) == names
    assert not any(b"data-live=" in inner for inner in parts.values())


def test_what_has_changed_is_sent_and_nothing_else(
    start_site: Callable[..., LiveSite], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store goes down: the sentence and the list are sent, the picker is not."""
    monkeypatch.setattr("streamproc.web.templating.LIVE_EVERY_S", 0.2)
    monkeypatch.setattr("streamproc.web.pages.FRESH_S", 0.1)
    site = start_site().fill()
    follow = events(site, live_url(site.page("/stores?now=down&q=newcomer")))
    assert next(follow) == ("parts", {})  # its clock stands still
    site.post_json("/api/v1/polls", {**POLL, "store_id": "newcomer"})
    changed: dict[str, str] = {}
    while "stores" not in changed:
        kind, changed = next(follow)
        assert kind == "parts"
    assert "newcomer" in changed["stores"]
    assert "10 stores" not in changed["stores"]
    assert set(changed) <= {"stores", "states", "total", "groups", "asof"}
    follow.close()


def test_a_page_that_is_not_kept_is_read_as_a_whole(site: LiveSite) -> None:
    """A tick says so; what is no page is none."""
    for path in ("/live", "/live?of=nothing&since=3"):
        follow = events(site, path)
        kind, news = next(follow)
        assert kind == "tick"
        assert "polls_per_s" in news
        follow.close()


def test_after_a_change_the_next_page_shows_it(
    start_site: Callable[..., LiveSite],
) -> None:
    """Pages are kept some seconds, but none from before a change."""
    site = start_site().fill()
    assert "Mon\N{EN DASH}Fri" in site.page("/stores/gamma")
    assert "Beta Square" in site.page("/stores?q=beta")
    row = {"dayOfWeek": 0, "start_time_local": "10:00", "end_time_local": "16:30"}
    body = json.dumps({"hours": [row]}).encode()
    answer = site.ask("PUT", "/api/v1/stores/gamma/hours", body)
    assert answer.status == 200
    assert "10:00\N{EN DASH}16:30" in site.page("/stores/gamma")
    labels = json.dumps({"name": "Beta Circus", "labels": {}}).encode()
    assert site.ask("PUT", "/api/v1/stores/beta/labels", labels).status == 200
    assert "Beta Circus" in site.page("/stores?q=beta")


# -- answers that take long -----


async def test_an_old_answer_is_given_out_while_a_newer_one_is_made() -> None:
    """Nobody waits but the first; one answer is made at a time."""
    made: list[str] = []
    begun, go_on = asyncio.Event(), asyncio.Event()
    go_on.set()

    async def make(key: str) -> int:
        made.append(key)
        begun.set()
        await go_on.wait()
        return len(made)

    kept: Cache[str, int] = Cache(make, 0.0)
    assert await kept.get("a") == 1
    kept._entries["a"].lasts_s = 0.0
    kept._entries["a"].made_at += 3600  # it is not that old
    assert await kept.get("a") == 1
    kept._entries["a"].made_at -= 3600
    kept._entries["a"].lasts_s = 1e-9
    go_on.clear()
    begun.clear()
    kept._fresh_s = 3600.0  # how old one may be at most
    assert await kept.get("a") == 1
    await begun.wait()
    go_on.set()
    task = kept._entries["a"].task
    assert task is not None
    assert await task == 2
    assert await kept.get("a") == 2


@pytest.mark.parametrize(("age_s", "is_given"), [(5.0, True), (OLDEST_S + 1, False)])
async def test_an_older_answer_is_given_out_where_a_newer_one_takes_long(
    age_s: float, is_given: bool
) -> None:
    """Beside a backlog it may take seconds; what is too old is waited for."""
    made: list[str] = []
    go_on = asyncio.Event()
    go_on.set()

    async def make(key: str) -> int:
        made.append(key)
        await go_on.wait()
        return len(made)

    kept: Cache[str, int] = Cache(make, 0.0)
    assert await kept.get("a") == 1
    kept._entries["a"].lasts_s = 0.0
    kept._entries["a"].made_at -= age_s
    go_on.clear()
    asked = asyncio.create_task(kept.get("a"))
    wait_s = LIMIT_S if is_given else 3 * MOMENT_S
    given, _ = await asyncio.wait({asked}, timeout=wait_s)
    assert bool(given) == is_given
    go_on.set()
    assert await asked == (1 if is_given else 2)
    assert await kept.get("a") == 2
    assert len(made) == 2


async def test_too_many_answers_at_once_are_refused() -> None:
    """Whoever makes up periods is told to wait; the others go on."""
    waits = asyncio.Event()

    async def make(key: int) -> int:
        await waits.wait()
        return key

    kept: Cache[int, int] = Cache(make, 1.0, most=8)
    asked = [asyncio.create_task(kept.get(key)) for key in range(8)]
    for _ in range(3):  # each begins to be made
        await asyncio.sleep(0)
    assert kept._waiting == 8
    with pytest.raises(Refusal, match="Too much"):
        await kept.get(9)
    waits.set()
    assert await asyncio.gather(*asked) == list(range(8))


async def test_a_failure_is_told_to_who_waits_and_tried_again() -> None:
    """It is not kept."""
    outcomes: list[ValueError | int] = [5, ValueError("no")]

    async def make(_: str) -> int:
        outcome = outcomes.pop()
        if isinstance(outcome, ValueError):
            raise outcome
        return outcome

    kept: Cache[str, int] = Cache(make, 60.0)
    with pytest.raises(ValueError, match="no"):
        await kept.get("a")
    assert await kept.get("a") == 5
    assert await kept.get("a") == 5
