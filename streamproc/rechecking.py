"""Whether a refused record would be accepted now, by its topic's rules."""

from collections.abc import Callable
from functools import partial

from streamproc.rules.poll import parse_poll
from streamproc.topics import Topics
from streamproc.transport.topic import Topic
from tables import fact_records
from tables.fact_records import Kind

Check = Callable[[bytes | None, bytes | None], bytes]
"""From a record's key and value to its key; raises InvalidInput when it is refused."""


def checks(topics: Topics, now_us: int) -> tuple[tuple[Topic, Check], ...]:
    """Every topic of the input with its check."""
    kinds = (
        (topics.hours, fact_records.HOURS),
        (topics.zones, fact_records.ZONES),
        (topics.special_hours, fact_records.SPECIAL_HOURS),
        (topics.exclusions, fact_records.EXCLUSIONS),
        (topics.labels, fact_records.LABELS),
    )
    return (
        (topics.polls, partial(_poll_key, now_us)),
        *((topic, partial(_fact_key, kind)) for topic, kind in kinds),
    )


def _poll_key(now_us: int, _: bytes | None, value: bytes | None) -> bytes:
    return parse_poll(value, now_us).store_id.encode()


def _fact_key(kind: Kind, key: bytes | None, value: bytes | None) -> bytes:
    return fact_records.read_message(0, key, value, 0, kind).record_key
