"""Two workers on Kafka: whoever is asked, the answer is the same."""

import asyncio
import http.client
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from streamproc.topics import topics_for
from streamproc.transport.connect import connect
from streamproc.web import own_token
from tests.kafka.fleet import START, Fleet
from tests.kafka.workers import Start, Worker
from tests.waiting import until
from tests.web.live_site import free_port

STORES = 60
SECRET = "only these two workers know it"
OPTIONS: dict[str, Any] = {
    "web": "on",
    "web_cluster_secret": SECRET,
    "session_timeout": 30,
}
"""A worker that has much else to do is not taken for dead."""
AGAIN = (0, 503)
"""Statuses of an answer to ask again for: none has come, or it says so itself."""
PATHS = (
    "/api/v1/overview?as_of=latest",
    "/api/v1/stores?as_of=latest&sort=store&per_page=100",
    "/api/v1/stores?as_of=latest&format=csv",
    "/api/v1/stores/store-1?as_of=latest",
    "/api/v1/stores/store-2/timeline?as_of=latest",
    "/api/v1/stores/store-3/polls?as_of=latest",
    "/stores/store-4/badge.svg?as_of=latest",
    "/api/v1/tables/histories?limit=500",
    "/api/v1/tables/reports",
    "/api/v1/reports",
    "/combined_report.csv",
)
PAGES = ("/?as_of=latest", "/stores/store-5?as_of=latest", "/tables", "/reports")


def ask(port: int, path: str, method: str = "GET", **headers: str) -> tuple[int, bytes]:
    """One request to a worker; status 0 while it does not answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        return response.status, response.read()
    except OSError:
        return 0, b""
    finally:
        connection.close()


def settled(asked: Callable[[], tuple[int, Any]]) -> tuple[int, Any]:
    """What a worker answers, asked again while another one is too busy to help it."""
    return until(asked, lambda told: told[0] not in AGAIN)


def answered(
    port: int, path: str, method: str = "GET", **headers: str
) -> tuple[int, bytes]:
    """One request to a worker, and its answer."""
    return settled(lambda: ask(port, path, method, **headers))


def owners(port: int) -> set[str]:
    """URLs of those that own the histories, as one worker sees it."""
    status, body = ask(port, "/api/v1/tables/histories")
    if status != 200:
        return set()
    return {part["owner"] for part in json.loads(body)["partitions"]}


async def publish(one: Worker, fleet: Fleet) -> None:
    """Send the fleet's polls."""
    settings = one.settings
    client = await connect(settings)
    keys, values = fleet.make(2_000)
    try:
        await client.publish(topics_for(settings).polls, keys, values)
    finally:
        await client.close()


def test_two_workers_answer_as_one(worker: Start) -> None:
    """Every page and call on each; one goes, and the other answers for all."""
    ports = (free_port(), free_port())
    first, second = (
        worker(number, web_port=port, **OPTIONS)
        for number, port in enumerate(ports, start=1)
    )
    first.start()
    first.ready()
    second.start()
    second.ready()
    until(lambda: all(len(owners(port)) == 2 for port in ports))
    polls = Fleet(stores=STORES)
    asyncio.run(publish(first, polls))
    path = "/api/v1/stores?as_of=latest"
    newest_us = max(time_us for times in polls.polls.values() for time_us, _ in times)
    newest = f"{START + timedelta(microseconds=newest_us):%Y-%m-%dT%H:%M:%SZ}"

    def both_know_all() -> bool:
        """As of the newest poll: what was asked before it came is kept for seconds."""
        told = [json.loads(ask(port, path)[1] or b"{}") for port in ports]
        ends = {(one.get("total"), one.get("as_of")) for one in told}
        return ends == {(STORES, newest)}

    until(both_know_all)
    bearer = f"Bearer {own_token.read(second.settings.data_dir)}"
    _, triggered = answered(ports[1], "/trigger_report", "POST", Authorization=bearer)
    report = f"/get_report?report_id={json.loads(triggered)['report_id']}"
    until(lambda: b"Complete" in ask(ports[0], report)[1])
    for path in PATHS:
        (status, one), (other_status, other) = (answered(port, path) for port in ports)
        assert status == other_status == 200, path
        if "overview" in path:
            pick = ("as_of", "stores", "windows")
            assert [json.loads(one)[k] for k in pick] == [
                json.loads(other)[k] for k in pick
            ]
        else:
            assert one == other, path
    for path in PAGES:
        assert [answered(port, path)[0] for port in ports] == [200, 200], path
    before = answered(ports[0], "/api/v1/stores?as_of=latest&format=csv")[1]
    second.stop()
    answers = set()

    def alone() -> bool:
        status, body = ask(ports[0], "/api/v1/stores?as_of=latest&format=csv")
        answers.add((status, body if status == 200 else b""))
        return owners(ports[0]) == {f"http://127.0.0.1:{ports[0]}"} and status == 200

    until(alone)
    assert answers <= {(200, before), *((again, b"") for again in AGAIN)}


def send(one: Worker, port: int, method: str, path: str, body: Any) -> tuple[int, Any]:
    """Change something at a worker, with its own token."""
    bearer = f"Bearer {own_token.read(one.settings.data_dir)}"
    headers = {"Authorization": bearer, "Content-Type": "application/json"}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path, json.dumps(body).encode(), headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def change(one: Worker, port: int, path: str, body: object) -> tuple[int, Any]:
    """Put a fact at a worker, and its answer."""
    return settled(lambda: send(one, port, "PUT", path, body))


def test_a_change_at_one_worker_is_in_place_at_the_other_once_answered(
    worker: Start,
) -> None:
    """Of a store that either owns, and of all; its preview was right, and who made it
    is told by both.
    """
    ports = (free_port(), free_port())
    workers = [
        worker(number, web_port=port, **OPTIONS)
        for number, port in enumerate(ports, start=1)
    ]
    for one in workers:
        one.start()
        one.ready()
    until(lambda: all(len(owners(port)) == 2 for port in ports))
    span = {"from": "2020-05-06T12:00:00Z", "to": "2020-05-06T13:30:00Z"}
    body = {"kind": "maintenance", **span, "by": "Ann"}
    as_of = "as_of=2020-05-06T15:00:00Z"
    for number in range(8):
        store = f"/api/v1/stores/shop-{number}"
        told = {"timezone_str": "UTC", "create": True}
        assert change(workers[0], ports[0], f"{store}/zone", told)[0] == 200
        path = f"{store}/exclusions/m"
        status, preview = change(
            workers[1], ports[1], f"{path}?preview=true&{as_of}", body
        )
        assert status == 200
        assert preview["after"]["day"]["excluded_s"] == 5400
        assert change(workers[1], ports[1], path, body)[0] == 200
        found = json.loads(answered(ports[0], f"{store}?{as_of}")[1])
        assert found["windows"]["day"] == preview["after"]["day"]
        [newest, _] = json.loads(answered(ports[0], f"{store}/changes")[1])["changes"]
        assert (newest["kind"], newest["key"], newest["by"]) == (
            "exclusions",
            "m",
            "Ann",
        )
    ends = {"from": "2020-05-06T13:30:00Z", "to": "2020-05-06T14:00:00Z"}
    path = "/api/v1/stores/*/exclusions/all"
    assert change(workers[0], ports[0], path, {**body, **ends})[0] == 200
    for number in range(8):
        path = f"/api/v1/stores/shop-{number}?{as_of}"
        found = json.loads(answered(ports[1], path)[1])
        assert found["windows"]["day"]["excluded_s"] == 7200
