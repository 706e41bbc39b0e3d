"""No record ends a worker: what cannot be read is refused, the next one is read."""

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents import polls
from agents.report_collector import Collector
from agents.report_mail import Mail
from streamproc.errors import InvalidInput
from streamproc.report.messages import ALL, LATEST, Order, Request
from streamproc.report.record import COMPLETE
from streamproc.report.wire import INBOX, decode_inbox, decode_order, encode
from streamproc.rules import poll
from streamproc.transport.columns import Headers
from tables import fact_records
from tests import hostile
from tests.agents import fakes
from tests.agents.fakes import NOW_US

IDENTITY = fakes.program().identity
GOOD: tuple[tuple[str, str | int], ...] = (("r1", LATEST), ("last", NOW_US))


def headers_of(kind: str, piece: bytes = b"{}") -> Headers:
    """Headers of a message for the agents of reports."""
    app, rules = IDENTITY.app.encode(), IDENTITY.rules.encode()
    return [("kind", kind.encode()), ("app", app), ("rules", rules), ("piece", piece)]


def refusal_of(read: Any, *arguments: Any) -> str:
    """What a record is refused with, if it is; anything else raised is a fault."""
    try:
        read(*arguments)
    except InvalidInput as exc:
        return str(exc)
    return ""


@given(hostile.records(hostile.POLL))
@settings(max_examples=300, deadline=None)
def test_whatever_is_sent_as_polls_is_read_or_refused(
    values: list[bytes | None],
) -> None:
    """Every record is one or the other, with a reason that fits into one line."""
    given = polls.sort(fakes.program(), fakes.batch(values))
    refused = dict(given.polls.rejected)
    assert sorted([*given.polls.rows.tolist(), *refused]) == list(range(len(values)))
    assert all(exc.reason and len(str(exc)) < 300 for exc in refused.values())


KINDS = {
    "hours": (hostile.HOURS, fact_records.HOURS),
    "zones": (hostile.ZONE, fact_records.ZONES),
    "special-hours": (hostile.SPECIAL_HOURS, fact_records.SPECIAL_HOURS),
    "exclusions": (hostile.EXCLUSION, fact_records.EXCLUSIONS),
    "labels": (hostile.LABELS, fact_records.LABELS),
}


@pytest.mark.parametrize("topic", KINDS)
@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_whatever_is_sent_of_a_store_is_read_or_refused(
    topic: str, data: st.DataObject
) -> None:
    """A fact for the table, or a refusal whose text is short."""
    fields, kind = KINDS[topic]
    for value in data.draw(hostile.records(fields)):
        key = data.draw(
            st.sampled_from([b"42", b"42\0x", b"42\0002026-12-25", b"\xff"])
        )
        assert len(refusal_of(fact_records.read_message, 0, key, value, 0, kind)) < 300


@given(hostile.records(hostile.ORDER))
@settings(max_examples=300, deadline=None)
def test_whatever_is_sent_as_an_order_is_read_or_refused(
    values: list[bytes | None],
) -> None:
    """A bad order does not keep the others from being carried out."""
    good = Order("last", ALL, 1, NOW_US, None)
    headers = dict.fromkeys(range(len(values)), headers_of("order"))
    sent = encode(good, IDENTITY)
    headers[len(values)] = sent.headers
    here = fakes.program()
    mail = Mail(here, fakes.batch([*values, sent.value], headers))
    *_, (_, last) = mail.read(decode_order)
    assert last == good


@given(data=st.data())
@settings(max_examples=200, deadline=None)
async def test_whatever_is_sent_to_the_collector_leaves_it_at_work(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A running report, some hostile messages about it, and then a good request."""
    here = fakes.program(tmp_path_factory.mktemp("reports"))
    collector = Collector(here)
    good = [Request(name, ALL, as_of, NOW_US) for name, as_of in GOOD]
    sent = [encode(request, IDENTITY) for request in good]
    values: list[bytes | None] = [sent[0].value]
    headers: dict[int, Headers] = {0: sent[0].headers}
    for row in range(1, data.draw(st.integers(1, 5)) + 1):
        kind = data.draw(st.sampled_from([*INBOX, "?"]))
        fields = hostile.REQUEST if kind == "request" else hostile.NEWS
        values += data.draw(hostile.records(fields))[:1]
        piece = data.draw(hostile.objects(hostile.PIECE) | hostile.odd_bytes)
        headers[row] = headers_of(kind, piece)
    headers[len(values)] = sent[1].headers
    await collector.handle(fakes.batch([*values, sent[1].value], headers))
    assert "last" in here.reports.kept
    for report in collector.known.all():
        assert report.state == COMPLETE or report.progress_text


def of_a_field(fields: dict[str, bytes], name: str, value: bytes) -> bytes:
    """A good object with one field replaced."""
    row = [b'"%b":%b' % (n.encode(), v) for n, v in {**fields, name: value}.items()]
    return b"{" + b",".join(row) + b"}"


READERS = {
    "polls": (hostile.POLL, lambda value: poll.parse_poll(value, NOW_US)),
    **{
        topic: (
            fields,
            lambda value, kind=kind: fact_records.read_message(
                0, b"42", value, 0, kind
            ),
        )
        for topic, (fields, kind) in KINDS.items()
    },
    "inbox": (
        hostile.REQUEST,
        lambda value: decode_inbox(headers_of("request"), value, IDENTITY),
    ),
    "orders": (
        hostile.ORDER,
        lambda value: decode_order(headers_of("order"), value, IDENTITY),
    ),
}


@pytest.mark.parametrize("depth", [100, *hostile.DEPTHS])
@pytest.mark.parametrize(
    ("topic", "field"),
    [(topic, name) for topic, (fields, _) in READERS.items() for name in fields],
)
def test_two_thousand_brackets_are_refused_in_one_line(
    topic: str, field: str, depth: int
) -> None:
    """Alone or as any field's value: wording the refusal was a RecursionError.

    Not by Hypothesis, which raises the interpreter's limit of recursion.
    """
    fields, read = READERS[topic]
    deep = hostile.nested(depth)
    for value in (deep, of_a_field(fields, field, deep)):
        assert 0 < len(refusal_of(read, value)) < 300


def test_a_poll_that_takes_too_much_memory_is_refused_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its neighbours are counted."""
    loads = orjson.loads

    def starved(value: bytes) -> Any:
        if b"huge" in value:
            raise MemoryError
        return loads(value)

    monkeypatch.setattr(orjson, "loads", starved)
    good = b'{"store_id":"\\u0061","timestamp_utc":"2023-01-25 11:00:00 UTC"'
    values: list[bytes | None] = [good + b',"status":"active"}', b'{"store_id":"huge"}']
    given = polls.sort(fakes.program(), fakes.batch(values))
    assert given.polls.rows.tolist() == [0]
    assert [(row, exc.reason) for row, exc in given.polls.rejected] == [
        (1, "unreadable")
    ]
