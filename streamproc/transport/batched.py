"""Batched topics: how Faust delivers and commits whole ``Batch``es.

A batched topic needs one agent with concurrency 1.
"""

from typing import Any

from faust import Schema
from faust.types import TP
from faust.types.tuples import ConsumerMessage

from streamproc.transport import internals
from streamproc.transport.batch import Batch, Record
from streamproc.transport.topic import Topic


class BatchSchema(Schema):
    """Hands a batch through as it is: keys and values stay bytes."""

    def loads_key(self, app: Any, message: Any, **kwargs: Any) -> None:
        """A batch has no single key."""

    def loads_value(self, app: Any, message: Any, **kwargs: Any) -> Any:
        """Return the batch itself."""
        return message.value


def expect_partitions(app: Any, topic: Topic) -> None:
    """Have the app's consumer stop when a topic gets another number of partitions."""
    expected_topics(app)[topic.name] = topic


def expected_topics(app: Any) -> dict[str, Topic]:
    """The topics whose number of partitions must not change, by name."""
    found: dict[str, Topic] = app.__dict__.setdefault("_expected_topics", {})
    return found


def declare_batched(app: Any, topic: str) -> None:
    """Ask the app's transport to deliver ``topic`` in batches."""
    batched_topics(app).add(topic)


def batched_topics(app: Any) -> set[str]:
    """Names of the app's batched topics; empty for an app that has none."""
    names: set[str] = app.__dict__.setdefault("_batched_topics", set())
    return names


class BatchedConsumer:
    """Mixin for a Faust consumer: how batches are delivered and committed.

    Faust commits up to the first gap between acked offsets, and learns of gaps
    an interval late; with batches every offset jump would be one. A batched
    topic's single agent acks in order, so the last acked batch says it all.
    """

    app: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        internals.check(self)

    def committed_offset(self, tp: TP) -> int | None:
        """The offset this worker has committed or found committed; None for none."""
        return internals.committed_offset(self, tp)

    def delivered_offset(self, tp: TP) -> int | None:
        """The offset last handed to an agent, or sought; None for none."""
        return internals.delivered_offset(self, tp)

    def _new_offset(self, tp: TP) -> int | None:
        if tp.topic not in batched_topics(self.app):
            offset: int | None = super()._new_offset(tp)  # type: ignore[misc]
            return offset
        newest = internals.take_acked(self, tp)
        return None if newest is None else newest + 1

    def _to_message(self, tp: TP, record: Batch | Record) -> ConsumerMessage:
        key, value = (
            (None, record) if isinstance(record, Batch) else (record.key, record.value)
        )
        return ConsumerMessage(
            tp.topic,
            tp.partition,
            record.offset,
            record.timestamp / 1000,
            0,
            record.headers,
            key,
            value,
            None,
            0,
            0,
            tp,
            generation_id=self.app.consumer_generation_id,
        )

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        if tp.topic not in batched_topics(self.app):
            await super()._add_gap(tp, offset_from, offset_to)  # type: ignore[misc]
