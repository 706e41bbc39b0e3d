"""Topics: created as the program needs them, or checked to be so."""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    KafkaError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
    for_code,
)
from aiokafka.protocol.admin import DescribeConfigsRequest
from aiokafka.protocol.fetch import FetchRequest

from streamproc.errors import TopicMismatchError
from streamproc.transport.options import BrokerOptions
from streamproc.transport.topic import Topic

log = logging.getLogger(__name__)

COMPACTED_SEGMENT_BYTES = 64 << 20
"""The newest segment of a topic is never compacted, and read on every recovery."""

SETTLE_S = 30.0
"""How long partitions may be without a leader."""

APPEND_TIME = "LogAppendTime"
_POLICY = "cleanup.policy"
_TIME = "message.timestamp.type"
_RETRY_S = 0.1
_BROKER_DEFAULT = -1


async def create(
    admin: AIOKafkaAdminClient, topics: Iterable[Topic], options: BrokerOptions
) -> None:
    """Create what is missing; raise TopicMismatchError where one differs.

    Those that exist are looked at before any is created.
    """
    wanted = {topic.name: topic for topic in topics}
    existing = wanted.keys() & set(await admin.list_topics())
    await _check(admin, [wanted[name] for name in existing])
    missing = [_new(t, options) for n, t in wanted.items() if n not in existing]
    if not missing:
        return
    answer = await admin.create_topics(missing)
    overtaken = []
    for name, code, message, *_ in answer.topic_errors:
        if code == TopicAlreadyExistsError.errno:
            overtaken.append(wanted[name])  # another worker was faster
        elif code:
            raise for_code(code)(f"topic {name} cannot be created: {message}")
        else:
            log.info("Topic %s created", name)
    await _partition_counts(admin, list(wanted))
    await _check(admin, overtaken)


def _new(topic: Topic, options: BrokerOptions) -> NewTopic:
    new = NewTopic(
        topic.name, topic.partitions, 1, topic_configs=_config(topic, options)
    )
    # The constructor does not let the broker's default through; the protocol does.
    new.replication_factor = options.replication_factor or _BROKER_DEFAULT
    return new


def _config(topic: Topic, options: BrokerOptions) -> dict[str, str]:
    config = {_POLICY: _policy(topic)}
    if topic.append_time:
        config[_TIME] = APPEND_TIME
    if topic.compacted:
        config["segment.bytes"] = str(COMPACTED_SEGMENT_BYTES)
    else:
        retention_ms = -1 if topic.retention_ms is None else topic.retention_ms
        config["retention.ms"] = str(retention_ms)
    if options.min_insync_replicas:
        config["min.insync.replicas"] = str(options.min_insync_replicas)
    return config


def _policy(topic: Topic) -> str:
    """Not both: a record that is deleted by age is missing from its table."""
    return "compact" if topic.compacted else "delete"


async def _partition_counts(
    admin: AIOKafkaAdminClient, names: list[str]
) -> dict[str, int]:
    """Partitions of each topic, once all of them have a leader.

    What was just created is known to every broker only a moment later.
    """
    async with asyncio.timeout(SETTLE_S):
        while True:
            described = await admin.describe_topics(names)
            _raise_denied((found["topic"], found["error_code"]) for found in described)
            leaders = {
                found["topic"]: [part["leader"] for part in found["partitions"]]
                for found in described
                if not found["error_code"]
            }
            if all(min(leaders.get(name, ()), default=-1) >= 0 for name in names):
                return {name: len(found) for name, found in leaders.items()}
            await asyncio.sleep(_RETRY_S)


async def _check(admin: AIOKafkaAdminClient, topics: list[Topic]) -> None:
    """Raise TopicMismatchError unless topics are as they must be."""
    if not topics:
        return
    names = [topic.name for topic in topics]
    counts = await _partition_counts(admin, names)
    wrong = [topic for topic in topics if counts[topic.name] != topic.partitions]
    if wrong:
        raise TopicMismatchError(partitions_differ(topics, counts))
    configs = await _configs(admin, names)
    for topic in topics:
        _check_config(topic, configs.get(topic.name, {}))


