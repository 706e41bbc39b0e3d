"""Changes from a page: nothing changes a figure unseen, all can be undone."""

import html
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamproc.rules.poll import encode_poll
from streamproc.rules.schedule import clock_text
from streamproc.transport.partitioner import partition_for
from streamproc.transport.protocols import producer_of
from streamproc.web.acting.editors import EDITORS, openings, openings_text
from streamproc.web.refusal import Refusal
from tests.web.live_site import LiveSite, ago
from tests.web.test_connect import FORM
from tests.web.test_pages import text_of
from tests.web.test_system import signed_in

TODAY = "2025-05-06"
SHUT = {f"day{day}": "closed" for day in range(7)}
NIGHT = {**SHUT, "day1": "00:00-10:00"}
"""Open on Tuesdays, until ten: in UTC, five hours before now."""


@pytest.fixture
def fleet(start_site: Callable[..., LiveSite]) -> LiveSite:
    """Three stores, down for the last half hour; two are in the West."""
    return three_stores(start_site())


def three_stores(site: LiveSite) -> LiveSite:
    """The site with these stores."""
    polls = [
        encode_poll(poll)
        for store in ("1", "2", "3")
        for poll in (ago(60, store, True), ago(30, store, False))
    ]
    keys = [store for store in ("1", "2", "3") for _ in range(2)]
    site.publish(site.program.topics.polls, list(zip(keys, polls, strict=True)))
    for store in ("1", "2", "3"):
        region = "East" if store == "3" else "West"
        told = {"store_id": store, "name": f"S{store}", "labels": {"region": region}}
        site.publish(site.program.topics.labels, [(store, orjson.dumps(told))])
        zone = {"store_id": store, "timezone_str": "UTC"}
        site.publish(site.program.topics.zones, [(store, orjson.dumps(zone))])
    site.settle()
    return site


class Reader:
    """A browser that is signed in, and sends forms as they stand on the page."""

    def __init__(self, site: LiveSite) -> None:
        self.site = site
        self.cookie = signed_in(site)
        self.page = ""

    def open(self, path: str) -> str:
        """A page's words."""
        self.page = self.site.get(path, Accept="text/html", Cookie=self.cookie).text
        return html.unescape(text_of(self.page))

    def send(self, **fields: str) -> tuple[int, str]:
        """Post the form; follows where it leads."""
        status = self.post("/change", **fields)
        return status, html.unescape(text_of(self.page))

    def undo(self) -> int:
        """Press what undoes the change just saved, preview it, save that."""
        found = re.search(r'action="(/changes/[^"#]*)#preview"', self.page)
        assert found is not None, self.page
        assert self.post(found[1], do="preview") == 200
        assert "Nothing is saved yet." in self.page
        return self.post(found[1], do="save", digest=self.hidden("digest"))

    def post(self, path: str, **fields: str) -> int:
        """Post a form to a path; the page is then what it leads to."""
        headers = {**FORM, "Authorization": "", "Cookie": self.cookie}
        answer = self.site.ask(
            "POST", path, urlencode(fields, doseq=True).encode(), **headers
        )
        self.page = answer.text
        if answer.status == 303:
            self.open(answer.headers["Location"])
        return answer.status

    def hidden(self, name: str) -> str:
        """The value of a hidden field."""
        found = re.search(rf'name="{name}" value="([^"]*)"', self.page)
        assert found is not None, name
        return html.unescape(found[1])

    def save(self, **fields: str) -> str:
        """Preview a form, and save exactly that."""
        status, text = self.send(**fields)
        assert status == 200, text
        status, text = self.send(**fields, do="save", digest=self.hidden("digest"))
        assert status == 303, text
        return text


def week(site: LiveSite, store: str = "1") -> dict[str, Any]:
    """A store's figures of the last seven days."""
    found: dict[str, Any] = site.get(f"/api/v1/stores/{store}").json["windows"]["week"]
    return found


ODD_OPENINGS = ["9", "9-", "9-10-11", "-"]


@pytest.mark.parametrize("text", ODD_OPENINGS)
def test_openings_that_cannot_be_read_name_their_field(text: str) -> None:
    """With an example of what is expected."""
    with pytest.raises(Refusal, match=r"Mon is .*, expected openings such as 09:00"):
        openings("Mon", text)


