"""Two questions to the brokers that aiokafka does not know.

Metadata with the topics' ids (version 10, Kafka 2.8 and later) and, of a leader's
epoch, where its records end (OffsetForLeaderEpoch, version 2). The formats:
https://kafka.apache.org/protocol
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import UnknownTopicOrPartitionError, for_code
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    AbstractType,
    Array,
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Int64,
    Schema,
    String,
    TaggedFields,
)
from faust.types import TP

_METADATA = 3
_METADATA_VERSION = 10
_EPOCH_ENDS = 23
_EPOCH_ENDS_VERSION = 2
_ANY_EPOCH = -1
_NO_ID = bytes(16)


class _Uuid(AbstractType[bytes]):
    """Sixteen bytes."""

    @classmethod
    def encode(cls, value: bytes) -> bytes:
        return value

    @classmethod
    def decode(cls, data: BytesIO) -> bytes:
        return data.read(len(_NO_ID))


class _MetadataResponse(Response):
    API_KEY = _METADATA
    API_VERSION = _METADATA_VERSION
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(
                ("node_id", Int32),
                ("host", CompactString()),
                ("port", Int32),
                ("rack", CompactString()),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_id", CompactString()),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("name", CompactString()),
                ("topic_id", _Uuid),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", CompactArray(Int32)),
                        ("isr", CompactArray(Int32)),
                        ("offline", CompactArray(Int32)),
                        ("tags", TaggedFields),
                    ),
                ),
                ("authorized_operations", Int32),
                ("tags", TaggedFields),
            ),
        ),
        ("authorized_operations", Int32),
        ("tags", TaggedFields),
    )


class _MetadataStruct(RequestStruct):
    API_KEY = _METADATA
    API_VERSION = _METADATA_VERSION
    RESPONSE_TYPE = _MetadataResponse
    FLEXIBLE_VERSION = True
    SCHEMA = Schema(
        (
            "topics",
            CompactArray(
                ("topic_id", _Uuid), ("name", CompactString()), ("tags", TaggedFields)
            ),
        ),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class _MetadataRequest(Request[_MetadataStruct]):
    API_KEY = _METADATA

    def __init__(self, names: Collection[str]) -> None:
        self._names = names

    def build(self, request_struct_class: type[_MetadataStruct]) -> _MetadataStruct:
        topics: list[Any] = [(_NO_ID, name, {}) for name in self._names]
        return request_struct_class(topics, False, False, False, {})


class _EpochEndsResponse(Response):
    API_KEY = _EPOCH_ENDS
    API_VERSION = _EPOCH_ENDS_VERSION
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "topics",
            Array(
                ("name", String("utf-8")),
                (
                    "partitions",
                    Array(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader_epoch", Int32),
                        ("end_offset", Int64),
                    ),
                ),
            ),
        ),
    )


class _EpochEndsStruct(RequestStruct):
    API_KEY = _EPOCH_ENDS
    API_VERSION = _EPOCH_ENDS_VERSION
    RESPONSE_TYPE = _EpochEndsResponse
    SCHEMA = Schema(
        (
            "topics",
            Array(
                ("name", String("utf-8")),
                (
                    "partitions",
                    Array(
                        ("partition", Int32),
                        ("current_leader_epoch", Int32),
                        ("leader_epoch", Int32),
                    ),
                ),
            ),
        ),
    )


class _EpochEndsRequest(Request[_EpochEndsStruct]):
    API_KEY = _EPOCH_ENDS

    def __init__(self, epochs: Mapping[TP, int]) -> None:
        self._epochs = epochs

    def build(self, request_struct_class: type[_EpochEndsStruct]) -> _EpochEndsStruct:
        topics: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
        for tp, epoch in self._epochs.items():
            topics[tp.topic].append((tp.partition, _ANY_EPOCH, epoch))
        return request_struct_class(list(topics.items()))


@dataclass(frozen=True, slots=True)
class TopicFacts:
    """A topic as the brokers describe it; it is another one when its id is another.

    ``leaders``: node that leads each partition, -1 for none. ``copies``: of each, how
    many replicas are in sync, and how many there are. ``id`` None: the brokers do not
    tell.
    """

    id: str | None
    leaders: Mapping[int, int]
    copies: Mapping[int, tuple[int, int]]


async def topic_facts(
    client: AIOKafkaClient, names: Collection[str]
) -> dict[str, TopicFacts]:
    """The topics that exist, by name; raises KafkaError when no broker answers."""
    answer = await client.send(client.get_random_node(), _MetadataRequest(names))
    found = {}
    for topic in answer.to_object()["topics"]:
        error = for_code(topic["error_code"])
        if error is UnknownTopicOrPartitionError:
            continue
        if error.errno:
            raise error(topic["name"])
        topic_id = topic["topic_id"]
        found[topic["name"]] = TopicFacts(
            None if topic_id == _NO_ID else topic_id.hex(),
            {part["partition"]: part["leader"] for part in topic["partitions"]},
            {
                part["partition"]: (len(part["isr"]), len(part["replicas"]))
                for part in topic["partitions"]
            },
        )
    return found


async def epoch_ends(
    client: AIOKafkaClient, epochs: Mapping[TP, int], leaders: Mapping[TP, int]
) -> dict[TP, int]:
    """Offset at which the records up to each partition's epoch end, where told.

    ``leaders``: the node to ask; partitions without one are left out.
    """
    by_node: dict[int, dict[TP, int]] = defaultdict(dict)
    for tp in epochs.keys() & leaders.keys():
        by_node[leaders[tp]][tp] = epochs[tp]
    found = {}
    for node, asked in by_node.items():
        answer = await client.send(node, _EpochEndsRequest(asked))
        for topic in answer.to_object()["topics"]:
            for part in topic["partitions"]:
                if not part["error_code"] and part["end_offset"] >= 0:
                    tp = TP(topic["name"], part["partition"])
                    found[tp] = int(part["end_offset"])
    return found
