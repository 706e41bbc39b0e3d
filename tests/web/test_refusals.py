"""What is unknown or cannot be is refused in words; probes and metrics answer."""

import pytest

from tests.web.live_site import LiveSite


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/stores/nobody",
        "/api/v1/stores/nobody/timeline",
        "/api/v1/stores/nobody/polls",
        "/api/v1/tables/nothing",
        "/api/v1/reports/nothing",
        "/get_report?report_id=nothing",
        "/reports/nothing.csv",
        "/reports/..%2f..%2fetc%2fpasswd.csv",
        "/api/v1/nothing",
        "/nothing",
    ],
)
def test_what_is_unknown_is_a_404_that_says_so(site: LiveSite, path: str) -> None:
    """Never a thing with zeros."""
    answer = site.get(path)
    assert answer.status == 404
    assert answer.json["message"]


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/api/v1/stores?page=0", "bad-page"),
        ("/api/v1/stores?page=abc", "bad-page"),
        ("/api/v1/stores?per_page=501", "bad-per_page"),
        ("/api/v1/stores?sort=secret", "bad-sort"),
        ("/api/v1/stores?order=up", "bad-order"),
        ("/api/v1/stores?now=nowhere", "bad-now"),
        ("/api/v1/stores?as_of=yesterday", "bad-as-of"),
        ("/api/v1/stores?as_of=2025-05-32", "bad-as-of"),
        ("/api/v1/stores?as_of=9999-12-31T23:59:59-12:00", "bad-as-of"),
        ("/api/v1/stores/alpha?as_of=9999-12-31T23:59:59Z", "bad-as-of"),
        ("/api/v1/stores/alpha?as_of=1970-01-01T00:00:00Z", "bad-as-of"),
        ("/api/v1/stores?q=" + "x" * 129, "bad-q"),
        ("/api/v1/stores/" + "x" * 129, "long-store-id"),
        ("/api/v1/stores/a%00b", "bad-store-id"),
        ("/api/v1/tables/hours?after=zz", "bad-after"),
        ("/get_report", "no-report-id"),
        ("/stores/alpha/badge.svg?window=year", "bad-window"),
    ],
)
def test_a_parameter_that_cannot_be_is_refused(
    site: LiveSite, path: str, error: str
) -> None:
    """Each is a 400 that names the parameter."""
    answer = site.get(path)
    assert (answer.status, answer.json["error"]) == (400, error)


def test_a_wrong_method_names_the_right_ones(site: LiveSite) -> None:
    """405 with Allow; HEAD is answered wherever GET is."""
    answer = site.ask("DELETE", "/api/v1/stores/alpha")
    assert (answer.status, answer.headers["Allow"]) == (405, "GET,HEAD")
    head = site.ask("HEAD", "/api/v1/stores/alpha")
    assert (head.status, head.body) == (200, b"")


# -- for operators -----


def test_health_ready_and_metrics_tell_how_it_is(site: LiveSite) -> None:
    """Alive, ready, and counted."""
    assert site.get("/health").json == {"status": "alive"}
    assert site.get("/ready").json == {"status": "ready"}
    text = site.get("/metrics").text
    for name in (
        'streamproc_polls_total{outcome="accepted"}',
        'streamproc_lag_records{partition="0",topic="store-polls"} 0.0',
        'streamproc_lag_seconds{partition="0",topic="store-polls"} 0.0',
        'streamproc_table_keys{partition="0",table="histories"}',
        "streamproc_recovery_remaining_records 0.0",
        "streamproc_ready 1.0",
        "streamproc_batch_seconds_bucket",
        "streamproc_report_seconds",
    ):
        assert name in text
