"""Appends that wait: for replicas in sync, a leader, a broker. Said, with how long."""

import asyncio
import logging
import time
from typing import Any

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from streamproc.transport.kafka.requests import topic_facts

log = logging.getLogger(__name__)

SLOW_S = 5.0
"""An append that takes longer is spoken of."""

_ASK_S = 3.0


async def awaited(
    sent: "asyncio.Future[Any]", client: AIOKafkaClient, tp: TopicPartition
) -> Any:
    """What an append to a partition returns or raises, however long it takes."""
    started_s = time.monotonic()
    await asyncio.wait({sent}, timeout=SLOW_S)
    if sent.done():
        return sent.result()
    while not sent.done():
        why = await _why(client, tp)
        log.warning(
            "topic %s, partition %d: an append has been waiting for %.0f s: %s",
            *(tp.topic, tp.partition, time.monotonic() - started_s, why),
            extra={"once_per_while": ("delayed", tp, why)},  # another reason is news
        )
        await asyncio.wait({sent}, timeout=SLOW_S)
    log.warning(
        "topic %s, partition %d: the append ended after %.0f s",
        *(tp.topic, tp.partition, time.monotonic() - started_s),
        extra={"once_per_while": ("ended", tp)},
    )
    return sent.result()


async def _why(client: AIOKafkaClient, tp: TopicPartition) -> str:
    """What the brokers tell of the partition, in words."""
    try:
        async with asyncio.timeout(_ASK_S):
            facts = (await topic_facts(client, {tp.topic})).get(tp.topic)
    except (KafkaError, TimeoutError) as exc:
        return f"no broker answers ({str(exc) or type(exc).__name__})"
    if facts is None or tp.partition not in facts.leaders:
        return "it does not exist"
    if facts.leaders[tp.partition] < 0:
        return "it has no leader"
    in_sync, copies = facts.copies[tp.partition]
    return (
        f"{in_sync} of its {copies} replicas are in sync; is the topic's"
        " min.insync.replicas out of reach?"
    )