times = st.integers(0, 1439).map(lambda minute: clock_text(60 * minute))


@given(st.lists(st.tuples(times, times).filter(lambda ends: ends[0] != ends[1])))
def test_openings_are_read_as_they_are_written(ends: list[tuple[str, str]]) -> None:
    """What a form was filled with is what it says."""
    rows = [{"start_time_local": a, "end_time_local": b} for a, b in ends]
    read = openings("x", openings_text(rows))
    assert [[f"{t}:00" for t in row.values()] for row in read] == [
        list(row.values()) for row in rows
    ]
    assert openings("x", "24 h") == [
        {"start_time_local": "00:00", "end_time_local": "24:00"}
    ]


def test_dates_up_to_another_are_a_record_each() -> None:
    """A month at most: more is a file's work."""
    read = EDITORS["special-hours"].told
    told = read({"date": "2025-12-30", "until": "2026-01-02", "note": "New year"})
    dates = ["2025-12-30", "2025-12-31", "2026-01-01", "2026-01-02"]
    assert [one.key for one in told] == dates
    assert told[0].row == {"openings": [], "note": "New year"}
    with pytest.raises(Refusal, match="until is"):
        read({"date": "2025-12-30", "until": "2026-02-02"})


def test_a_preview_changes_nothing(fleet: LiveSite) -> None:
    """It tells the figures before and after, and what stays the same."""
    before, reader = week(fleet), Reader(fleet)
    status, text = reader.send(what="hours", store="1", **NIGHT)
    assert status == 200
    assert "Figures change. The last 7 days go from 50.00" in text
    assert "Nothing is saved yet." in text
    assert week(fleet) == before
    assert fleet.get("/api/v1/stores/1").json["open_24x7"] is True


def test_what_was_previewed_is_what_is_saved(fleet: LiveSite) -> None:
    """Hours of one store; the answer says so, and the next read has it."""
    reader = Reader(fleet)
    text = reader.save(what="hours", store="1", by="eve", **NIGHT)
    assert "Saved." in text
    assert week(fleet)["open_s"] == 10 * 3600
    assert fleet.get("/api/v1/stores/2").json["open_24x7"] is True


def test_other_values_than_those_previewed_are_not_saved(fleet: LiveSite) -> None:
    """They are previewed again, with a digest of their own."""
    reader = Reader(fleet)
    reader.send(what="hours", store="1", **NIGHT)
    digest = reader.hidden("digest")
    status, text = reader.send(
        what="hours",
        store="1",
        do="save",
        digest=digest,
        **{**NIGHT, "day2": "09:00-17:00"},
    )
    assert status == 200
    assert "Nothing is saved yet." in text
    assert reader.hidden("digest") != digest
    assert fleet.get("/api/v1/stores/1").json["open_24x7"] is True


@pytest.mark.parametrize(
    "fields",
    [
        {"what": "hours", **NIGHT},
        {"what": "hours", "valid_from": "2025-05-01", **NIGHT},
        {"what": "special-hours", "date": TODAY, "openings": "10:00-12:00"},
        {"what": "special-hours", "date": "2025-05-05", "until": TODAY},
        {
            "what": "exclusion",
            "id": "x-1",
            "kind": "correction-up",
            "from_local": f"{TODAY}T14:30",
            "to_local": f"{TODAY}T14:45",
        },
        {"what": "zone", "timezone_str": "Asia/Tokyo"},
        {"what": "labels", "name": "Other", "labels": "brand=Q", "target": "97"},
    ],
    ids=["week", "dated", "date", "dates", "correction", "zone", "labels"],
)
def test_undoing_brings_back_what_was(fleet: LiveSite, fields: dict[str, str]) -> None:
    """Previewed like any change, and as if it had never been made."""
    paths = [f"/api/v1/stores/1{rest}" for rest in ("", "/labels", "/hours")]
    reader, before = Reader(fleet), [fleet.get(path).json for path in paths]
    reader.save(store="1", **fields)
    assert [fleet.get(path).json for path in paths] != before
    assert reader.undo() == 303
    assert [fleet.get(path).json for path in paths] == before


