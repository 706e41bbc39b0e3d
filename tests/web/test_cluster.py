"""Several workers: whoever is asked asks the owner, and believes only its peers."""

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aiohttp import web
from faust.types import TP

from streamproc.transport.partitioner import partition_for
from streamproc.web.app_thread import AppThread
from streamproc.web.as_of import Instants
from streamproc.web.cluster import peers, post, signing, status
from streamproc.web.fleet.refreshing import Overviews
from streamproc.web.refusal import Refusal
from streamproc.web.site import CALLS
from tests.web.live_site import LiveSite

SECRET = "the workers' own secret"
TOKEN = "a token that only its user knows"
MOST_SENT = 64 << 20
PATHS = (
    "/api/v1/overview?as_of=2025-05-06T14:59:00Z",
    "/api/v1/stores?sort=store&per_page=500&as_of=2025-05-06T14:59:00Z",
    "/api/v1/stores/alpha",
    "/api/v1/stores/gamma/timeline",
    "/api/v1/stores/store-7/polls",
    "/api/v1/stores/store-12?format=csv",
    "/api/v1/stores?q=store-1&format=csv",
    "/stores/beta/badge.svg",
    "/api/v1/incidents?as_of=2025-05-06T14:59:00Z&per_page=500",
    "/api/v1/incidents?as_of=2025-05-06T14:59:00Z&from=2025-01-01T00:00:00Z",
    "/api/v1/stores/gamma/hours",
    "/api/v1/stores/alpha/exclusions",
    "/api/v1/stores/alpha/special-hours",
    "/api/v1/reports",
    "/api/v1/tables/hours",
    "/api/v1/tables/histories?prefix=store-1&limit=200",
    "/combined_report.csv",
)


def hand_over(site: LiveSite, to: str, partitions: set[int]) -> None:
    """Make the worker believe that these partitions are with another one."""
    program = site.program
    for table in program.app.tables.values():
        owned = table.owns

        def owns(partition: int, owned: Any = owned) -> bool:
            return partition not in partitions and bool(owned(partition))

        table.owns = owns
        topic = table.changelog_topic.get_topic_name()
        for partition in partitions:
            program.app.assignor._tps_url[TP(topic, partition)] = to


@pytest.fixture(scope="module")
def pair(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[LiveSite, LiveSite]]:
    """Two workers with the same data, each of which owns half of it.

    On the embedded log each has a log of its own, filled alike; partitions 0 and 1
    are asked of the first, 2 and 3 of the second, reports of the first.
    """
    options = {"web_cluster_secret": SECRET}
    sites = tuple(
        LiveSite(tmp_path_factory.mktemp(f"worker{n}"), options).start().fill()
        for n in (1, 2)
    )
    first, second = sites
    report = first.post_json("/trigger_report", {}).json["report_id"]
    while first.get(f"/get_report?report_id={report}").json["status"] == "Running":
        pass
    hand_over(first, second.url, {2, 3})
    hand_over(second, first.url, {0, 1})
    yield first, second
    for site in sites:
        site.stop()


@pytest.mark.parametrize("path", PATHS)
def test_any_worker_gives_the_same_answer(
    pair: tuple[LiveSite, LiveSite], path: str
) -> None:
    """Stores, pages of keys, reports and their files: the same from both."""
    first, second = (site.get(path) for site in pair)
    assert first.status == second.status == 200
    if path.startswith("/api/v1/overview"):
        assert first.json["stores"] == second.json["stores"]
        assert first.json["windows"] == second.json["windows"]
    else:
        assert first.body == second.body


@pytest.mark.parametrize("path", ["/", "/stores/alpha", "/tables", "/reports"])
def test_any_worker_shows_every_page(
    pair: tuple[LiveSite, LiveSite], path: str
) -> None:
    """Pages are made of the owners' answers."""
    for site in pair:
        assert "Store uptime" in site.page(path)


@pytest.mark.parametrize("store_id", ["alpha", "gamma", "store-7", "*"])
def test_any_worker_previews_a_change_the_same(
    pair: tuple[LiveSite, LiveSite], store_id: str
) -> None:
    """Of a store that either owns, and of all of them."""
    span = {"from": "2025-05-06T12:00:00Z", "to": "2025-05-06T14:50:00Z"}
    body = json.dumps({"kind": "maintenance", **span}).encode()
    path = f"/api/v1/stores/{store_id}/exclusions/m?preview=true"
    first, second = (
        site.ask("PUT", path, body, Content_Type="application/json") for site in pair
    )
    assert first.status == second.status == 200
    assert first.json == second.json
    assert first.json["changed"] > 0


