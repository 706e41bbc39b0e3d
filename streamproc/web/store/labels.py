"""A store's labels, asked of whoever owns its partition."""

from dataclasses import dataclass
from typing import Any

import orjson

from streamproc.program import Program
from streamproc.rules.labels import Labels
from streamproc.web.cluster.calls import Call
from tables import labels as labels_table


@dataclass(frozen=True, slots=True)
class StoreLabels:
    """A store's name, labels and target in percent; null and empty where not set."""

    store_id: str
    name: str | None
    labels: dict[str, str]
    target: float | None


def answer_of(store_id: str, found: Labels) -> StoreLabels:
    """Labels as the API tells of them."""
    return StoreLabels(store_id, found.name, dict(found.labels), found.target)


def _read(program: Program, args: dict[str, Any]) -> Labels | None:
    """The labels of a store; None when nothing at all is known of it."""
    partition, key = args["partition"], args["store_id"].encode()
    value = program.labels.read(partition, key)
    if value is None:
        polls = program.histories.polls_of(partition, key)
        if not len(polls) and not any(program.facts.of(partition, key)):
            return None
    return labels_table.decode(value)


def _encode(found: Labels | None) -> bytes:
    return b"null" if found is None else labels_table.encode(found)


def _decode(value: bytes) -> Labels | None:
    return None if orjson.loads(value) is None else labels_table.decode(value)


STORE_LABELS = Call(
    "labels", _read, encode=_encode, decode=_decode, quick=lambda args: True
)