@pytest.mark.parametrize(
    "fields",
    [
        {"what": "hours", **NIGHT},
        {"what": "special-hours", "date": TODAY},
        {"what": "zone", "timezone_str": "Asia/Tokyo"},
        {"what": "labels", "name": "Other"},
    ],
    ids=["week", "date", "zone", "labels"],
)
def test_the_record_has_who_made_a_change_and_why(
    fleet: LiveSite, fields: dict[str, str]
) -> None:
    """Whatever it is a change of."""
    Reader(fleet).save(store="1", **fields, by="Eve", note="as agreed")
    newest = fleet.get("/api/v1/changes").json["changes"][0]
    told = [newest[name] for name in ("door", "by", "note", "stores")]
    assert told == ["page", "Eve", "as agreed", 1]


def test_several_dates_are_previewed_together(fleet: LiveSite) -> None:
    """What the preview says of two closed dates is what is so when they are saved."""
    dates = {"what": "special-hours", "date": "2025-05-05", "until": TODAY}
    reader = Reader(fleet)
    before = week(fleet)["open_s"]
    _, text = reader.send(store="1", **dates)
    reader.save(store="1", **dates)
    after = week(fleet)["open_s"]
    assert before - after == (24 + 15) * 3600  # now is 15:00
    assert f"{before / 3600:.2f} {after / 3600:.2f}" in text


def test_a_labels_stores_are_changed_together(fleet: LiveSite) -> None:
    """As many records; their number is said, and one undo is for all of them."""
    reader = Reader(fleet)
    fields = {"what": "special-hours", "where": "region=West", "date": TODAY}
    assert "the 2 stores with region West" in reader.open(
        f"/change?{urlencode(fields)}"
    )
    _, text = reader.send(**fields)
    assert "Figures change of 2 of 2 stores." in text
    reader.save(**fields)
    assert [week(fleet, store)["down_s"] for store in "123"] == [0, 0, 1800]
    assert reader.undo() == 303
    assert [week(fleet, store)["down_s"] for store in "123"] == [1800] * 3


@pytest.fixture
def shut_partition(
    fleet: LiveSite, monkeypatch: pytest.MonkeyPatch
) -> Callable[[int | None], None]:
    """Has the log not take what is of one partition; None: it takes all again."""
    producer = producer_of(fleet.program.app)
    append, shut = producer.append_batch, [-1]

    async def append_batch(topic: str, partition: int, *rest: Any) -> int:
        if partition == shut[0]:
            raise TimeoutError
        return await append(topic, partition, *rest)

    monkeypatch.setattr(producer, "append_batch", append_batch)
    return lambda partition: shut.__setitem__(0, -1 if partition is None else partition)


def test_what_the_log_did_not_take_is_told_by_store_and_saved_again(
    fleet: LiveSite, shut_partition: Callable[[int | None], None]
) -> None:
    """The others have it; saving the rest needs no form, undoing is for all of them."""
    fields = {"what": "special-hours", "where": "region=West", "date": TODAY}
    homes = [partition_for(s, fleet.settings.partitions) for s in (b"1", b"2")]
    assert homes[0] != homes[1]
    reader = Reader(fleet)
    shut_partition(homes[1])
    text = reader.save(**fields)
    assert "Not saved for 1 of 2 stores. The log did not take in time" in text
    assert "what is of S2. The others have it." in text
    assert [week(fleet, store)["down_s"] for store in "123"] == [0, 1800, 1800]
    saved = reader.hidden("saved")
    again = {"what": "special-hours", "where": "region=West", "saved": saved}
    assert "Not saved for 1 of 2" in reader.send(**again, do="rest")[1]
    shut_partition(None)
    text = reader.send(**again, do="rest")[1]
    assert "Saved." in text
    assert "Not saved" not in text
    assert [week(fleet, store)["down_s"] for store in "123"] == [0, 0, 1800]
    assert reader.undo() == 303
    assert [week(fleet, store)["down_s"] for store in "123"] == [1800] * 3


def test_a_change_that_is_half_saved_can_be_undone(
    fleet: LiveSite, shut_partition: Callable[[int | None], None]
) -> None:
    """Of all its stores, as nobody knows of which the log took it after all."""
    fields = {"what": "special-hours", "where": "region=West"}
    reader = Reader(fleet)
    shut_partition(partition_for(b"2", fleet.settings.partitions))
    reader.save(**fields, date=TODAY)
    shut_partition(None)
    assert reader.undo() == 303
    assert [week(fleet, store)["down_s"] for store in "123"] == [1800] * 3


