"""A topic as it is to be created, on either broker."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic as it is to be created; retention None keeps records for ever.

    ``append_time``: retention goes by when the broker got a record, not by the time
    that its producer gave it. The embedded log always does so.
    """

    name: str
    partitions: int
    retention_ms: int | None = None
    compacted: bool = False
    append_time: bool = False