def test_a_change_that_is_not_in_place_yet_is_accepted(
    pair: tuple[LiveSite, LiveSite], monkeypatch: pytest.MonkeyPatch
) -> None:
    """202: durable in the first one's log, which the owner here will never read."""
    monkeypatch.setattr(peers, "CATCH_UP_S", 0.3)
    first, _ = pair
    theirs = next(f"store-{n}" for n in range(60) if _home(f"store-{n}") in (2, 3))
    body = json.dumps({"timezone_str": "UTC", "by": "Ann"}).encode()
    path = f"/api/v1/stores/{theirs}/zone"
    answer = first.ask("PUT", path, body, Content_Type="application/json")
    assert answer.status == 202
    assert answer.json == {"store_id": theirs, "timezone_str": "UTC"}


def _home(store_id: str) -> int:
    return partition_for(store_id.encode(), 4)


def test_tables_tell_who_owns_what(pair: tuple[LiveSite, LiveSite]) -> None:
    """Each partition's owner is named, the same on both workers."""
    first, second = pair
    expected = [first.url] * 2 + [second.url] * 2
    for site in pair:
        partitions = site.get("/api/v1/tables/zones").json["partitions"]
        assert [p["owner"] for p in partitions] == expected


def test_the_flow_is_that_of_all_workers(pair: tuple[LiveSite, LiveSite]) -> None:
    """Rate and lag are summed over whoever answers."""
    for site in pair:
        flow = site.get("/api/v1/overview").json["flow"]
        assert (flow["workers"], flow["silent_workers"]) == (2, 0)


def test_an_owner_that_does_not_answer_is_a_503(
    start_site: Callable[..., LiveSite],
) -> None:
    """Not zeros, not the part that is here: ask again."""
    site = start_site(web_cluster_secret=SECRET).fill()
    hand_over(site, "http://127.0.0.1:9", {0, 1, 2, 3})
    for path in ("/api/v1/stores", "/api/v1/stores/alpha", "/combined_report.csv"):
        answer = site.get(path)
        assert (answer.status, answer.json["error"]) == (503, "moving")
        assert answer.headers["Retry-After"]


def test_without_a_shared_secret_workers_do_not_talk(
    start_site: Callable[..., LiveSite],
) -> None:
    """The answer says what to set."""
    site = start_site()
    hand_over(site, "http://127.0.0.1:9", {0, 1, 2, 3})
    assert "web_cluster_secret" in site.get("/api/v1/stores").json["message"]


def test_an_owner_with_another_secret_is_not_believed(
    start_site: Callable[..., LiveSite],
) -> None:
    """It refuses the question, and its answer would not be taken."""
    stranger = start_site(web_cluster_secret="quite another secret")
    site = start_site(web_cluster_secret=SECRET)
    hand_over(site, stranger.url, {0, 1, 2, 3})
    assert site.get("/api/v1/stores").status == 503