def test_many_stores_are_saved_with_one_append_a_partition(
    fleet: LiveSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two stores, three dates each: not six appends one after the other."""
    producer = producer_of(fleet.program.app)
    append, seen = producer.append_batch, []

    async def append_batch(topic: str, partition: int, *rest: Any) -> int:
        if topic == fleet.program.topics.special_hours.name:
            seen.append(partition)
        return await append(topic, partition, *rest)

    monkeypatch.setattr(producer, "append_batch", append_batch)
    dates = {"date": "2025-05-04", "until": TODAY}
    Reader(fleet).save(what="special-hours", where="region=West", **dates)
    partitions = fleet.settings.partitions
    assert sorted(seen) == sorted({partition_for(s, partitions) for s in (b"1", b"2")})


@pytest.mark.parametrize(("length", "status"), [(200, 200), (201, 422)])
def test_a_name_may_be_as_long_on_the_page_as_in_the_api(
    fleet: LiveSite, length: int, status: int
) -> None:
    """One rule for who makes a change, at every door."""
    name = "é" * length
    zone = {"timezone_str": "UTC", "by": name}
    body = orjson.dumps(zone)
    json_body = {"Content-Type": "application/json"}
    path = "/api/v1/stores/1/zone?preview=true"
    assert fleet.ask("PUT", path, body, **json_body).status == status
    query = urlencode({"preview": "true", "by": name})
    forgotten = fleet.ask("DELETE", f"/api/v1/stores/1/labels?{query}")
    assert forgotten.status == (status if status == 200 else 400)
    reader = Reader(fleet)
    found, text = reader.send(what="zone", store="1", **zone)
    assert found == status
    assert ("200 characters at most" in text) == (status == 422)


def test_a_span_of_utc_is_the_same_for_stores_of_several_zones(
    fleet: LiveSite,
) -> None:
    """A link with from and to fills the form; each store's correction is that span."""
    zone = {"store_id": "2", "timezone_str": "Asia/Tokyo"}
    fleet.publish(fleet.program.topics.zones, [("2", orjson.dumps(zone))])
    fleet.settle()
    reader = Reader(fleet)
    ends = {"from": f"{TODAY}T14:30:00Z", "to": f"{TODAY} 14:45:30"}
    link = {"what": "exclusion", "where": "region=West", "kind": "correction-up"}
    text = reader.open(f"/change?{urlencode({**link, **ends})}")
    assert "the 2 stores with region West" in text
    filled = {"from_local": f"{TODAY}T14:30:00", "to_local": f"{TODAY}T14:45:30"}
    for name, value in filled.items():
        assert f'name="{name}" value="{value}"' in reader.page
    assert '<option value="utc" selected>UTC' in reader.page
    reader.save(**link, **filled, clock="utc", id="u-1")
    assert [week(fleet, store)["down_s"] for store in "123"] == [870, 870, 1800]
    (told,) = fleet.get("/api/v1/stores/2/exclusions").json["exclusions"]
    assert (told["from"], told["to"]) == (
        "2025-05-06T14:30:00Z",
        "2025-05-06T14:45:30Z",
    )


def test_stores_may_be_chosen_by_several_labels(fleet: LiveSite) -> None:
    """All of them hold; the form, its preview, what is saved and its undo keep them."""
    row = {"store_id": "2", "name": "S2", "labels": {"region": "West", "brand": "Q"}}
    fleet.publish(fleet.program.topics.labels, [("2", orjson.dumps(row))])
    fleet.settle()
    query = "what=special-hours&where=region%3DWest&where=brand%3DQ"
    reader = Reader(fleet)
    text = reader.open(f"/change?{query}")
    assert "the only store with region West and brand Q" in text
    assert reader.page.count('name="where" value="region=West"') == 1
    assert reader.page.count('name="where" value="brand=Q"') == 1
    two: Any = {"where": ["region=West", "brand=Q"]}
    fields = {"what": "special-hours", "date": TODAY, **two}
    reader.save(**fields)
    assert [week(fleet, store)["down_s"] for store in "123"] == [1800, 0, 1800]
    assert reader.undo() == 303
    assert [week(fleet, store)["down_s"] for store in "123"] == [1800] * 3
    many = "&".join(f"where=a{n}%3Db" for n in range(21))
    assert fleet.get(f"/change?{many}", Accept="text/html").status == 400


def test_all_stores_are_changed_with_one_record(fleet: LiveSite) -> None:
    """Maintenance for ``*``, withdrawn from its list."""
    reader = Reader(fleet)
    span = {"from_local": f"{TODAY}T14:00", "to_local": f"{TODAY}T15:00"}
    told = {"what": "exclusion", "store": "*", "kind": "maintenance", "id": "m-1"}
    reader.save(**told, **span, note="network", by="eve")
    assert [week(fleet, store)["down_s"] for store in "123"] == [0] * 3
    text = reader.open("/change?what=exclusion&store=*")
    assert "maintenance network · eve" in text
    assert f"Tue {TODAY} 14:00:00 to Tue {TODAY} 15:00:00" in text
    reader.save(what="exclusion", store="*", withdraw="m-1")
    assert [week(fleet, store)["down_s"] for store in "123"] == [1800] * 3


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"what": "zone", "timezone_str": "Mars/Base"}, "Mars/Base"),
        ({"what": "hours", "day0": "25-26"}, "25"),
        ({"what": "hours", "day2": "25:00-26:00"}, "Wed: start_time_local is '25:00'"),
        ({"what": "special-hours", "date": "tomorrow"}, "tomorrow"),
        ({"what": "exclusion", "id": "x", "kind": "holiday"}, "holiday"),
        ({"what": "labels", "labels": "West"}, "label=value on each line"),
    ],
)
def test_what_is_wrong_is_said_beside_the_form(
    fleet: LiveSite, fields: dict[str, str], said: str
) -> None:
    """422; what was typed stays in the form."""
    reader = Reader(fleet)
    status, text = reader.send(store="1", **fields)
    assert status in (400, 422)
    assert "Not like this." in text
    assert said in text
    typed = [v for k, v in fields.items() if k not in ("what", "kind", "labels")]
    assert all(f'value="{value}"' in reader.page for value in typed)


