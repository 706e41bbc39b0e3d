"""A worker that does not answer: what is told of its stores, and of all of them."""

import re
from collections.abc import Callable, Iterator

import pytest

from streamproc.transport.partitioner import partition_for
from tests.waiting import until
from tests.web.live_site import LABELS, LiveSite
from tests.web.test_cluster import SECRET, hand_over

THEIRS = {2, 3}
THIS_MONTH = "/?period=this-month"


def is_theirs(store_id: str) -> bool:
    """Whether a store is with the worker that goes away."""
    return partition_for(store_id.encode(), 4) in THEIRS


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSite]:
    """A worker that has shown its pages, when the one that owns a half goes away."""
    options = {"web_cluster_secret": SECRET, "target": 98.5}
    first, second = (
        LiveSite(tmp_path_factory.mktemp(f"worker{n}"), options).start().fill()
        for n in (1, 2)
    )
    hand_over(first, second.url, THEIRS)
    for path in (THIS_MONTH, "/stores"):
        assert "data-lost" not in first.page(path)
    second.stop()
    until(lambda: "data-lost" in first.page(THIS_MONTH))
    until(lambda: "data-lacks" in first.page("/stores?period=this-week&per_page=500"))
    yield first
    first.stop()


def rows_of(page: str, css: str) -> dict[str, str]:
    """Rows of a page's table, by the text of their first link."""
    table = page.split(f'<table role="table" class="{css}')[1].split("</table>")[0]
    rows = re.findall(
        r'<tr role="row"[^>]*>\s*<th role="rowheader".*?</tr>', table, re.S
    )
    return {re.findall(r'class="id"[^>]*>([^<]*)<', row)[0]: row for row in rows}


def test_the_banner_names_the_worker_since_when_and_how_many_stores(
    site: LiveSite,
) -> None:
    """And that no poll is lost."""
    page = site.page(THIS_MONTH)
    banner = re.findall(r"<p [^>]*data-lost.*?</p>", page, re.S)[0]
    text = re.sub(r"<[^>]*>", "", banner)
    stores = site.get("/stores?per_page=500", Accept="text/html").text
    theirs = sum("stale" in row for row in rows_of(stores, "stores").values())
    assert re.match(
        r"The worker 127\.0\.0\.1:\d+ has not answered since 15:00:00", text
    )
    assert (
        f"The {theirs} stores of its partitions 2 and 3 are shown as they were" in text
    )
    assert "No poll is lost" in text
    assert 'href="/system"' in banner


def test_only_its_stores_are_dimmed(site: LiveSite) -> None:
    """All of them are still listed, as they were; the others with their figures."""
    names = {labels["name"]: store for store, labels in LABELS.items()}
    rows = rows_of(site.page("/stores?period=this-week&per_page=500"), "stores")
    assert len(rows) > 60
    for name, row in rows.items():
        store_id = names.get(name, name)
        if store_id.startswith("store-") or store_id in ("alpha", "beta", "gamma"):
            assert ('class="stale"' in row) == is_theirs(store_id), store_id
            assert ("not at hand" in row) == is_theirs(store_id), store_id


def test_totals_say_what_they_lack(site: LiveSite) -> None:
    """As do percentages of groups, once they are of those that answer only."""
    page = site.page("/stores?period=this-week")
    stale = site.page("/stores?period=this-week&per_page=500").count('class="stale"')
    assert f"without {stale} stores" in page
    assert f"Without {stale} stores of a worker" in site.page("/?period=this-week")


@pytest.mark.parametrize(
    "path",
    [
        "/stores.csv",
        "/api/v1/now",
        "/api/v1/stores",
        "/api/v1/periods/this-month",
        "/reports/this-month/page",
    ],
)
def test_what_is_handed_on_is_whole_or_refused(site: LiveSite, path: str) -> None:
    """A file and an API's answer have no dimmed rows: ask again, says a 503."""
    answer = site.get(path)
    assert answer.status == 503
    assert int(answer.headers["Retry-After"]) > 0


def test_a_store_of_it_says_who_does_not_answer(site: LiveSite) -> None:
    """And tries again by itself; another worker's stores have their pages."""
    theirs, other = (
        next(f"store-{n}" for n in range(60) if is_theirs(f"store-{n}") is wanted)
        for wanted in (True, False)
    )
    answer = site.get(f"/stores/{theirs}", Accept="text/html")
    assert answer.status == 503
    assert re.search(
        r"Partition [23]: the worker at http://\S+ does not answer", answer.text
    )
    assert 'http-equiv="refresh"' in answer.text
    assert other in site.page(f"/stores/{other}")


def test_nothing_is_made_up_by_a_worker_that_has_never_heard_of_the_others(
    start_site: Callable[..., LiveSite],
) -> None:
    """Its pages are a 503, not the stores it has itself."""
    site = start_site(web_cluster_secret=SECRET).fill()
    hand_over(site, "http://127.0.0.1:1", THEIRS)
    assert site.get("/stores", Accept="text/html").status == 503


def test_when_the_partitions_are_taken_over_all_is_as_before(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """The banner goes by itself, and figures are of all stores again."""
    site = LiveSite(tmp_path_factory.mktemp("taker"), {"web_cluster_secret": SECRET})
    site.start().fill()
    try:
        before = site.page("/stores?per_page=500").count("<tr")
        tables = {t: t.owns for t in site.program.app.tables.values()}
        hand_over(site, "http://127.0.0.1:1", THEIRS)
        until(lambda: "data-lost" in site.page("/stores?per_page=500"))
        for table, owns in tables.items():
            table.owns = owns
        until(lambda: "data-lost" not in site.page("/stores?per_page=500"))
        page = site.page("/stores?per_page=500")
        assert page.count("<tr") == before
        assert "not at hand" not in page
        assert site.get("/stores.csv").status == 200
    finally:
        site.stop()
