"""A refused record as the API tells of it."""

from dataclasses import dataclass
from typing import Annotated

from streamproc import rejected
from streamproc.errors import plain
from streamproc.rejected import Rejected
from streamproc.report.record import time_text
from streamproc.web.rejected.reader import SHOWN_BYTES
from streamproc.web.shapes import OneOf


@dataclass(frozen=True, slots=True)
class RejectedRecord:
    """A refused record; without partition and offset when it was on no topic.

    ``value``: its start. ``count``: how many rows of ``file`` were refused like it.
    """

    time: str
    door: Annotated[str, OneOf((rejected.TOPIC, rejected.GATEWAY, rejected.LOAD))]
    reason: str
    message: str
    topic: str
    partition: str
    offset: str
    file: str
    count: int
    value: str


@dataclass(frozen=True, slots=True)
class RejectedAnswer:
    """The newest refused records; ``kept``: how many there are in all."""

    kept: int
    reasons: dict[str, int]
    records: list[RejectedRecord]


def record_of(one: Rejected) -> RejectedRecord:
    """A refused record as the API tells of it."""
    on_a_topic = one.offset != rejected.NONE
    return RejectedRecord(
        time_text(one.time_ms * 1000),
        one.door,
        one.reason,
        one.message,
        one.topic,
        str(one.partition) if on_a_topic else "",
        str(one.offset) if on_a_topic else "",
        one.file,
        one.count,
        value_text(one),
    )


def text_of(one: Rejected) -> str:
    """A value as the text it is edited as."""
    return (one.value or b"").decode(errors="replace")


def value_text(one: Rejected) -> str:
    """The start of a value as text, and how long it is when that is not all."""
    if one.value is None:
        return "(no value)"
    text = plain(one.value[:SHOWN_BYTES].decode("utf-8", "backslashreplace"))
    return text + (f" … ({one.size} bytes)" if one.size > SHOWN_BYTES else "")
