"""No record ends a worker: what cannot be read is refused, the next one is read."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import orjson
import pytest
from faust.types import TP
from hypothesis import given, settings
from hypothesis import strategies as st

from agents import polls, report_rows, stores
from agents.report_collector import Collector
from streamproc import topics
from streamproc.cells import Cells
from streamproc.errors import InvalidInput
from streamproc.metrics import Metrics
from streamproc.report import record
from streamproc.report.files import ReportFiles
from streamproc.report.record import COMPLETE
from streamproc.rules import poll
from streamproc.settings import Settings
from streamproc.transport.batch import Batch
from streamproc.transport.columns import Columns, Headers
from tests import hostile

NOW_US = 1_674_648_000_000_000
ONE_PARTITION = Settings(partitions=1)


def batch(
    values: list[bytes | None], headers: dict[int, Headers] | None = None
) -> Batch:
    """Records of partition 0, all with the key ``42``."""
    count = len(values)
    return Batch(
        TP("topic", 0),
        Columns(
            np.arange(count),
            np.zeros(count, np.int64),
            Cells.of([b"42"] * count),
            Cells.of(values),
            headers or {},
        ),
    )


class Producer:
    """Stands for Faust's: remembers the values it was given, by topic."""

    def __init__(self) -> None:
        self.sent: dict[str, list[Any]] = {}

    async def append_batch(
        self, topic: str, partition: int, keys: Any, values: Any, headers: Any = None
    ) -> None:
        """Note what is sent."""
        self.sent.setdefault(topic, []).extend(values)


class Reports:
    """Stands for the table of reports: keeps what can be written."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes | None] = {}

    def require(self, partition: int) -> None:
        """Be there."""

    def all(self) -> list[record.Report]:
        """No report of before."""
        return []

    async def save(self, changes: dict[str, record.Report | None]) -> None:
        """Write as the real one does."""
        for name, report in changes.items():
            self.kept[name] = None if report is None else record.encode(report)


def program(files: Any = None) -> Any:
    """What the agents need of a program, on one partition."""
    producer = Producer()
    return SimpleNamespace(
        app=SimpleNamespace(producer=producer, consumer_generation_id=1),
        settings=ONE_PARTITION,
        topics=topics.topics_for(ONE_PARTITION),
        metrics=Metrics(),
        reports=Reports(),
        report_files=files,
        worker_id="me",
        now_us=lambda: NOW_US,
    )


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
    given = polls.sort(program(), batch(values))
    refused = dict(given.polls.rejected)
    assert sorted([*given.polls.rows.tolist(), *refused]) == list(range(len(values)))
    assert all(exc.reason and len(str(exc)) < 300 for exc in refused.values())


@given(hostile.records(hostile.HOURS), st.sampled_from([stores._hours, stores._zone]))
@settings(max_examples=300, deadline=None)
def test_whatever_is_sent_as_hours_or_zone_is_read_or_refused(
    values: list[bytes | None], read: stores.Read
) -> None:
    """A value for the table, or a refusal whose text is short."""
    for value in values:
        assert len(refusal_of(stores.read_message, b"42", value, read)) < 300


@given(hostile.records(hostile.ZONE))
@settings(max_examples=200, deadline=None)
def test_whatever_is_sent_as_a_zone_is_read_or_refused(
    values: list[bytes | None],
) -> None:
    """The same of messages that are nearly zones."""
    for value in values:
        assert len(refusal_of(stores.read_message, b"42", value, stores._zone)) < 300


@given(hostile.records(hostile.ORDER))
@settings(max_examples=300, deadline=None)
def test_whatever_is_sent_as_an_order_is_read_or_refused(
    values: list[bytes | None],
) -> None:
    """A bad order does not keep the others from being carried out."""
    good = record.encode_order(record.Order("last", "all", 1, NOW_US, None))
    orders, refused = report_rows._orders(batch([*values, good]))
    assert orders[-1].report_id == "last"
    assert all(len(str(exc)) < 100_000 for _, exc in refused)


KINDS = ("request", "survey", "waiting", "failed", "retry", "expire", "rows", "?")
piece_headers = st.fixed_dictionaries(
    {},
    optional={
        name: st.just(b"0") | st.binary(max_size=5) | st.just(b"9" * 30)
        for name in ("attempt", "partition", "piece", "rows", "last")
    },
)


@given(data=st.data())
@settings(max_examples=200, deadline=None)
async def test_whatever_is_sent_to_the_collector_leaves_it_at_work(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A running report, some hostile messages about it, and then a good request."""
    files = ReportFiles(tmp_path_factory.mktemp("reports"))
    here = program(files)
    collector = Collector(here)
    running = record.encode_request(record.Request("r1", "all", "latest", NOW_US))
    values: list[bytes | None] = [running]
    headers: dict[int, Headers] = {0: [("kind", b"request")]}
    for row in range(1, data.draw(st.integers(1, 5)) + 1):
        kind = data.draw(st.sampled_from(KINDS))
        fields = hostile.REQUEST if kind == "request" else hostile.NEWS
        values += data.draw(hostile.records(fields))[:1]
        more = data.draw(piece_headers) if kind == "rows" else {}
        headers[row] = [("kind", kind.encode()), *more.items()]
    last = record.encode_request(record.Request("last", "all", NOW_US, NOW_US))
    headers[len(values)] = [("kind", b"request")]
    await collector.handle(batch([*values, last], headers))
    assert here.reports.kept["last"] is not None
    for report in collector.reports():
        assert report.state == COMPLETE or report.progress_text


def of_a_field(fields: dict[str, bytes], name: str, value: bytes) -> bytes:
    """A good object with one field replaced."""
    row = [b'"%b":%b' % (n.encode(), v) for n, v in {**fields, name: value}.items()]
    return b"{" + b",".join(row) + b"}"


READERS = {
    "polls": (hostile.POLL, lambda value: poll.parse_poll(value, NOW_US)),
    "hours": (
        hostile.HOURS,
        lambda value: stores.read_message(b"42", value, stores._hours),
    ),
    "zones": (
        hostile.ZONE,
        lambda value: stores.read_message(b"42", value, stores._zone),
    ),
    "inbox": (hostile.REQUEST, record.decode_request),
    "orders": (hostile.ORDER, record.decode_order),
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
    given = polls.sort(program(), batch(values))
    assert given.polls.rows.tolist() == [0]
    assert [(row, exc.reason) for row, exc in given.polls.rejected] == [
        (1, "unreadable")
    ]
