"""What a broker refuses or has lost, in words; and batches cut to what it takes."""

import asyncio
import logging

import pytest
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    InconsistentGroupProtocolError,
    InvalidTimestampError,
    KafkaError,
    NodeNotReadyError,
    TopicAuthorizationFailedError,
)
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from streamproc.errors import (
    BrokerUnavailableError,
    DamagedRecordsError,
    StreamprocError,
    TopicMissingError,
)
from streamproc.settings import load
from streamproc.transport.kafka.append import Records
from streamproc.transport.kafka.client import KafkaClient
from streamproc.transport.kafka.records import Damage
from streamproc.transport.kafka.refusals import is_denied, translated
from streamproc.transport.kafka.topic_watch import TopicWatch


@pytest.mark.parametrize(
    ("exc", "told", "denied"),
    [
        (TopicAuthorizationFailedError("polls"), "topic polls: ", True),
        (TopicAuthorizationFailedError({"b", "a"}), "topic a, b: ", True),
        (TopicAuthorizationFailedError(), "topic asked: ", True),
        (GroupAuthorizationFailedError("uptime"), "group uptime: ", True),
        (GroupAuthorizationFailedError(), "group ours: ", True),
        (ClusterAuthorizationFailedError(), "IdempotentWrite", True),
        (InconsistentGroupProtocolError(), "group ours: a consumer of another", False),
        (InvalidTimestampError(), "topic asked: the broker does not take", False),
        (KafkaError("no idea"), "topic asked and group ours: ", False),
    ],
)
def test_every_refusal_names_topic_or_group_in_one_line(
    exc: KafkaError, told: str, denied: bool
) -> None:
    """Those that aiokafka names, else those that were asked for."""
    words = translated(exc, topic="asked", group="ours")
    assert isinstance(words, StreamprocError)
    assert told in str(words)
    assert "\n" not in str(words)
    assert is_denied(exc) == denied


def test_a_cluster_of_which_no_broker_is_up_is_not_told_to_correct_addresses() -> None:
    """One that has just started, or was shut out for a moment, tells no address."""
    client = KafkaClient(load({"broker": "kafka://127.0.0.1:9092"}, {}))
    told = "topics cannot be created: no broker of the cluster is up yet, or up again"
    with (
        pytest.raises(BrokerUnavailableError, match=told),
        client._told("topics cannot be created"),
    ):
        raise NodeNotReadyError("node with id None")


def test_damage_is_told_with_the_command_that_goes_past_it() -> None:
    """Topic, partition, first offset, and where to go on."""
    damage = Damage(100, 150, "wrong CRC")
    damage.tp = TP("polls", 2)
    words = translated(damage)
    assert isinstance(words, DamagedRecordsError)
    assert words.first == 100
    assert "from offset 100 to 149 cannot be read (wrong CRC)" in str(words)
    assert "streamproc skip polls 2 100 150" in str(words)


def test_a_missing_topic_is_said_and_told_when_it_is_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Questions about it end at once, those about others go on."""
    caplog.set_level(logging.WARNING)
    watch = TopicWatch()
    watch.note({"polls", "zones"}, {"polls"})
    with pytest.raises(TopicMissingError, match="topic zones is missing"):
        watch.check({"polls", "zones"})
    watch.check({"polls"})
    assert not [text for text in caplog.messages if "is back" in text]
    watch.note({"polls", "zones"}, {"polls", "zones"})
    watch.check({"polls", "zones"})
    assert caplog.messages[-1] == "topic zones is back"


def test_a_cluster_without_any_of_the_topics_is_another_one() -> None:
    """Nothing can be done but to start anew."""
    with pytest.raises(TopicMissingError, match="all topics are missing"):
        TopicWatch().note({"polls", "zones"}, {"else"})


async def test_an_answer_is_not_waited_for_when_its_topic_is_gone() -> None:
    """aiokafka would ask again and again."""
    watch = TopicWatch()

    async def answer() -> int:
        await asyncio.sleep(0)
        return 7

    assert await watch.unless_missing({"zones"}, answer()) == 7
    watch.note({"polls", "zones"}, {"polls"})
    with pytest.raises(TopicMissingError):
        await watch.unless_missing({"zones"}, asyncio.Event().wait())


@given(
    st.lists(st.integers(0, 50), min_size=1, max_size=30),
    st.integers(0, 30),
    st.integers(0, 300),
)
def test_cuts_hold_what_fits_and_always_go_on(
    sizes: list[int], first: int, room: int
) -> None:
    """As many rows as have room, one at least; and halves are never empty."""
    records = Records([b"k"] * len(sizes), [bytes(size) for size in sizes], {})
    start = min(first, len(sizes) - 1)
    stop = records.cut(start, room)
    assert start < stop <= len(sizes)
    assert stop == start + 1 or records.bytes_of(start, stop) <= room
    if stop < len(sizes):
        assert records.bytes_of(start, stop + 1) > room
    if len(sizes) - start > 1:
        assert start < records.middle(start, len(sizes)) < len(sizes)


def test_what_ends_the_routine_of_a_group_is_told_by_its_cause() -> None:
    """aiokafka raises another error from it, which says nothing."""
    exc = KafkaError("Unexpected error during coordination")
    exc.__cause__ = TopicAuthorizationFailedError({"polls"})
    assert is_denied(exc)
    assert "topic polls: " in str(translated(exc))