async def ask_through(
    answer: Any, start: Callable[..., LiveSite], **headers: str
) -> int:
    """Status of a page whose partitions are with a member that answers like this."""
    app = web.Application()
    app.router.add_post(post.PATH, answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    site = await asyncio.to_thread(start, web_cluster_secret=SECRET, web_token=TOKEN)
    hand_over(site, f"http://127.0.0.1:{port}", {0, 1, 2, 3})
    status = (
        await asyncio.to_thread(site.get, "/api/v1/stores/alpha", **headers)
    ).status
    await runner.cleanup()
    return status


async def test_a_rogue_member_learns_no_token_and_is_not_believed(
    start_site: Callable[..., LiveSite],
) -> None:
    """What it receives holds neither token nor secret; what it says is dropped."""
    seen: list[str] = []

    async def collect(request: web.Request) -> web.Response:
        body = await request.read()
        seen.append(f"{dict(request.headers)} {body!r}")
        made_up = json.dumps([]).encode()
        return web.Response(body=made_up, headers={signing.HEADER: "0" * 64})

    bearer = {"Authorization": f"Bearer {TOKEN}", "Cookie": "streamproc_session=x.y"}
    assert await ask_through(collect, start_site, **bearer) == 503
    assert seen
    assert TOKEN not in str(seen)
    assert SECRET not in str(seen)
    assert "Cookie" not in str(seen)


async def test_a_rogue_members_endless_answer_is_not_read(
    start_site: Callable[..., LiveSite],
) -> None:
    """By the header already: it fills nobody's memory, and keeps nobody waiting."""
    sent = 0

    async def pour(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse(headers={signing.HEADER: f"9 {'0' * 64} x"})
        await response.prepare(request)
        try:
            while sent < MOST_SENT:
                await response.write(b"x" * 65_536)
                sent += 65_536
        except ConnectionError:
            pass  # as it should be
        return response

    assert await ask_through(pour, start_site) == 503
    assert sent < MOST_SENT


@pytest.mark.parametrize("most", [100, MOST_SENT])
async def test_an_answer_longer_than_its_signature_says_is_dropped(
    start_site: Callable[..., LiveSite], most: int
) -> None:
    """Whoever stands between two workers can add nothing to what one says."""
    key, sent = signing.key_of(SECRET), 0

    async def extend(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        nonce = request.headers[signing.HEADER].split(" ")[1]
        header = signing.answer_header(key, nonce, 200, b"[]")
        response = web.StreamResponse(headers={signing.HEADER: header})
        await response.prepare(request)
        try:
            while sent < most:
                await response.write(b"[]" + b" " * min(most, 65_536))
                sent += 65_536
        except ConnectionError:
            pass  # as it should be
        return response

    assert await ask_through(extend, start_site) == 503
    assert sent < MOST_SENT


QUESTION: dict[str, Any] = {
    "key": b"k" * 32,
    "url": "http://a",
    "body": b"body",
    "now_s": 1000,
}


@pytest.mark.parametrize(
    "change",
    [
        {"key": b"j" * 32},
        {"key": b""},
        {"url": "http://b"},
        {"now_s": 1000 + signing.MAX_SKEW_S + 1},
        {"now_s": 1000 - signing.MAX_SKEW_S - 1},
    ],
)
def test_a_question_is_for_one_worker_and_one_minute(change: dict[str, Any]) -> None:
    """Nothing of it can be used for something else."""
    header = signing.question_header(**QUESTION, nonce="n")
    good: dict[str, Any] = {name: QUESTION[name] for name in ("key", "url", "now_s")}
    told = signing.read_question(**good, header=header)
    assert told is not None
    assert told.is_of(b"body")
    assert not told.is_of(b"bodx")
    assert not told.is_of(b"body ")
    other: dict[str, Any] = good | change
    assert signing.read_question(**other, header=header) is None


@pytest.mark.parametrize("place", range(5))
def test_no_part_of_a_questions_header_can_be_changed(place: int) -> None:
    """Neither the time nor the nonce, the length, the digest or the proof."""
    header = signing.question_header(**QUESTION, nonce="77")
    parts = header.split(" ")
    parts[place] = parts[place][:-1] + ("0" if parts[place][-1] != "0" else "1")
    changed = " ".join(parts)
    assert signing.read_question(b"k" * 32, "http://a", changed, 1000) is None


def test_an_answer_is_to_one_question_and_of_one_status() -> None:
    """An old answer, or a refusal's text, does not pass for another."""
    key = b"k" * 32
    header = signing.answer_header(key, "n", 200, b"body")
    told = signing.read_answer(key, "n", 200, header)
    assert told is not None
    assert told.is_of(b"body")
    for other in [(key, "m", 200), (key, "n", 422), (b"j" * 32, "n", 200)]:
        assert signing.read_answer(*other, header) is None


def test_the_overview_is_computed_once_for_many_readers(site: LiveSite) -> None:
    """Single flight: fifty readers of a new instant cost one computation."""

    async def read() -> int:
        cluster = peers.Cluster(site.program, CALLS, AppThread(site.program))
        instants = Instants(site.program, cluster)
        overviews = Overviews(site.program, cluster, instants)
        found = await asyncio.gather(*(overviews.get("now") for _ in range(50)))
        return len({id(overview) for overview in found})

    assert asyncio.run(read()) == 1


def test_a_workers_status_is_read_as_it_was_told() -> None:
    """Encoded and decoded, with and without a poll that has arrived."""
    for arrived in (None, 1_700_000_000_000):
        told = status.Status(True, 12.5, 3, 0.4, arrived, 7, arrived)
        assert status.decode(status.encode(told)) == told


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"[]",
        b"{}",
        b"null",
        b"not json",
        b'{"ready":1,"polls_per_s":"many","lag_records":0,"lag_s":0,"last_arrival_ms":0}',
        b'{"ready":1,"polls_per_s":0,"lag_records":[],"lag_s":0,"last_arrival_ms":0}',
    ],
)
def test_a_status_that_is_none_is_a_worker_that_does_not_answer(value: bytes) -> None:
    """A sum with it would break later, on every page."""
    with pytest.raises(Refusal) as refused:
        status.decode(value)
    assert refused.value.status == 503
