"""An event's record: what is written is what is read, and what is none is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamproc.errors import InvalidInput
from streamproc.events import Event, Suspect, decode_event, encode_event
from streamproc.rules.transitions import KINDS

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
