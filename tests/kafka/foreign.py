"""Producers that are not ours: librdkafka, with all that it can do to a topic."""

import asyncio
import itertools
from collections.abc import Sequence

from confluent_kafka import Producer

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
PARTITIONERS = (
    "random",
    "consistent",
    "consistent_random",
    "murmur2",
    "murmur2_random",
    "fnv1a",
    "fnv1a_random",
)
KINDS = list(itertools.product(CODECS, PARTITIONERS))
FLUSH_S = 60.0


class Foreign:
    """Each run of polls goes through another codec and partitioner, some keyless."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._kinds = itertools.cycle(KINDS)
        self._numbers = itertools.count()

    async def publish(
        self,
        topic: str,
        keys: Sequence[bytes],
        values: Sequence[bytes],
        *,
        runs: int = 5,
    ) -> None:
        """Publish, in several runs; returns when all are delivered."""
        step = max(len(keys) // runs, 1)
        for start in range(0, len(keys), step):
            chosen = slice(start, start + step)
            await asyncio.to_thread(self._run, topic, keys[chosen], values[chosen])

    async def take_back(
        self, topic: str, keys: Sequence[bytes], values: Sequence[bytes]
    ) -> None:
        """Publish in a transaction, and abort it."""
        await asyncio.to_thread(self._aborted, topic, keys, values)

    def _run(self, topic: str, keys: Sequence[bytes], values: Sequence[bytes]) -> None:
        codec, partitioner = next(self._kinds)
        producer = self._producer(codec, partitioner=partitioner)
        keyless = next(self._numbers) % 3 == 2
        self._send(producer, topic, [] if keyless else keys, values)

    def _aborted(
        self, topic: str, keys: Sequence[bytes], values: Sequence[bytes]
    ) -> None:
        name = f"{topic}-{next(self._numbers)}"
        producer = self._producer("zstd", **{"transactional.id": name})
        producer.init_transactions(FLUSH_S)
        producer.begin_transaction()
        self._send(producer, topic, keys, values)
        producer.abort_transaction(FLUSH_S)

    def _producer(self, codec: str, **more: str) -> Producer:
        return Producer(
            {
                "bootstrap.servers": self._bootstrap,
                "compression.type": codec,
                "linger.ms": 5,
                **more,
            }
        )

    def _send(
        self,
        producer: Producer,
        topic: str,
        keys: Sequence[bytes],
        values: Sequence[bytes],
    ) -> None:
        for key, value in itertools.zip_longest(keys, values):
            while True:
                try:
                    producer.produce(topic, value, key)
                except BufferError:
                    producer.poll(0.1)  # its queue is full
                else:
                    break
        assert producer.flush(FLUSH_S) == 0
