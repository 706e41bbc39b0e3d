"""Undoing: a change like any other, from the log, by whoever is asked."""

import html
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from streamproc.transport.partitioner import partition_for
from streamproc.transport.protocols import producer_of
from tests.web.facts import STORES, load_zones, put
from tests.web.live_site import Answer, LiveSite
from tests.web.test_acting import Reader
from tests.web.test_pages import text_of

CHANGES = "/api/v1/changes"


@pytest.fixture
def site(start_site: Callable[..., LiveSite]) -> LiveSite:
    """A worker that knows one store, whose zone Bob has changed."""
    live = start_site()
    put(live, "shop/zone", {"timezone_str": "UTC", "create": True, "by": "Ann"})
    put(live, "shop/zone", {"timezone_str": "Asia/Tokyo", "by": "Bob"})
    return live


def newest(site: LiveSite) -> dict[str, Any]:
    """The newest change."""
    found: dict[str, Any] = site.get(CHANGES).json["changes"][0]
    return found


def undo(site: LiveSite, change: str, query: str = "", **body: str) -> Answer:
    """Undo a change by the API."""
    return site.post_json(f"{CHANGES}/{change}/undo{query}", body)


def zone(site: LiveSite, store: str = "shop") -> Any:
    """A store's zone as the tables have it."""
    return site.get(f"{STORES}/{store}").json["zone"]


def test_a_change_is_undone_and_that_is_a_change(site: LiveSite) -> None:
    """With who and why; both say of each other; the undoing can be undone."""
    change = newest(site)
    told = undo(site, change["id"], by="Cleo", note="wrong shop").json
    assert (told["undoes"], told["stores"]) == (change["id"], 1)
    assert zone(site) == "UTC"
    undone = newest(site)
    assert (undone["id"], undone["by"], undone["note"]) == (
        told["id"],
        "Cleo",
        "wrong shop",
    )
    assert undone["undoes"] == change["id"]
    assert site.get(CHANGES).json["changes"][1]["undone_by"] == told["id"]
    assert undo(site, told["id"]).status == 200
    assert zone(site) == "Asia/Tokyo"


def test_nothing_is_undone_that_was_changed_since(site: LiveSite) -> None:
    """409 with who has changed it, when, and what it is now; nor twice."""
    change = newest(site)
    put(site, "shop/zone", {"timezone_str": "Europe/Berlin", "by": "Dan"})
    answer = undo(site, change["id"])
    assert (answer.status, answer.json["error"]) == (409, "changed-since")
    assert "zone of shop by Dan at 20" in answer.json["message"]
    assert answer.json["message"].endswith("now Europe/Berlin.")
    assert zone(site) == "Europe/Berlin"
    put(site, "shop/zone", {"timezone_str": "UTC"})
    again = undo(site, change["id"])
    assert (again.status, again.json["error"]) == (409, "undone-already")


def test_an_undoing_is_previewed_without_being_made(site: LiveSite) -> None:
    """The figures before and after, as of any change."""
    before = len(site.get(CHANGES).json["changes"])
    told = undo(site, newest(site)["id"], "?preview=true").json
    assert set(told) >= {"before", "after", "stores", "changed"}
    assert len(site.get(CHANGES).json["changes"]) == before
    assert zone(site) == "Asia/Tokyo"


def test_a_file_is_undone_as_one_or_of_one_store(
    site: LiveSite, tmp_path: Path
) -> None:
    """Of stores that were not known before as well."""
    load_zones(site, tmp_path, dict.fromkeys(range(600), "UTC"))
    change = newest(site)
    assert undo(site, change["id"], "?store=7").json["stores"] == 1
    assert undo(site, change["id"]).json["stores"] == 599
    assert site.get(f"{STORES}/8").status == 404
    assert newest(site)["words"] == "zone of 599 stores"