def partitions_differ(topics: Sequence[Topic], counts: Mapping[str, int]) -> str:
    """What is wrong with the partitions of some topics, all of a program, and a remedy.

    ``counts``: partitions that each of them has.
    """
    wrong = [topic for topic in topics if counts[topic.name] != topic.partitions]
    needed = {topic.partitions for topic in wrong}
    have = {counts[topic.name] for topic in wrong}
    others = [topic for topic in topics if topic not in wrong]
    said = "; ".join(
        f"topic {topic.name} has {counts[topic.name]} partitions, but"
        f" {topic.partitions} are needed"
        for topic in wrong
    )
    if len(needed) == len(have) == 1 and not needed & {t.partitions for t in others}:
        return (
            f"{said}: set partitions to {have.pop()}, or take another app_id and"
            " topic_prefix and load the data again (see docs/operations.md)"
        )
    return (
        f"{said}, as many as the others have: no setting fits all of them; delete those"
        " that are empty, or take another app_id and topic_prefix and copy the data"
        ' (docs/operations.md, "Another number of partitions")'
    )


def _check_config(topic: Topic, config: Mapping[str, str]) -> None:
    """Raise TopicMismatchError or warn where a setting differs; not where not told."""
    needed = _policy(topic)
    if config.get(_POLICY, needed) != needed:
        raise TopicMismatchError(
            f"topic {topic.name} has {_POLICY}={config[_POLICY]}, but {needed} is"
            " needed: correct it with kafka-configs.sh"
        )
    if topic.append_time and config.get(_TIME, APPEND_TIME) != APPEND_TIME:
        log.warning(
            "Topic %s has %s=%s: its retention goes by the producers' clocks, and what"
            " they send late or wrongly dated may be deleted unread; set it to %s with"
            " kafka-configs.sh",
            topic.name,
            _TIME,
            config[_TIME],
            APPEND_TIME,
        )


def _raise_denied(codes: Iterable[tuple[str, int]]) -> None:
    """Raise TopicAuthorizationFailedError with the topics that may not be used."""
    names = {n for n, code in codes if code == TopicAuthorizationFailedError.errno}
    if names:
        raise TopicAuthorizationFailedError(names)


async def settle_group(admin: AIOKafkaAdminClient, group: str) -> None:
    """Wait until the group has a coordinator; the first one of a cluster has none.

    Raises GroupAuthorizationFailedError, or TimeoutError.
    """
    async with asyncio.timeout(SETTLE_S):
        while True:
            try:
                await admin.find_coordinator(group)
            except GroupAuthorizationFailedError as exc:
                raise GroupAuthorizationFailedError(group) from exc
            except KafkaError as exc:
                if not exc.retriable:
                    raise
                await asyncio.sleep(_RETRY_S)
            else:
                return


async def check_readable(client: AIOKafkaClient, names: Iterable[str]) -> None:
    """Raise TopicAuthorizationFailedError with the topics that may not be read.

    Asks each leader for partition 0 from its beginning, a byte of it, without waiting.
    """
    by_leader: dict[int, list[str]] = {}
    for name in names:
        await client.add_topic(name)
        leader = client.cluster.leader_for_partition(TopicPartition(name, 0))
        by_leader.setdefault(leader, []).append(name)
    for leader, topics in by_leader.items():
        asked = [(name, [(0, 0, 1)]) for name in topics]
        answer = await client.send(leader, FetchRequest(0, 0, 1, 0, asked))
        _raise_denied((name, parts[0][1]) for name, parts in answer.topics)


async def message_limit(client: AIOKafkaClient, topic: str) -> int | None:
    """Bytes that a message of the topic may have; None when that is not told."""
    asked = (ConfigResourceType.TOPIC, topic, ["max.message.bytes"])
    try:
        answer = await client.send(
            client.get_random_node(), DescribeConfigsRequest([asked])
        )
    except KafkaError:
        return None
    code, _, _, _, entries = answer.resources[0]
    return None if code or not entries else int(_value(entries[0]))


async def _configs(
    admin: AIOKafkaAdminClient, names: list[str]
) -> dict[str, dict[str, str]]:
    """Policy and kind of timestamp by topic; without those that may not be read."""
    asked = {_POLICY: None, _TIME: None}
    wanted = [ConfigResource(ConfigResourceType.TOPIC, name, asked) for name in names]
    return {
        name: {entry[0]: _value(entry) for entry in entries}
        for answer in await admin.describe_configs(wanted)
        for code, _, _, name, entries in answer.resources
        if not code
    }


def _value(entry: Any) -> str:
    """Value of a configuration entry, ``(name, value, …)``."""
    return str(entry[1])
