"""The gateway: what is accepted is durable, what is refused has its reason."""

import asyncio
import functools
import gzip
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamproc.web.handlers import gateway
from streamproc.web.poll_bodies import split_polls
from tests import hostile
from tests.waiting import LIMIT_S
from tests.web.live_site import LiveSite

GOOD = {
    "store_id": "new",
    "timestamp_utc": "2025-05-06 14:59:00 UTC",
    "status": "active",
}


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A worker that has seen nothing."""
    live = LiveSite(tmp_path_factory.mktemp("gateway")).start()
    yield live
    live.stop()


def poll(**changes: object) -> dict[str, object]:
    """A good poll with something changed."""
    return {**GOOD, **changes}


def test_one_poll_is_accepted_and_counted(empty: LiveSite) -> None:
    """A single object goes through to its store's history."""
    answer = empty.post_json("/api/v1/polls", poll(store_id="one"))
    assert (answer.status, answer.json) == (200, {"accepted": 1, "rejected": []})
    empty.settle()
    told = empty.get("/api/v1/stores/one/polls").json["polls"]
    assert [(p["time"], p["status"]) for p in told] == [
        ("2025-05-06T14:59:00Z", "active")
    ]


def test_accepted_means_durable_in_the_log(empty: LiveSite) -> None:
    """The topic holds the polls by the time the answer is there."""

    def kept() -> int:
        async def ends() -> int:
            consumer = empty.program.app.consumer
            name = empty.program.topics.polls.name
            tps = [tp for tp in consumer.assignment() if tp.topic == name]
            return sum((await consumer.highwaters(*tps)).values())

        return int(empty.run(ends()))

    before = kept()
    rows = [poll(store_id=f"durable-{number}") for number in range(25)]
    assert empty.post_json("/api/v1/polls", rows).json["accepted"] == 25
    assert kept() == before + 25


def test_each_refused_poll_has_its_place_and_reason(empty: LiveSite) -> None:
    """207: the good ones are in, each bad one is named."""
    rows = [
        poll(),
        poll(status="up"),
        poll(store_id=""),
        poll(store_id="a\nb"),
        poll(store_id="x" * 129),
        poll(timestamp_utc="yesterday"),
        poll(timestamp_utc="2025-05-06 15:05:01 UTC"),
        "no object",
        poll(timestamp_utc="2025-05-06T10:00:00-05:00"),
    ]
    answer = empty.post_json("/api/v1/polls", rows)
    assert (answer.status, answer.json["accepted"]) == (207, 2)
    assert [(r["index"], r["reason"]) for r in answer.json["rejected"]] == [
        (1, "unknown-status"),
        (2, "missing-store-id"),
        (3, "bad-store-id"),
        (4, "long-store-id"),
        (5, "bad-timestamp"),
        (6, "in-the-future"),
        (7, "bad-json"),
    ]


def test_lines_are_polls_each_on_its_own(empty: LiveSite) -> None:
    """NDJSON: blank lines are nothing, a broken line does not stop the rest."""
    lines = b"\n".join(
        [json.dumps(poll(store_id="line")).encode(), b"", b"{broken", b" "]
    )
    answer = empty.ask(
        "POST", "/api/v1/polls", lines, Content_Type="application/x-ndjson"
    )
    assert (answer.status, answer.json["accepted"]) == (207, 1)
    assert [r["reason"] for r in answer.json["rejected"]] == ["bad-json"]


def test_a_compressed_body_is_read_within_the_same_bounds(empty: LiveSite) -> None:
    """gzip is accepted; what would unpack to too much is refused."""

    def send(body: bytes) -> int:
        return empty.ask(
            "POST",
            "/api/v1/polls",
            gzip.compress(body),
            Content_Type="application/json",
            Content_Encoding="gzip",
        ).status

    assert send(json.dumps(poll(store_id="packed")).encode()) == 200
    assert send(b" " * (9 << 20)) == 413


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        (b"", 400, "bad-json"),
        (b"[]", 400, "no-polls"),
        (b"{broken", 400, "bad-json"),
        (b"\xff\xfe", 400, "bad-json"),
        (b"[" * 2_000 + b"]" * 2_000, 400, "bad-json"),
        (json.dumps([GOOD] * 10_001).encode(), 413, "too-many"),
    ],
)
def test_a_body_that_is_no_polls_is_refused_whole(
    empty: LiveSite, body: bytes, status: int, error: str
) -> None:
    """Nothing of it gets in."""
    answer = empty.ask("POST", "/api/v1/polls", body, Content_Type="application/json")
    assert (answer.status, answer.json["error"]) == (status, error)


