"""A consumer's place in its group, and the offsets that it commits there."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import CommitFailedError, TopicAuthorizationFailedError
from aiokafka.protocol.commit import OffsetFetchRequest
from aiokafka.protocol.group import HeartbeatRequest
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.types import TP

COORDINATOR = (
    "_group_instance_id",
    "_send_req",
    "check_errors",
    "ensure_coordinator_known",
    "fetch_committed_offsets",
    "generation",
    "group_id",
    "member_id",
)


async def heartbeat(consumer: AIOKafkaConsumer) -> int:
    """The group coordinator's answer to a sign of life: 0, or a Kafka error code."""
    coordinator = consumer._coordinator
    await coordinator.ensure_coordinator_known()
    beat = HeartbeatRequest(
        coordinator.group_id, coordinator.generation, coordinator.member_id
    )
    answer = await coordinator._send_req(beat)
    code: int = answer.error_code
    return code


def check_errors(consumer: AIOKafkaConsumer) -> None:
    """Raise what the group's coordinator has answered that ends the membership.

    Faust fetches around the place where aiokafka looks for it.
    """
    consumer._coordinator.check_errors()


def count_as_alive(consumer: AIOKafkaConsumer) -> None:
    """Have aiokafka believe that something was fetched just now."""
    with consumer._subscription.fetch_context():
        pass


def note_commits(consumer: AIOKafkaConsumer, note: Callable[[TP, int], str]) -> None:
    """Write something beside each offset that a consumer commits."""
    commit = consumer.commit

    async def commit_noted(offsets: Mapping[TopicPartition, OffsetAndMetadata]) -> None:
        if not offsets:  # Faust has left out what was revoked meanwhile
            raise CommitFailedError("already rebalanced")  # the text it looks for
        await commit(
            {
                tp: OffsetAndMetadata(at.offset, note(TP(*tp), at.offset))
                for tp, at in offsets.items()
            }
        )

    consumer.commit = commit_noted


def name_what_is_denied(consumer: AIOKafkaConsumer) -> None:
    """Have a worker that may not see its committed offsets say of which topics.

    aiokafka raises a KafkaError that holds the text of another, and no topic.
    """
    coordinator = consumer._coordinator
    send = coordinator._send_req

    async def send_looking(request: Any) -> Any:
        answer = await send(request)
        if answer.API_KEY == OffsetFetchRequest.API_KEY and (denied := _denied(answer)):
            raise TopicAuthorizationFailedError(denied)
        return answer

    coordinator._send_req = send_looking


def _denied(answer: Any) -> set[str]:
    """Topics of which no committed offset is told."""
    return {
        topic
        for topic, partitions in answer.topics
        for *_, code in partitions
        if code == TopicAuthorizationFailedError.errno
    }


async def committed_notes(
    consumer: AIOKafkaConsumer, tps: Collection[TP]
) -> dict[TP, str]:
    """What stands beside the committed offset of each partition that has one."""
    theirs = [TopicPartition(*tp) for tp in tps]
    found = await consumer._coordinator.fetch_committed_offsets(theirs)
    return {TP(*tp): at.metadata for tp, at in found.items()}


async def refresh_metadata(
    consumer: AIOKafkaConsumer, counts: Mapping[str, int]
) -> None:
    """Have a group member look at its topics when they have other partition counts.

    aiokafka does so every few minutes. Where they differ the group is joined anew.
    """
    cluster = consumer._client.cluster
    if any(
        count != len(cluster.partitions_for_topic(topic) or ())
        for topic, count in counts.items()
    ):
        await consumer._client.force_metadata_update()


def leave_when_stopped(consumer: AIOKafkaConsumer) -> None:
    """Have a static member leave its group when it stops, as others do.

    aiokafka lets its place go with the session only: no use when it does not come back.
    """
    consumer._coordinator._group_instance_id = None
