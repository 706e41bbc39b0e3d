"""The client of a Kafka cluster."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, NodeNotReadyError
from aiokafka.structs import OffsetAndMetadata
from faust.types import TP

from streamproc.errors import BrokerUnavailableError
from streamproc.transport.batch import Batch
from streamproc.transport.columns import Headers
from streamproc.transport.kafka import admin, append
from streamproc.transport.kafka.internals import clients, fetching
from streamproc.transport.kafka.partitions import ours, theirs
from streamproc.transport.kafka.records import Damage, batches
from streamproc.transport.kafka.refusals import is_denied, translated
from streamproc.transport.kafka.security import addresses, connection
from streamproc.transport.options import BrokerOptions
from streamproc.transport.partitioner import by_partition, places_for
from streamproc.transport.topic import Topic

REQUEST_TIMEOUT_S = 30.0
_READ_RECORDS = 10_000
_FETCH_BYTES = 8 << 20


class _Overheard(logging.Handler):
    """Listens to aiokafka, which logs why it cannot connect and raises that not."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.last: str | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Remember the line."""
        self.last = record.getMessage()

    def __enter__(self) -> None:
        logging.getLogger("aiokafka").addHandler(self)

    def __exit__(self, *_: object) -> None:
        logging.getLogger("aiokafka").removeHandler(self)


