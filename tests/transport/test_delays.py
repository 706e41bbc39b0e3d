"""Appends that wait: what is said of them, and how often."""

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from aiokafka import TopicPartition

from streamproc.transport.kafka import delays
from streamproc.transport.kafka.delays import awaited
from streamproc.transport.kafka.requests import TopicFacts
from streamproc.worker.logs import OncePerWhile

TP = TopicPartition("t", 1)
NONE = TopicFacts("id", {1: -1}, {1: (0, 2)})
ONE_OF_TWO = TopicFacts("id", {1: 7}, {1: (1, 2)})


@pytest.fixture
def said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> Iterator[list[str]]:
    """Lines that a worker shows; an append is slow after a hundredth of a second."""
    monkeypatch.setattr(delays, "SLOW_S", 0.01)
    limit, lines = OncePerWhile(), []

    class Shown(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    handler = Shown()
    handler.addFilter(limit)
    delays.log.addHandler(handler)
    yield lines
    delays.log.removeHandler(handler)


def brokers_tell(patch: pytest.MonkeyPatch, *answers: Any) -> "asyncio.Future[Any]":
    """An append that ends once brokers have told all of this, in this order."""
    left, sent = list(answers), asyncio.get_running_loop().create_future()

    async def told(client: Any, names: set[str]) -> dict[str, Any]:
        answer = left.pop(0)
        if not left:
            sent.set_result("offset")
        if isinstance(answer, Exception):
            raise answer
        return {} if answer is None else {"t": answer}

    patch.setattr(delays, "topic_facts", told)
    return sent


async def test_an_append_in_time_is_not_spoken_of(said: list[str]) -> None:
    """Its result, and no line."""
    sent = asyncio.get_running_loop().create_future()
    sent.set_result("offset")
    assert await awaited(sent, None, TP) == "offset"
    assert said == []


async def test_another_reason_is_said_at_once_and_the_same_one_is_not_repeated(
    said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """First no broker can be reached, then it is seen that a replica is missing."""
    refused = TimeoutError()
    answers = refused, refused, NONE, None, ONE_OF_TWO, ONE_OF_TWO
    sent = brokers_tell(monkeypatch, *answers)
    assert await awaited(sent, None, TP) == "offset"
    reasons = [line.partition(" s: ")[2] for line in said[:-1]]
    assert reasons == [
        "no broker answers (TimeoutError)",
        "it has no leader",
        "it does not exist",
        "1 of its 2 replicas are in sync; is the topic's min.insync.replicas out of"
        " reach?",
    ]
    assert said[-1].startswith("topic t, partition 1: the append ended after ")
