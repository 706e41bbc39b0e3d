"""What is posted: a list of events, or a text for people; and its signature."""

import hashlib
import hmac
import json

import pytest

from streamproc.events import Suspect
from streamproc.rules.units import MINUTE_US
from streamproc.webhook.posts import Told, body_of, headers_of, text_of
from tests.webhook.events import NOON_US, down, silent, up

P3 = {"poller": "p3", "region": "West"}
SUSPECT = Suspect("s", NOON_US, NOON_US - MINUTE_US, 40, 5, 60, {"poller": "p3"})


def test_json_is_a_list_of_all_events() -> None:
    """However many: who reads it by program wants each of them."""
    events = [down(f"s{number}") for number in range(100)]
    told = json.loads(body_of(events, "json"))
    assert [one["store_id"] for one in told] == [f"s{number}" for number in range(100)]


def test_slack_is_a_text_with_a_line_an_event() -> None:
    """Names where there are some; markup is none."""
    events = [down("7", name="Main <Street>"), up("7"), silent("8")]
    (name, text), *rest = json.loads(body_of(events, "slack")).items()
    assert (name, rest) == ("text", [])
    assert text.splitlines() == [
        "Main &lt;Street&gt; (7) is down, since 2025-11-25 12:00 UTC",
        "7 is up again after 60 min down",
        "8 is silent, last heard 2025-11-25 11:00 UTC",
    ]


def test_more_than_20_become_one_line_a_kind() -> None:
    """With the labels that all of them have."""
    some = [
        silent(f"s{number}", labels={**P3, "size": str(number)}) for number in range(45)
    ]
    assert text_of(some) == "45 stores silent, all poller=p3, region=West"
    assert len(text_of(some[:20]).splitlines()) == 20
    mixed = [*some, down("x"), down("y")]
    assert text_of(mixed).splitlines()[1] == "2 stores down"


def test_a_suspicion_has_a_line_of_its_own() -> None:
    """Whatever else is told."""
    events: list[Told] = [SUSPECT, *(silent(f"s{number}") for number in range(45))]
    assert text_of(events).splitlines() == [
        "45 of 60 stores with poller=p3 silent or down at once since 2025-11-25 11:59"
        " UTC: is it what polls them that is broken?",
        "45 stores silent",
    ]


def test_the_signature_is_over_time_and_body() -> None:
    """HMAC-SHA256 of the timestamp, a dot and the body, under the secret."""
    headers = headers_of(b"[]", "hush", 1_764_072_000)
    expected = hmac.new(b"hush", b"1764072000.[]", hashlib.sha256).hexdigest()
    assert headers["X-Streamproc-Timestamp"] == "1764072000"
    assert headers["X-Streamproc-Signature"] == f"sha256={expected}"


@pytest.mark.parametrize("secret", ["", "hush"])
def test_without_a_secret_there_is_no_signature(secret: str) -> None:
    """Rather none than one that means nothing."""
    assert ("X-Streamproc-Signature" in headers_of(b"", secret, 1)) == bool(secret)
