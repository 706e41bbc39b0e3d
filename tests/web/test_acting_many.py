"""Changes of many stores, chosen by whatever their list can be narrowed by."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest

from streamproc.rules.poll import encode_poll
from streamproc.web.acting import targets
from tests.web.live_site import LiveSite, ago
from tests.web.test_acting import NIGHT, TODAY, Reader, three_stores, week

SHUT_TODAY = {"what": "special-hours", "date": TODAY}
SPAN = {"from_local": f"{TODAY}T14:00", "to_local": f"{TODAY}T15:00", "id": "m-1"}
ACTS = {
    "hours": NIGHT,
    "dated weeks": {"what": "hours", "valid_from": "2025-05-01", **NIGHT},
    "special hours": {
        "what": "special-hours",
        "date": TODAY,
        "openings": "9:00-9:30",
    },
    "exclusions": {"what": "exclusion", "kind": "maintenance", **SPAN},
    "corrections": {"what": "exclusion", "kind": "correction-up", **SPAN},
    "labels": {"what": "labels", "labels": "brand=Q"},
    "targets": {"what": "labels", "target": "97"},
    "zone": {"what": "zone", "timezone_str": "Asia/Tokyo"},
}
WHOSE: dict[str, dict[str, str]] = {
    "one store": {"store": "1"},
    "a label": {"where": "region=West"},
    "a state": {"now": "down"},
    "a text": {"q": "s2"},
    "all stores": {"store": "*"},
}
MEANT = {"one store": "1", "a label": "12", "a state": "123", "a text": "2"}


@pytest.fixture
def fleet(start_site: Callable[..., LiveSite]) -> LiveSite:
    """Three stores that are down; two are in the West."""
    return three_stores(start_site())


def known(fleet: LiveSite, store: str) -> list[Any]:
    """All that is known of a store."""
    rest = ("", "/labels", "/hours", "/special-hours", "/exclusions")
    return [fleet.get(f"/api/v1/stores/{store}{path}").json for path in rest]


@pytest.mark.parametrize("whose", WHOSE)
@pytest.mark.parametrize("act", ACTS)
def test_every_change_can_be_made_of_one_of_a_filters_and_of_all_stores(
    fleet: LiveSite, act: str, whose: str
) -> None:
    """Previewed, with author and note, of exactly those stores, with one undo."""
    fields = {"what": "hours", **ACTS[act], **WHOSE[whose]}
    fields |= {"by": "eve", "note": "as agreed"}
    reader = Reader(fleet)
    before = [known(fleet, store) for store in "123"]
    if whose == "all stores" and fields["what"] in ("hours", "labels", "zone"):
        assert reader.send(**fields)[0] == 400
        return
    assert "Saved." in reader.save(**fields)
    changed = "".join(
        store
        for store, was in zip("123", before, strict=True)
        if known(fleet, store) != was
    )
    assert changed == MEANT.get(whose, "123")
    newest = fleet.get("/api/v1/changes").json["changes"][0]
    assert (newest["by"], newest["note"]) == ("eve", "as agreed")
    assert reader.undo() == 303
    left = [known(fleet, store)[:3] for store in "123"]
    assert left == [was[:3] for was in before]


def test_stores_may_be_chosen_by_all_filters_together(fleet: LiveSite) -> None:
    """All of them hold, and the words say so."""
    row = {"store_id": "2", "name": "S2", "labels": {"region": "West"}, "target": 99.9}
    fleet.publish(fleet.program.topics.labels, [("2", orjson.dumps(row))])
    fleet.settle()
    asked = {"where": "region=West", "now": "down", "below": "target", "q": "s"}
    reader = Reader(fleet)
    text = reader.open(f"/change?{urlencode({**SHUT_TODAY, **asked})}")
    told = "the only store with region West, down now, below target in this month"
    assert f"{told}, with “s” in name or id" in text
    reader.save(**SHUT_TODAY, **asked)
    assert [week(fleet, store)["down_s"] for store in "123"] == [1800, 0, 1800]


def test_the_list_offers_to_change_what_it_shows(fleet: LiveSite) -> None:
    """However it is narrowed; the number is said."""
    reader = Reader(fleet)
    assert "Change these 3…" in reader.open("/stores?now=down")
    assert "now=down" in reader.page.split("Change these 3")[0].rpartition("href")[2]
    assert "Change these 1…" in reader.open("/stores?q=s1")
    assert "Change all 3…" in reader.open("/stores")


def test_what_was_previewed_is_saved_though_the_filter_finds_others_by_now(
    fleet: LiveSite,
) -> None:
    """A store that has come up since is one of those that were looked at."""
    fields = {**SHUT_TODAY, "now": "down"}
    reader = Reader(fleet)
    assert "Figures change of 3 of 3 stores." in reader.send(**fields)[1]
    digest = reader.hidden("digest")
    poll = ("1", encode_poll(ago(1, "1", True)))
    fleet.publish(fleet.program.topics.polls, [poll])
    fleet.settle()
    assert "of the 2 stores down now" in Reader(fleet).open(
        f"/change?{urlencode(fields)}"
    )
    status, text = reader.send(**fields, do="save", digest=digest)
    assert (status, "Saved." in text) == (303, True)
    assert "of the 3 stores down now" in text
    assert 'href="/stores?now=down"' in reader.page
    assert [week(fleet, store)["down_s"] for store in "123"] == [0] * 3
    status, text = reader.send(**fields)
    assert (status, "There is no store down now." in text) == (404, True)


def test_labels_of_many_stores_keep_what_is_not_said(fleet: LiveSite) -> None:
    """Each store's name and other labels; what has no value is taken away."""
    reader = Reader(fleet)
    page = reader.open("/change?what=labels&where=region%3DWest")
    assert "What is not said here stays as each store has it" in page
    assert 'name="name"' not in reader.page
    told = {"what": "labels", "where": "region=West"}
    reader.save(**told, labels="brand=Q", target="97")
    path = "/api/v1/stores/{}/labels"
    found = [fleet.get(path.format(store)).json for store in "12"]
    assert [one["name"] for one in found] == ["S1", "S2"]
    assert {one["target"] for one in found} == {97.0}
    assert found[0]["labels"] == {"brand": "Q", "region": "West"}
    reader.save(**told, labels="region=", target="none")
    found = fleet.get(path.format("1")).json
    assert (found["name"], found["labels"], found["target"]) == (
        *("S1", {"brand": "Q"}),
        None,
    )


def test_more_stores_than_one_form_changes_are_a_file(
    fleet: LiveSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number is said, and the bound."""
    monkeypatch.setattr(targets, "MOST_STORES", 2)
    status, text = Reader(fleet).send(**SHUT_TODAY, now="down")
    assert status == 422
    told = "There are 3 stores down now, and one form changes 2 at most"
    assert f"{told}: load a file instead." in text
