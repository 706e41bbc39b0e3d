"""A broken poller is told from broken stores: the event, the banner, and its end."""

import asyncio
import re
import time
from collections.abc import Callable
from functools import partial
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

from streamproc.events import Suspect
from streamproc.rules.exclusions import Exclusion
from streamproc.rules.poll import Poll
from streamproc.rules.suspicion import Turned
from streamproc.web.suspicion.calls import not_corrected
from tables import exclusions
from tables.facts import ALL_STORES, encode_key
from tests.system.events import SECOND_US, now_us, until_told
from tests.system.harness import publish, publish_raw
from tests.tables.fakes import PARTITION
from tests.tables.live_fleet import NOON_US, Fleet
from tests.tables.test_board import fleet
from tests.waiting import until
from tests.web.live_site import HOUR_US, NOW_US, LiveSite, ago

__all__ = ["fleet"]

StartSite = Callable[..., LiveSite]


def _labels(store_id: str, poller: str) -> bytes:
    return orjson.dumps({"store_id": store_id, "labels": {"poller": poller}})


BANNER, SPAN = "data-suspect", "data-broken"
SHOWING = ("/", "/stores?where=poller%3Dp1", "/system")
NOT_SHOWING = ("/stores", "/stores?where=poller%3Dp2", "/?as_of=latest", "/reports")


def _text(site: LiveSite, path: str) -> str:
    return site.get(path).text


def _check_banners(site: LiveSite, told: dict[str, Any]) -> None:
    """How many of whom, since when; nothing is dimmed; the correction is filled in."""
    since = told["since"]
    for path in SHOWING:
        page = until(partial(_text, site, path), lambda page: BANNER in page)
        (banner,) = re.findall(r"<p [^>]*data-suspect>.*?</p>", page, re.DOTALL)
        clock = f"{since[11:16]} UTC"
        what = f"30 of 30 stores of poller p1 went down at once, since {clock}"
        assert f"<b>{what}.</b>" in banner
        assert "stale" not in banner
        (correct, look) = re.findall(r'href="([^"]+)"', unescape(banner))
        assert look == SHOWING[1]
        query = parse_qs(urlsplit(correct).query)
        begin, end = query.pop("from"), query.pop("to")
        assert begin == [since[:19] + "Z"]
        assert end[0] > since
        assert end[0].endswith(":00Z")
        assert query == {
            "what": ["exclusion"],
            "where": ["poller=p1"],
            "kind": ["correction-unknown"],
            "note": ["what polls poller=p1 was broken"],
        }
    for path in NOT_SHOWING:
        assert BANNER not in site.get(path).text, path


def test_stores_of_one_poller_that_go_down_together_are_told_as_one_suspicion(
    start_site: StartSite,
) -> None:
    """With a correction that could be made; over when half of them are up again."""
    site = start_site()
    site.program.now_us = now_us
    ids = [f"s{number}" for number in range(90)]
    pollers = {store_id: f"p{number % 3}" for number, store_id in enumerate(ids)}
    keys = [store_id.encode() for store_id in ids]
    labels = [_labels(store_id, poller) for store_id, poller in pollers.items()]
    asyncio.run(publish_raw(site.settings, keys, labels, "labels"))
    begun_us = now_us()
    ups = [Poll(store_id, begun_us - 5 * SECOND_US, True) for store_id in ids]
    downs = [
        Poll(store_id, begun_us - SECOND_US, False)
        for store_id in ids
        if pollers[store_id] == "p1"
    ]
    asyncio.run(publish(site.settings, [*ups, *downs]))
    (told,) = until(
        lambda: site.get("/api/v1/now").json["suspects"],
        lambda found: [one["stores"] for one in found] == [30],
    )
    assert told["labels"] == {"poller": "p1"}
    counts = [told[name] for name in ("stores", "silent", "down", "expected")]
    assert counts == [30, 0, 30, 30]
    assert told["correction"]["kind"] == "correction-unknown"
    assert told["correction"]["from"] == told["since"]
    assert told["correction"]["note"] == "what polls poller=p1 was broken"
    _check_banners(site, told)
    events = asyncio.run(until_told(site.settings, lambda told: len(told) >= 31))
    (suspect,) = [one for one in events if isinstance(one, Suspect)]
    assert (suspect.id, suspect.key) == (told["id"], b"*")
    assert suspect.since_us == begun_us - SECOND_US
    again = [Poll(one.store_id, now_us(), True) for one in downs[:16]]
    asyncio.run(publish(site.settings, again))
    until(lambda: site.get("/api/v1/now").json["suspects"], lambda found: not found)
    for path in SHOWING:
        until(partial(_text, site, path), lambda page: BANNER not in page)
    events = asyncio.run(until_told(site.settings, lambda told: True))
    assert sum(isinstance(one, Suspect) for one in events) == 1