def test_polls_that_are_all_refused_are_no_success(empty: LiveSite) -> None:
    """422 with each one's reason."""
    answer = empty.post_json("/api/v1/polls", poll(status=None))
    assert (answer.status, answer.json["accepted"]) == (422, 0)


def test_hours_and_zone_are_set_and_forgotten(
    start_site: Callable[..., LiveSite],
) -> None:
    """PUT sets them, null forgets; the store page follows."""
    site = start_site()
    week = [{"dayOfWeek": 1, "start_time_local": "22:00", "end_time_local": "06:00"}]
    told = {"hours": week, "create": True}
    put = put_json(site, "/api/v1/stores/shop/hours", told)
    assert put.status == 200
    put_json(site, "/api/v1/stores/shop/zone", {"timezone_str": "Europe/Berlin"})
    site.settle()
    told = site.get("/api/v1/stores/shop").json
    assert (told["zone"], told["open_24x7"]) == ("Europe/Berlin", False)
    page = site.page("/stores/shop")
    assert "22:00–06:00 (next day)" in page
    assert "Europe/Berlin" in page
    put_json(site, "/api/v1/stores/shop/hours", {"hours": None})
    site.settle()
    assert site.get("/api/v1/stores/shop").json["open_24x7"] is True


def test_a_zone_without_summer_time_is_taken_with_a_warning(empty: LiveSite) -> None:
    """As a file of zones has it; of other zones there is nothing to say."""
    url = "/api/v1/stores/shop/zone"
    answer = put_json(empty, url, {"timezone_str": "est", "create": True})
    assert answer.status == 200
    assert answer.json["warning"] == (
        "EST has no summer time; America/New_York may be meant"
    )
    for zone in ("America/New_York", None):
        answer = put_json(empty, url, {"timezone_str": zone, "create": True})
        assert (answer.status, answer.json.get("warning")) == (200, None)


def test_the_gateway_understands_what_files_do(empty: LiveSite) -> None:
    """Ids, timestamps, statuses, hours and zones: one rule at every door."""
    rows = [
        poll(store_id=" 73928e03 ", timestamp_utc="2025-05-06 14:58", status="Active"),
        poll(store_id="73928e03", timestamp_utc="2025-05-06T14:59:00z"),
        poll(store_id="7\u200b"),
        poll(store_id="1.02E+18"),
        poll(timestamp_utc="06/05/2025 14:59"),
    ]
    answer = empty.post_json("/api/v1/polls", rows)
    assert answer.json["accepted"] == 2
    assert [each["reason"] for each in answer.json["rejected"]] == [
        *("bad-store-id", "mangled-id", "bad-timestamp")
    ]
    closed = {"start_time_local": "closed", "end_time_local": "closed"}
    week = [{"dayOfWeek": day, **closed} for day in ("Mon", "Tuesday", 2, "3.0")]
    put_json(empty, "/api/v1/stores/73928e03/hours", {"hours": week})
    put_json(empty, "/api/v1/stores/73928e03/zone", {"timezone_str": "asia/kolkata"})
    empty.settle()
    told = empty.get("/api/v1/stores/73928e03").json
    assert (told["zone"], told["open_24x7"]) == ("Asia/Kolkata", False)
    assert told["polls"] == 2
    assert "Mon–Sun" in empty.page("/stores/73928e03")


@pytest.mark.parametrize(
    ("what", "value", "status", "error"),
    [
        ("hours", {"hours": [{"dayOfWeek": 7}]}, 422, "bad-weekday"),
        ("hours", {"hours": "always"}, 422, "bad-hours"),
        ("hours", {}, 400, "bad-json"),
        ("hours", {"hours": None, "store_id": "another"}, 400, "bad-store-id"),
        ("zone", {"timezone_str": "Mars/Olympus"}, 422, "unknown-zone"),
        ("zone", {"timezone_str": "../../etc/passwd"}, 422, "unknown-zone"),
        ("zone", [], 400, "bad-json"),
    ],
)
def test_impossible_hours_and_zones_are_refused(
    empty: LiveSite, what: str, value: object, status: int, error: str
) -> None:
    """At the door, with the rule they break."""
    answer = put_json(empty, f"/api/v1/stores/shop/{what}", value)
    assert (answer.status, answer.json["error"]) == (status, error)


