"""A year of all stores delays nobody: it is read at leisure, and kept for later."""

import math
import time
from collections.abc import Iterator
from typing import Any

import pytest

from streamproc.web import late
from streamproc.web.cluster import peers
from tables.outage import Outages
from tables.outage_search import OutageSearch
from tables.periods import PeriodSnapshot
from tests.waiting import until
from tests.web.live_site import LiveSite
from tests.web.test_cluster import SECRET, hand_over

YEAR = "/api/v1/incidents?from=2024-06-01T00:00:00Z"
PAGES = ("/", "/stores", "/stores/gamma", "/incidents")


class Endless:
    """Reading a long span goes on, a step at a time, until it is let go, or so long."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, lasts_s: float = math.inf
    ) -> None:
        self.steps = 0
        self._lasts_s = lasts_s
        self.is_let_go = False
        outages, rows = OutageSearch.in_parts, PeriodSnapshot.rows

        def slow_outages(search: OutageSearch) -> Iterator[Outages]:
            if search.span.end_us - search.span.begin_us > 30 * 86_400_000_000:
                yield from (Outages([], 0) for _ in self._until_let_go())
            yield from outages(search)

        def slow_rows(snapshot: PeriodSnapshot) -> Iterator[Any]:
            period = snapshot.span.period
            found = list(rows(snapshot))
            if period.end_day - period.first_day > 100:
                yield from (found[0].chosen(slice(0)) for _ in self._until_let_go())
            yield from found

        monkeypatch.setattr(OutageSearch, "in_parts", slow_outages)
        monkeypatch.setattr(PeriodSnapshot, "rows", slow_rows)

    def _until_let_go(self) -> Iterator[None]:
        ends_at = time.monotonic() + self._lasts_s
        while not self.is_let_go and time.monotonic() < ends_at:
            self.steps += 1
            yield


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> Endless:
    """Long spans take until they are let go; nobody waits for them for long."""
    monkeypatch.setattr(late, "PATIENCE_S", 0.05)
    monkeypatch.setattr(peers, "PEER_PATIENCE_S", 0.01)
    return Endless(monkeypatch)


def answered(site: LiveSite, path: str) -> Any:
    """The answer to who asks again and again."""
    while (answer := site.get(path)).status == 503:
        assert answer.headers["Retry-After"] == "5"
    assert answer.status == 200
    return answer.json


@pytest.mark.parametrize("path", [YEAR, "/api/v1/periods/year:2025"])
def test_pages_are_answered_while_a_year_of_all_stores_is_read(
    start_site: Any, endless: Endless, path: str
) -> None:
    """Who asks for the year is told when to ask again, and then finds it."""
    site: LiveSite = start_site().fill()
    answer = site.get(path)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    until(lambda: endless.steps)
    for page in PAGES:
        assert site.get(page).status == 200, page
    assert site.get(path).status == 503
    endless.is_let_go = True
    as_of = answered(site, path)["as_of"]
    second = f"{path}{'&' if '?' in path else '?'}page=2"
    assert answered(site, second)["as_of"] == as_of


@pytest.mark.parametrize("path", [YEAR, "/api/v1/periods/year:2025"])
def test_a_year_is_read_of_however_many_partitions_another_worker_has(
    start_site: Any, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """Each of them takes longer than a worker waits for it, and none is refused."""
    monkeypatch.setattr(late, "PATIENCE_S", 0.05)
    monkeypatch.setattr(peers, "PEER_PATIENCE_S", 0.001)
    Endless(monkeypatch, 0.01)
    options = {"web_cluster_secret": SECRET, "partitions": 10}
    first, second = (start_site(**options).fill() for _ in range(2))
    hand_over(first, second.url, set(range(10)))
    while (answer := first.get(path)).status == 503:
        assert "is being made, and kept" in answer.text
    assert answer.status == 200


def test_a_year_is_asked_of_another_worker_until_it_has_read_it(
    start_site: Any, endless: Endless
) -> None:
    """It says that it is not done yet, and goes on."""
    first, second = (start_site(web_cluster_secret=SECRET).fill() for _ in range(2))
    hand_over(first, second.url, {0, 1, 2, 3})
    path = f"{YEAR}&as_of=2025-05-06T14:59:00Z"
    assert first.get(path).status == 503
    endless.is_let_go = True
    found = answered(first, path)
    assert found == answered(second, path)
    assert found["total"] > 0
