"""What polls the stores: who is late, who is silent, and how much was observed."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import orjson
import pytest

from streamproc.rules.labels import Labels
from streamproc.rules.now import CLOSED, DOWN, SILENT, UP
from streamproc.rules.packing import packed_of
from streamproc.rules.poll import encode_poll
from streamproc.web.fleet.performance import Amounts
from streamproc.web.now.everyone import Everyone
from streamproc.web.now.states import StoreState
from streamproc.web.store.names import Directory
from streamproc.web.system.pollers import picture, poller_label, pollers
from tests.web.live_site import MINUTE_US, NOW_US, LiveSite, ago
from tests.web.states import states
from tests.web.test_pages import text_of


def store(store_id: str, state: int, minutes: float | None, usual: int | None) -> Any:
    """A store that was heard so long ago, with its usual interval in minutes."""
    heard = None if minutes is None else NOW_US - round(minutes * MINUTE_US)
    return StoreState(
        store_id,
        state,
        None,
        None if heard is None else int(packed_of(heard, 1)),
        "UTC",
        None if usual is None else usual * MINUTE_US,
    )


def test_stores_are_in_time_late_or_silent() -> None:
    """Closed ones are none of it; the one with most amiss comes first."""
    stores = [
        store("fine", UP, 5, 10),
        store("down", DOWN, 9, 10),
        store("just", UP, 10, 10),
        store("late", UP, 11, 10),
        store("silent", SILENT, 60, 20),
        store("closed", CLOSED, 600, 30),
        store("new", UP, 300, None),
        store("other", UP, 1, 5),
    ]
    labels = {one.store_id: {"poller": "p2"} for one in stores[:-1]}
    names = Directory({name: Labels(labels=told) for name, told in labels.items()})
    found = pollers(Everyone(NOW_US, states(*stores)), names, "poller", None, [])
    told = [
        (p.value, p.stores, p.timely, p.late, p.silent, p.resting, p.usual_us)
        for p in found
    ]
    assert told == [
        ("p2", 7, 4, 1, 1, 1, 10 * MINUTE_US),
        ("", 1, 1, 0, 0, 0, 5 * MINUTE_US),
    ]
    assert all(p.coverage is None for p in found)


def test_without_a_label_all_stores_are_one_poller() -> None:
    """A label that there is may be asked for; a label poller goes before others."""
    assert poller_label(Directory({})) == ""
    names = Directory({"a": Labels(labels={"region": "W"})})
    assert (poller_label(names), poller_label(names, "region")) == ("", "region")
    names = Directory({"a": Labels(labels={"region": "W", "poller": "p"})})
    assert (poller_label(names), poller_label(names, "x")) == ("poller", "poller")
    (one,) = pollers(
        Everyone(NOW_US, states(store("a", UP, 1, 5))), names, "", None, []
    )
    assert (one.value, one.stores) == ("", 1)


def test_the_picture_of_coverage_says_the_least() -> None:
    """A bar for each day on which something was to be observed."""
    up = np.array([90, 0, 50, 100])
    zero = np.zeros(4, np.int64)
    daily = Amounts(up, zero, zero, np.array([100, 0, 100, 100]))
    drawn = str(picture(daily, "p<1"))
    assert drawn.count("<rect") == 3
    assert "p&lt;1: coverage of 4 days, at least 50.0\u00a0%" in drawn
    assert drawn.count(f'height="{16}.0"') == 1


def fleet(start_site: Callable[..., LiveSite]) -> LiveSite:
    """Two pollers' stores, one of them heard half of the time only."""
    site = start_site(hold="60")
    for name, step in (("a", 1), ("b", 2)):
        polls = [ago(60 * hour - 30, name, True) for hour in range(1, 100, step)]
        told = [(name, encode_poll(poll)) for poll in polls]
        site.publish(site.program.topics.polls, told)
        row = {"store_id": name, "labels": {"poller": f"p-{name}"}}
        site.publish(site.program.topics.labels, [(name, orjson.dumps(row))])
    site.settle()
    return site


def test_the_page_tells_how_much_of_each_poller_was_observed(
    start_site: Callable[..., LiveSite],
) -> None:
    """Of the last seven days, once that is counted; its stores are a link away."""
    site = fleet(start_site)
    for _ in range(200):
        page = site.page("/system")
        if not {"being counted", "being looked for"} & set(
            re.findall("being [a-z ]+", page)
        ):
            break
    text = text_of(page)
    shares = [
        float(text[text.index(f"{name} 1") :].split(" %")[0].split()[-1])
        for name in ("p-a", "p-b")
    ]
    assert shares[0] > 90  # before its first poll, that date is without data
    assert shares[1] == pytest.approx(shares[0] / 2, abs=1)
    assert 'href="/stores?where=poller%3Dp-a"' in page


def test_stores_without_a_poller_lead_to_those_stores(
    start_site: Callable[..., LiveSite],
) -> None:
    """Not to all of them."""
    site = fleet(start_site)
    poll = ago(10, "c", True)
    site.publish(site.program.topics.polls, [("c", encode_poll(poll))])
    site.settle()
    page = site.page("/system")
    assert re.search(r'href="/stores\?where=poller%3D">no poller<', page)