class KafkaClient:
    """Implements ``transport.client.Client`` on a cluster.

    Producer, consumer and admin client are started when they are first needed.
    """

    def __init__(self, options: BrokerOptions) -> None:
        self._options = options
        self._connection = connection(options)
        self._admin: AIOKafkaAdminClient | None = None
        self._producer: AIOKafkaProducer | None = None
        self._consumer: AIOKafkaConsumer | None = None
        self._starting = asyncio.Lock()
        self._positions: dict[TP, int] = {}

    @classmethod
    async def connect(cls, options: BrokerOptions) -> "KafkaClient":
        """Connect once; raises BrokerUnavailableError when nothing answers."""
        client = cls(options)
        said = _Overheard()
        try:
            with said:
                await client.admin_client()
        except (KafkaError, OSError) as exc:
            await client.close()
            where = ", ".join(addresses(options))
            why = said.last or exc
            raise BrokerUnavailableError(
                f"no broker lets us in: {where}: {why}"
            ) from exc
        return client

    async def create_topics(self, topics: Iterable[Topic]) -> None:
        """Create what is missing; raise TopicMismatchError where one differs."""
        with self._told("topics cannot be created"):
            await admin.create(await self.admin_client(), topics, self._options)

    async def check_access(self, topics: Iterable[Topic]) -> None:
        """Raise AccessDeniedError unless a worker may read them and find its group.

        Afterwards the group has a coordinator; the first group of a cluster has none.
        """
        group = self._options.app_id
        with self._told(f"group {group} cannot be joined", group):
            await admin.settle_group(await self.admin_client(), group)
            names = [topic.name for topic in topics]
            await admin.check_readable((await self._start_producer()).client, names)

    @contextmanager
    def _told(self, what: str, group: str = "") -> Iterator[None]:
        """Raise AccessDeniedError where that is it, else say that a broker is away."""
        said = _Overheard()
        try:
            with said:
                yield
        except (KafkaError, OSError, TimeoutError) as exc:
            if isinstance(exc, KafkaError) and is_denied(exc):
                raise translated(exc, group=group) from exc
            why = str(exc) or "some partitions have no leader"
            if isinstance(exc, NodeNotReadyError):
                why = self._unreachable(said.last or why)
            raise BrokerUnavailableError(f"{what}: {why}") from exc

    def _unreachable(self, why: str) -> str:
        """Which addresses the brokers themselves have told, and what comes of them."""
        told = ", ".join(sorted(clients.told_addresses(self._admin)))
        if not told:
            return f"no broker of the cluster is up yet, or up again: {why}"
        return (
            f"the brokers say that they are reached at {told}, and they are not: {why};"
            " their advertised.listeners must name addresses that this machine can"
            " reach"
        )

    async def publish(
        self,
        topic: Topic,
        keys: Sequence[bytes | None],
        values: Sequence[bytes | None],
        headers: Mapping[int, Headers] | None = None,
        partitions: Sequence[int] | None = None,
    ) -> None:
        """Append records, partitioned by key; returns when they are durable."""
        producer = await self._start_producer()
        given = headers or {}
        if partitions is None:
            partitions = places_for(keys, topic.partitions).tolist()
        await asyncio.gather(
            *(
                append.append(
                    producer,
                    topic.name,
                    partition,
                    [keys[row] for row in rows],
                    [values[row] for row in rows],
                    {at: given[row] for at, row in enumerate(rows) if row in given},
                )
                for partition, rows in by_partition(partitions).items()
            )
        )

    async def begin_offsets(self, topic: Topic) -> dict[TP, int]:
        """Oldest offset of each partition."""
        consumer = await self._start_consumer()
        return ours(await consumer.beginning_offsets(_partitions(topic)))

    async def end_offsets(self, topic: Topic) -> dict[TP, int]:
        """Next offset of each partition."""
        consumer = await self._start_consumer()
        return ours(await consumer.end_offsets(_partitions(topic)))

    async def read(self, positions: Mapping[TP, int], timeout_s: float) -> list[Batch]:
        """Records from the positions on; empty when none came in time."""
        consumer = await self._start_consumer()
        wanted = set(theirs(positions))
        if consumer.assignment() != wanted:
            consumer.assign(wanted)
            self._positions = {}
        for tp, offset in positions.items():
            if self._positions.get(tp) != offset:
                consumer.seek(TopicPartition(tp.topic, tp.partition), offset)
        try:
            fetched = await consumer.getmany(timeout_ms=int(timeout_s * 1000))
        except Damage as exc:
            raise translated(exc) from exc
        found = [
            batch
            for tp, runs in fetched.items()
            for batch in batches(TP(tp.topic, tp.partition), runs)
        ]
        self._positions = dict(positions)
        for batch in found:
            self._positions[TP(batch.topic, batch.partition)] = batch.offset + 1
        return found

    async def committed(self, group: str, tps: Sequence[TP]) -> dict[TP, int | None]:
        """Offset that a group reads next of each partition; None: never committed."""
        async with self._member_of(group) as member:
            return {tp: await member.committed(TopicPartition(*tp)) for tp in tps}

    async def commit(self, group: str, offsets: Mapping[TP, int]) -> None:
        """Set it, while the group has no members."""
        theirs = {
            TopicPartition(*tp): OffsetAndMetadata(offset, "")
            for tp, offset in offsets.items()
        }
        async with self._member_of(group) as member:
            member.assign(list(theirs))
            await member.commit(theirs)

    @asynccontextmanager
    async def _member_of(self, group: str) -> AsyncIterator[AIOKafkaConsumer]:
        """A consumer that commits for a group without being one of its members."""
        member = AIOKafkaConsumer(
            **self._connection, group_id=group, enable_auto_commit=False
        )
        try:
            await member.start()
            yield member
        finally:
            await member.stop()

    async def has_worker(self) -> bool | None:
        """Whether the workers' group has members; None when that is not told."""
        admin_client = await self.admin_client()
        try:
            (answer,) = await admin_client.describe_consumer_groups(
                [self._options.app_id]
            )
        except KafkaError:
            return None
        error, _, _, _, _, members, *_ = answer.groups[0]
        return None if error else bool(members)

    async def close(self) -> None:
        """Disconnect."""
        producer, self._producer = self._producer, None
        consumer, self._consumer = self._consumer, None
        admin_client, self._admin = self._admin, None
        if producer is not None:
            await producer.stop()
        if consumer is not None:
            await consumer.stop()
        if admin_client is not None:
            await admin_client.close()

    async def admin_client(self) -> AIOKafkaAdminClient:
        """The admin client, started."""
        async with self._starting:
            if self._admin is None:
                self._admin = AIOKafkaAdminClient(
                    **self._connection,
                    request_timeout_ms=int(REQUEST_TIMEOUT_S * 1000),
                )
                await self._admin.start()
        return self._admin

    async def _start_producer(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is None:
                self._producer = AIOKafkaProducer(
                    **self._connection, **append.settings(REQUEST_TIMEOUT_S)
                )
                await self._producer.start()
                clients.be_patient(self._producer, append.DELIVERY_TIMEOUT_S)
        return self._producer

    async def _start_consumer(self) -> AIOKafkaConsumer:
        async with self._starting:
            if self._consumer is None:
                self._consumer = AIOKafkaConsumer(
                    **self._connection,
                    auto_offset_reset="earliest",
                    isolation_level=self._options.isolation_level,
                    enable_auto_commit=False,
                    max_partition_fetch_bytes=_FETCH_BYTES,
                    request_timeout_ms=int(REQUEST_TIMEOUT_S * 1000),
                )
                await self._consumer.start()
                fetching.install(self._consumer, _READ_RECORDS)
        return self._consumer


def _partitions(topic: Topic) -> list[TopicPartition]:
    return [TopicPartition(topic.name, p) for p in range(topic.partitions)]
