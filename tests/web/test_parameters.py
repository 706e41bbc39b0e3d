"""Parameters of the API: read strictly, named when they are not known."""

import pytest

from streamproc.web.parameters import AS_OF, FORMAT, PAGE, Choice, Key, Text, Whole
from streamproc.web.refusal import Refusal
from tests.web.live_site import LiveSite


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/api/v1/stores?per_pages=3", "did you mean per_page?"),
        ("/api/v1/stores?asof=now", "did you mean as_of?"),
        ("/api/v1/stores/alpha?windows=day", "there is as_of, format."),
        ("/stores/alpha/badge.svg?windows=day", "did you mean window?"),
        ("/api/v1/tables?x=1", "none is."),
        ("/combined_report.csv?format=csv", "none is."),
    ],
)
def test_an_unknown_parameter_is_an_error_that_names_it(
    site: LiveSite, path: str, told: str
) -> None:
    """A filter with a typing error would answer something else than was asked."""
    answer = site.get(path)
    assert answer.status == 400
    assert answer.json["error"] == "unknown-parameter"
    assert answer.json["message"].endswith(told)
    name = path.partition("?")[2].partition("=")[0]
    assert repr(name) in answer.json["message"]


@pytest.mark.parametrize(
    ("path", "told"),
    [
        (
            "incidents?min_down=-1",
            "min_down is '-1', expected a whole number from 0 to",
        ),
        ("incidents?page=0", "page is '0', expected a whole number from 1 to 1000000."),
        (
            "periods/month:2026-10?zone=Chicago",
            "zone is 'Chicago', not a name of the tz database; did you mean"
            " America/Chicago?",
        ),
        ("periods/2025-05", "did you mean month:2025-05?"),
    ],
)
def test_a_refusal_names_the_parameter_and_what_it_may_be(
    site: LiveSite, path: str, told: str
) -> None:
    """In a sentence that ends once, as a question where it is one."""
    answer = site.get(f"/api/v1/{path}")
    assert answer.status == 400
    assert told in answer.json["message"]
    assert not answer.json["message"].endswith("?.")


def test_a_parameter_that_is_given_twice_is_an_error(site: LiveSite) -> None:
    """Nobody can tell which of them is meant."""
    answer = site.get("/api/v1/stores?page=1&page=2")
    assert (answer.status, answer.json["error"]) == (400, "repeated-parameter")


def test_pages_for_people_take_links_with_more_in_them(site: LiveSite) -> None:
    """Mail and chat programs add their own parameters to a link."""
    assert site.get("/?utm_source=mail", Accept="text/html").status == 200


@pytest.mark.parametrize(
    "query",
    [
        b"q=%ff",
        b"q=%ed%a0%80",
        b"q=\xff",
        b"q=%00",
        b"prefix=\xff",
        b"prefix=%ff",
        b"prefix=%ed%a0%80",
        b"after=%ef%bc%91%ef%bc%92",
        b"after=ab%20cd",
        b"after=abc",
        b"as_of=%ff",
        b"as_of=\xff",
        b"as_of=" + b"9" * 400,
        b"as_of=-1",
        b"page=%d9%a1",
        b"page=1e3",
        b"page=999999999999",
        b"per_page=0",
        b"limit=501",
        b"sort=%ff",
        b"reason=\xff",
        b"id=\xff",
        b"id=%ff",
        b"id=" + b"a" * 4000,
        b"report_id=%ff",
        b"report_id=\xff",
        b"next=%ff",
        b"next=//evil.example",
        b"window=\xff",
        b"\xff=1",
        b"%ff=1",
        b"=1",
        b"&&&",
        b"q=" + b"%F0%9F%98%80" * 200,
    ],
)
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_no_query_breaks_the_server(site: LiveSite, query: bytes, accept: str) -> None:
    """Whatever bytes it has, on every route that a browser can ask."""
    for path in (
        "/",
        "/find",
        "/stores",
        "/stores.csv",
        "/store",
        "/stores/alpha",
        "/stores/%ff",
        "/tables/hours",
        "/reports",
        "/rejected",
        "/incidents",
        "/system",
        "/connect",
        "/login",
        "/get_report",
        "/combined_report.csv",
        "/stores/alpha/badge.svg",
        "/api/v1/overview",
        "/api/v1/stores",
        "/api/v1/stores/alpha/polls",
        "/api/v1/tables/histories",
        "/api/v1/rejected",
        "/api/v1/reports",
    ):
        status = site.raw(path.encode() + b"?" + query, accept)
        assert status < 500, path


@pytest.mark.parametrize(
    ("parameter", "text"),
    [
        (PAGE, "0"),
        (PAGE, "\N{SUPERSCRIPT TWO}"),
        (Whole("n", 1, 1, 10), "11"),
        (Choice("c", ("a", "b")), "c"),
        (Text("t"), "x" * 129),
        (Key(), "AB C"),
        (AS_OF, "yesterday"),
        (FORMAT, "xml"),
    ],
)
def test_a_value_out_of_bounds_is_a_refusal(
    parameter: Whole | Choice | Text | Key, text: str
) -> None:
    """400 with the parameter's name in its code."""
    with pytest.raises(Refusal) as refused:
        parameter.read({parameter.name: text})
    assert refused.value.status == 400
    assert refused.value.code == f"bad-{parameter.name}".replace("_", "-")


def test_what_is_left_out_has_its_default() -> None:
    """And an empty value is one that was left out, as a form sends it."""
    for query in ({}, {"page": "", "format": "", "as_of": ""}):
        assert PAGE.read(query) == 1
        assert FORMAT.read(query) == "json"
        assert AS_OF.read(query) == "now"
