"""An event's record: what is written is what is read, and what is none is refused."""

import sys
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamproc.errors import InvalidInput
from streamproc.events import (
    Event,
    Suspect,
    decode_event,
    encode_event,
    event_id,
    suspect_id,
)
from streamproc.rules.suspicion import FLEET
from streamproc.rules.transitions import KINDS
from tests.doc_code import code_in

IDS = st.text(min_size=1, max_size=8)
TIMES = st.integers(0, 4_000_000_000_000_000)
AMOUNTS = st.integers(0, 10**14)
LABELS = st.dictionaries(IDS, IDS, max_size=3)
OPTIONAL = st.none() | IDS
EVENTS = st.builds(
    Event,
    id=IDS,
    store_id=IDS,
    kind=st.sampled_from(sorted(KINDS)),
    at_us=TIMES,
    since_us=TIMES,
    incident=OPTIONAL,
    down_us=st.none() | AMOUNTS,
    name=OPTIONAL,
    labels=LABELS,
)
COUNTS = st.integers(0, 10**6)
SUSPECTS = st.builds(
    Suspect,
    id=IDS,
    at_us=TIMES,
    since_us=TIMES,
    silent=COUNTS,
    down=COUNTS,
    expected=COUNTS,
    labels=LABELS,
)


@given(EVENTS | SUSPECTS)
def test_an_event_is_read_as_it_was_written(event: Event | Suspect) -> None:
    """To the microsecond; what is not known stays unknown."""
    assert decode_event(encode_event(event)) == event


def test_the_names_of_what_is_told_tell_apart_what_is_not_the_same() -> None:
    """What is told again after it was taken back; of which stores it is suspected."""
    names = {
        event_id(store, kind, at_us, again)
        for store in ("a", "b")
        for kind in ("down", "up")
        for at_us in (1, 2)
        for again in (0, 1, 2)
    }
    groups = (FLEET, ("poller", "p1"), ("poller", "p2"), ("region", "p1"))
    names |= {suspect_id(group, at_us) for group in groups for at_us in (1, 2)}
    assert len(names) == 2 * 2 * 2 * 3 + 4 * 2
    assert event_id("7", "down", 0) == "7@1970-01-01T00:00:00Z/down"
    assert suspect_id(FLEET, 0) == "*@1970-01-01T00:00:00Z/suspect"


@pytest.mark.parametrize(
    "value",
    [
        *(None, b"", b"{", b"[]", b"7", b'"down"', b"{}", b'{"kind":"down"}'),
        b'{"kind":"on fire","id":"1","store_id":"a","at":"2026-11-23T12:00:00Z"}',
        b'{"kind":"down","id":"1","store_id":"a","at":7,"since":8}',
        b"[" * 2_000 + b"]" * 2_000,
    ],
)
def test_what_is_no_event_is_refused(value: bytes | None) -> None:
    """Never anything else than a refusal: it is a topic that others can write, too."""
    with pytest.raises(InvalidInput) as caught:
        decode_event(value)
    assert caught.value.reason in ("bad-event", "bad-timestamp")
    assert len(str(caught.value)) < 300


class Consumer:
    """Stands for Confluent's: hands out what a topic may hold, then ends."""

    def __init__(self, settings: dict[str, str]) -> None:
        down = Event("7@x/down", "7", "down", 10**15, 10**15)
        suspect = Suspect("*@x", 10**15, 10**15, 20, 0, 20)
        values = [encode_event(one) for one in (down, suspect, down)]
        self._records = [_record(b"broker away", "error"), *map(_record, values)]
        assert settings["group.id"]

    def subscribe(self, topics: list[str]) -> None:
        """To the one topic."""
        assert topics == ["store-events"]

    def poll(self) -> SimpleNamespace | None:
        """The next one."""
        return self._records.pop(0) if self._records else None


def _record(value: bytes, error: str | None = None) -> SimpleNamespace:
    return SimpleNamespace(value=lambda: value, error=lambda: error)


def test_the_consumer_in_the_documents_has_ten_lines_and_tells_each_event_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Repeated ones and errors of the broker are left out."""
    code = code_in("topics.md")
    assert len([line for line in code.splitlines() if line.strip()]) == 10
    monkeypatch.setitem(
        sys.modules, "confluent_kafka", SimpleNamespace(Consumer=Consumer)
    )
    exec(code, {})
    since = "since 2001-09-09T01:46:40Z"
    assert capsys.readouterr().out == f"down 7 {since}\nsuspect * {since}\n"