def test_what_is_refused_here_is_kept_with_what_the_topics_refuse(
    start_site: Callable[..., LiveSite],
) -> None:
    """A poll, a whole body and a PUT: shown and counted, by door."""
    site = start_site()
    site.post_json("/api/v1/polls", [poll(), poll(status="up")])
    site.ask("POST", "/api/v1/polls", b"{", Content_Type="application/json")
    put_json(site, "/api/v1/stores/shop/zone", {"timezone_str": "Mars/Olympus"})
    told = site.get("/api/v1/rejected").json
    assert told["reasons"] == {"unknown-status": 1, "bad-json": 1, "unknown-zone": 1}
    assert {r["door"] for r in told["records"]} == {"gateway"}
    by_reason = {r["reason"]: (r["topic"], r["value"]) for r in told["records"]}
    assert by_reason["bad-json"] == ("store-polls", "{")
    assert by_reason["unknown-zone"][0] == "store-zones"
    assert '"status": "up"' in by_reason["unknown-status"][1]
    assert "gateway: store-polls" in site.page("/rejected")
    counted = site.get("/metrics").text
    assert (
        'streamproc_rejected_total{door="gateway",reason="unknown-zone",'
        'topic="store-zones"} 1.0'
    ) in counted


@pytest.mark.parametrize("depth", hostile.DEPTHS)
@pytest.mark.parametrize("content_type", ["application/json", "application/x-ndjson"])
def test_a_poll_however_deep_is_answered(
    empty: LiveSite, depth: int, content_type: str
) -> None:
    """As a value it is refused, beside it it means nothing, alone it is no poll."""
    deep = hostile.nested(depth)
    good = json.dumps(poll(store_id="deep")).encode()
    for body in (deep, good[:-1] + b',"more":%b}' % deep, b'{"status":%b}' % deep):
        row = b"[%b,%b]" % (good, body) if content_type.endswith("/json") else body
        answer = empty.ask("POST", "/api/v1/polls", row, Content_Type=content_type)
        assert answer.status in (200, 207, 400, 422)
        assert len(answer.body) < 500


@given(rows=hostile.records(hostile.POLL))
@settings(max_examples=100, deadline=None)
def test_whatever_is_posted_as_polls_is_answered(
    empty: LiveSite, rows: list[bytes | None]
) -> None:
    """No input is a fault of the server's; each refused poll has its reason."""
    lines = [row for row in rows if row]
    for body, content_type in (
        (b"[" + b",".join(lines) + b"]", "application/json"),
        (b"\n".join(lines), "application/x-ndjson"),
    ):
        answer = empty.ask("POST", "/api/v1/polls", body, Content_Type=content_type)
        assert answer.status in (200, 207, 400, 422)
        assert len(answer.body) < 10_000


@given(
    case=st.one_of(
        st.tuples(st.just("stores/42/hours"), hostile.objects(hostile.HOURS)),
        st.tuples(st.just("stores/42/zone"), hostile.objects(hostile.ZONE)),
        st.tuples(st.just("stores/42/labels"), hostile.objects(hostile.LABELS)),
        st.tuples(st.sampled_from(["hours", "zone", "labels"]), hostile.odd_bytes).map(
            lambda case: (f"stores/42/{case[0]}", case[1])
        ),
    )
)
@settings(max_examples=150, deadline=None)
def test_whatever_is_put_is_answered(empty: LiveSite, case: tuple[str, bytes]) -> None:
    """Set, or refused in a few words."""
    path, body = case
    answer = empty.ask("PUT", f"/api/v1/{path}", body, Content_Type="application/json")
    assert answer.status in (200, 400, 404, 422)
    assert answer.status == 200 or len(answer.body) < 500


def put_json(site: LiveSite, path: str, value: object) -> Any:
    """Put JSON."""
    body = json.dumps(value).encode()
    return site.ask("PUT", path, body, Content_Type="application/json")


async def test_few_bodies_are_taken_apart_at_once(
    empty: LiveSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each may take much memory for a moment; the others wait, and are answered."""
    under_way, most, gate = 0, 0, threading.Lock()
    together = threading.Barrier(gateway.READ_AT_ONCE, timeout=LIMIT_S)

    def counted(body: bytes, content_type: str) -> list[bytes]:
        nonlocal under_way, most
        with gate:
            under_way += 1
            most = max(most, under_way)
        try:
            together.wait()
            return split_polls(body, content_type)
        finally:
            with gate:
                under_way -= 1

    monkeypatch.setattr(gateway, "split_polls", counted)
    send = functools.partial(empty.post_json, "/api/v1/polls", poll())
    answers = await asyncio.gather(*(asyncio.to_thread(send) for _ in range(12)))
    assert {answer.status for answer in answers} == {200}
    assert most == gateway.READ_AT_ONCE