@pytest.mark.parametrize(
    ("query", "status"),
    [("store=nobody", 404), ("where=region%3DNorth", 404), ("", 400), ("what=x", 400)],
)
def test_who_is_not_known_has_no_form(fleet: LiveSite, query: str, status: int) -> None:
    """A misspelt id would make a store nobody meant."""
    assert fleet.get(f"/change?{query}", Accept="text/html").status == status


def test_the_forms_are_reached_from_what_they_change(fleet: LiveSite) -> None:
    """From a store, from a label's stores, from all; for who is signed in."""
    reader = Reader(fleet)
    for path, goal in (
        ("/stores/1", "/change?what=hours&store=1"),
        (
            "/stores?where=region%3DWest",
            "/change?what=special-hours&where=region%3DWest",
        ),
        ("/stores", "/change?what=special-hours&store=%2A"),
    ):
        reader.open(path)
        assert goal in html.unescape(reader.page)
        assert "/change?" not in fleet.page(path)


def test_a_form_begins_with_what_is_known(fleet: LiveSite) -> None:
    """The week, the labels, the zone: as the fields read them."""
    reader = Reader(fleet)
    reader.save(what="hours", store="1", **{**NIGHT, "day4": "22:00-02:00"})
    reader.open("/change?what=hours&store=1")
    assert 'name="day4" value="22:00–02:00"' in reader.page
    assert 'name="day0" value="closed"' in reader.page
    reader.open("/change?what=labels&store=1")
    assert 'name="name" value="S1"' in reader.page
    assert ">region=West</textarea>" in reader.page


def test_who_is_signed_out_reads_and_changes_nothing(fleet: LiveSite) -> None:
    """No form on the page; a post is turned away, another site's as well."""
    page = fleet.page("/change?what=hours&store=1")
    assert "<form method" not in page
    assert "Sign in to change anything." in text_of(page)
    body = urlencode({"what": "hours", "store": "1", **NIGHT}).encode()
    assert fleet.ask("POST", "/change", body, Authorization="", **FORM).status == 401
    other = {"Cookie": signed_in(fleet), "Origin": "http://evil.example"}
    answer = fleet.ask("POST", "/change", body, Authorization="", **other, **FORM)
    assert answer.status == 403
