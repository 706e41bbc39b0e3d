"""Two workers on Kafka: what one changes, the other one tells and undoes."""

import json
from functools import partial
from typing import Any

from streamproc.transport.partitioner import partition_for
from tests.kafka.test_web import AGAIN, OPTIONS, answered, change, owners, send
from tests.kafka.workers import Start, Worker
from tests.waiting import until
from tests.web.live_site import free_port

CHANGES = "/api/v1/changes"
STORES = [str(number) for number in range(12)]


def told(port: int, path: str = CHANGES) -> Any:
    """What a worker answers, once no partition moves."""
    status, body = answered(port, path)
    assert status == 200, body
    return json.loads(body)


def _is_undone(one: Worker, port: int, path: str) -> bool:
    """Whether a change is undone, just now or by an attempt that was not answered."""
    return send(one, port, "POST", path, {})[0] in (200, 409)


def test_a_change_is_told_and_undone_by_the_other_worker(worker: Start) -> None:
    """Of stores on either; after the one that made it was killed, by the one left."""
    ports = (free_port(), free_port())
    first, second = (
        worker(number, web_port=port, **OPTIONS)
        for number, port in enumerate(ports, start=1)
    )
    for one in (first, second):
        one.start()
        one.ready()
    until(lambda: all(len(owners(port)) == 2 for port in ports))
    for store in STORES:
        path = f"/api/v1/stores/{store}/zone"
        zone = {"timezone_str": "Asia/Tokyo", "create": True, "by": "Ann"}
        assert change(first, ports[0], path, zone)[0] == 200
    count = first.settings.partitions
    assert len({partition_for(store.encode(), count) for store in STORES}) == count
    lists = [told(port) for port in ports]
    assert lists[0] == lists[1]
    assert lists[0]["total"] == len(STORES)
    newest, *others = lists[0]["changes"]
    undo = partial(send, second, ports[1], "POST", f"{CHANGES}/{newest['id']}/undo")
    status, undone = until(lambda: undo({"by": "Bob"}), lambda a: a[0] not in AGAIN)
    assert (status, undone["stores"]) == (200, 1)
    assert (
        told(ports[0], f"{CHANGES}/{newest['id']}")["change"]["undone_by"]
        == (undone["id"])
    )
    first.kill()
    for one in others:
        path = f"{CHANGES}/{one['id']}/undo"
        until(partial(_is_undone, second, ports[1], path))
    assert told(ports[1])["total"] == 2 * len(STORES)
    for store in STORES:
        assert answered(ports[1], f"/api/v1/stores/{store}")[0] == 404