def test_spans_in_which_a_poller_was_broken_are_listed(start_site: StartSite) -> None:
    """By the label whose stores had no data together; each offers its correction."""
    site = start_site()
    pollers = {f"s{number}": f"p{number % 3}" for number in range(30)}
    keys = [store_id.encode() for store_id in pollers]
    labels = [_labels(store_id, poller) for store_id, poller in pollers.items()]
    asyncio.run(publish_raw(site.settings, keys, labels, "labels"))
    polls = [
        ago(60 * hours, store_id, True)
        for store_id, poller in pollers.items()
        for hours in range(12)
        if poller != "p1" or hours not in (5, 6)
    ]
    asyncio.run(publish(site.settings, polls))
    site.settle()
    begin = (NOW_US - 8 * HOUR_US) // SECOND_US
    answer = site.get(f"/api/v1/suspects?from={stamp(begin)}").json
    (span,) = answer["suspects"]
    assert (span["labels"], span["stores"], span["without"]) == (
        {"poller": "p1"},
        10,
        10,
    )
    hours = [stamp((NOW_US - hours * HOUR_US) // SECOND_US) for hours in (6, 4)]
    assert [span["from"], span["to"]] == hours
    assert span["correction"] == {
        "kind": "correction-unknown",
        "from": hours[0],
        "to": hours[1],
        "note": "what polls poller=p1 was broken",
    }
    assert answer["step_s"] == 300
    assert answer["known_since"] is None
    assert site.get("/api/v1/suspects?from=2025-05-07T00:00:00Z").status == 400
    page = until(
        partial(_text, site, "/incidents?period=today"), lambda text: SPAN in text
    )
    (row,) = re.findall(r"<tr [^>]*data-broken>.*?</tr>", page, re.DOTALL)
    assert 'href="/stores?where=poller%3Dp1">poller p1</a>' in row
    assert "2 h</td>" in row
    assert "10 of 10" in row
    assert "/change" not in row  # nobody has signed in
    others = site.get("/incidents?period=today&where=poller%3Dp2").text
    assert SPAN not in others


async def _poll_a_month(site: LiveSite) -> None:
    """Hourly polls of 40 days, in which those of p1 are missing for three hours."""
    broken = range(30 * 24, 30 * 24 + 3)
    for first in range(0, 40 * 24, 5 * 24):
        await publish(
            site.settings,
            [
                ago(60 * hours, f"s{number}", True)
                for hours in range(first, first + 5 * 24)
                for number in range(12)
                if number % 2 == 0 or hours not in broken
            ],
        )


def test_spans_are_found_in_any_period_of_the_history(start_site: StartSite) -> None:
    """A month ago, long after the polls have left the eight days at hand."""
    site = start_site()
    ids = [f"s{number}" for number in range(12)]
    labels = [_labels(store_id, f"p{n % 2}") for n, store_id in enumerate(ids)]
    keys = [store_id.encode() for store_id in ids]
    asyncio.run(publish_raw(site.settings, keys, labels, "labels"))
    asyncio.run(_poll_a_month(site))
    begin = (NOW_US - 35 * 24 * HOUR_US) // SECOND_US
    end = (NOW_US - 25 * 24 * HOUR_US) // SECOND_US
    path = f"/api/v1/suspects?from={stamp(begin)}&to={stamp(end)}"
    (span,) = until(lambda: site.get(path).json["suspects"], lambda found: found)
    assert (span["labels"], span["stores"], span["without"]) == (
        {"poller": "p1"},
        6,
        6,
    )
    since, end_s = ((NOW_US - hours * HOUR_US) // SECOND_US for hours in (722, 719))
    assert (span["from"], span["to"]) == (stamp(since), stamp(end_s))


def stamp(time_s: int) -> str:
    """A whole second as the API writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time_s))


async def test_what_was_corrected_is_not_suspected_any_more(fleet: Fleet) -> None:
    """Of that store, of all stores; not where it is of another time, or withdrawn."""
    at_us = NOON_US
    ids = ("own", "later", "withdrawn", "none")
    turned = [Turned(store_id, True, at_us, {}) for store_id in ids]
    kind, hour = "correction-unknown", HOUR_US
    for store_id, one in {
        "own": Exclusion("x", kind, at_us, at_us + 1),
        "later": Exclusion("x", kind, at_us + 1, at_us + hour),
        "withdrawn": Exclusion("x", kind, at_us - hour, at_us + hour, withdrawn=True),
    }.items():
        key = encode_key(store_id.encode(), b"x")
        await fleet.know(fleet.facts.exclusions, key, exclusions.encode(one))
    left = not_corrected(fleet.facts, PARTITION, turned)
    assert [one.store_id for one in left] == ["later", "withdrawn", "none"]
    of_all = Exclusion("all", kind, at_us - hour, at_us + hour)
    key = encode_key(ALL_STORES, b"all")
    await fleet.know(fleet.facts.exclusions, key, exclusions.encode(of_all))
    assert not_corrected(fleet.facts, PARTITION, turned) == []
