"""A topic as it is to be created, on either broker."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic as it is to be created; retention None keeps records for ever."""

    name: str
    partitions: int
    retention_ms: int | None = None
    compacted: bool = False