def test_what_was_missed_of_many_stores_is_told_and_undone_again(
    site: LiveSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 with the stores; those that have it are left alone the second time."""
    load_zones(site, tmp_path, dict.fromkeys(range(8), "UTC"))
    change = newest(site)
    producer = producer_of(site.program.app)
    append = producer.append_batch
    shut = partition_for(b"1", 4)

    async def append_batch(topic: str, partition: int, *rest: Any) -> int:
        if partition == shut and topic == site.program.topics.zones.name:
            raise TimeoutError
        return await append(topic, partition, *rest)

    monkeypatch.setattr(producer, "append_batch", append_batch)
    answer = undo(site, change["id"])
    missed = [n for n in map(str, range(8)) if partition_for(n.encode(), 4) == shut]
    assert answer.status == 503
    assert f"of {len(missed)} of 8 stores: " in answer.json["message"]
    assert f"{', '.join(missed)}. Undo it again" in answer.json["message"]
    monkeypatch.undo()
    assert undo(site, change["id"]).json["stores"] == len(missed)
    assert site.get(f"{STORES}/1").status == 404


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("nothing", {}, 404),
        ("{id}", {"by": 7}, 422),
        ("{id}", {"store": "shop"}, 400),
        ("{id}?store=other", {}, 404),
    ],
)
def test_what_cannot_be_undone_is_refused(
    site: LiveSite, path: str, body: dict[str, Any], status: int
) -> None:
    """A change nobody made, of a store it is not of; who is no name."""
    change, _, query = path.format(id=newest(site)["id"]).partition("?")
    answer = site.post_json(f"{CHANGES}/{change}/undo?{query}", body)
    assert answer.status == status, answer.text


def test_nobody_undoes_without_the_token(site: LiveSite) -> None:
    """As with all that changes something."""
    change = newest(site)["id"]
    answer = site.ask("POST", f"{CHANGES}/{change}/undo", b"{}", Authorization="")
    assert answer.status in (401, 403)
    assert zone(site) == "Asia/Tokyo"


def test_what_is_of_all_stores_is_undone_everywhere(site: LiveSite) -> None:
    """On every partition, whichever has noted it."""
    put(site, "*/special-hours/2025-05-06", {"openings": []})
    dates = [f"{STORES}/{store}/special-hours" for store in ("shop", "*")]
    assert all(site.get(path).json["special_hours"] for path in dates)
    assert undo(site, newest(site)["id"]).status == 200
    assert not any(site.get(path).json["special_hours"] for path in dates)
    program = site.program
    for partition in range(program.settings.partitions):
        assert list(program.special_hours.scan(partition)) == []


def test_the_pages_list_changes_and_show_one(site: LiveSite) -> None:
    """With the words of both values, and the way to undo it for who is signed in."""
    reader = Reader(site)
    text = reader.open("/changes")
    assert "zone of shop" in text
    assert "Bob" in text
    change = newest(site)["id"]
    text = reader.open(f"/changes/{change}")
    assert "zone UTC Asia/Tokyo" in text
    assert reader.post(f"/changes/{change}", do="preview", note="why") == 200
    digest = reader.hidden("digest")
    assert reader.post(f"/changes/{change}", do="save", digest="other") == 200
    assert zone(site) == "Asia/Tokyo"
    told = {"do": "save", "digest": digest, "by": "Eve", "note": "why"}
    assert reader.post(f"/changes/{change}", **told) == 303
    assert "It undoes another change" in html.unescape(text_of(reader.page))
    assert (newest(site)["door"], newest(site)["by"]) == ("page", "Eve")
    assert reader.post(f"/changes/{change}", do="preview") == 409
    assert "there is nothing to undo" in reader.page


def test_changes_name_their_stores_and_say_their_ids(site: LiveSite) -> None:
    """In every list, on a change's page, and of one store of it."""
    put(site, "shop/labels", {"labels": {}, "name": "Corner shop"})
    first = site.get("/api/v1/changes").json["changes"][-1]
    for path in ("/changes", "/changes?store=shop", "/system", "/stores/shop"):
        assert "zone of Corner shop (shop)" in text_of(site.page(path)), path
    text = text_of(site.page(f"/changes/{first['id']}?store=shop"))
    assert "Zone of Corner shop (shop)" in text
    assert "Before and after, of Corner shop (shop)" in text
    assert "Corner shop shop zone" in text
    assert first["words"] == "zone of shop"


def test_a_reader_is_not_offered_to_undo(site: LiveSite) -> None:
    """Who is not signed in reads only."""
    page = site.page(f"/changes/{newest(site)['id']}")
    assert "Save the undoing" not in page
    assert "Sign in" in page


def test_a_restart_forgets_no_change(tmp_path: Path) -> None:
    """Another process, the same directory: it is undone there."""
    first = LiveSite(tmp_path).start()
    put(first, "shop/zone", {"timezone_str": "UTC", "create": True})
    put(first, "shop/zone", {"timezone_str": "Asia/Tokyo"})
    first.stop()
    second = LiveSite(tmp_path).start()
    try:
        assert undo(second, newest(second)["id"]).status == 200
        assert zone(second) == "UTC"
    finally:
        second.stop()
