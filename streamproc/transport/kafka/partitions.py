"""Partitions as aiokafka names them, and as Faust does."""

from collections.abc import Iterable, Mapping

from aiokafka import TopicPartition
from faust.types import TP


def theirs(partitions: Iterable[TP]) -> list[TopicPartition]:
    """Partitions as aiokafka names them, in their order."""
    return [TopicPartition(tp.topic, tp.partition) for tp in partitions]


def ours(offsets: Mapping[TopicPartition, int]) -> dict[TP, int]:
    """Offsets that aiokafka tells, by partition as Faust names it."""
    return {TP(tp.topic, tp.partition): offset for tp, offset in offsets.items()}
