"""What is told when a store's state changes: the records of ``store-events``. Pure.

Comes from ``agents/events.py``; leads to the topic, the webhook and whoever consumes
the topic. Written and read here only. The rules of when: ``rules/transitions.py``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from streamproc.errors import as_refusal, shown
from streamproc.report.record import time_text
from streamproc.rules.timestamp import parse_timestamp
from streamproc.rules.transitions import KINDS

SUSPECT = "suspect"
ALL_KINDS = (*KINDS, SUSPECT)

NO_STORE = b"*"
"""Key of what is told of no single store."""


@dataclass(frozen=True, slots=True)
class Event:
    """One transition of a store.

    ``id``: the same whenever the same transition is told again. ``at_us``: when the
    rules made it so; ``since_us``: from when on the state holds. ``incident``: the id
    of the outage, the same in a ``down`` and what ends it. ``down_us``: how long it was
    down in business time; of ``up`` only.
    """

    id: str
    store_id: str
    kind: str
    at_us: int
    since_us: int
    incident: str | None = None
    down_us: int | None = None
    name: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> bytes:
        """Key of its record."""
        return self.store_id.encode()


@dataclass(frozen=True, slots=True)
class Suspect:
    """Many stores at once: it may be the poller that is broken, not they.

    ``labels``: the label that they have in common; empty: it is the whole fleet.
    ``silent`` and ``down``: stores of each kind since ``since_us``, of the
    ``expected`` that should have been heard.
    """

    id: str
    at_us: int
    since_us: int
    silent: int
    down: int
    expected: int
    labels: Mapping[str, str] = field(default_factory=dict)

    kind: str = SUSPECT

    @property
    def key(self) -> bytes:
        """Key of its record."""
        return NO_STORE

    @property
    def stores(self) -> int:
        """How many stores fell silent or went down together."""
        return self.silent + self.down


def event_id(store_id: str, kind: str, at_us: int, taken_back: int = 0) -> str:
    """Names a transition of a store.

    ``taken_back``: how often something said of the store was taken back before; what
    is said again after that is news.
    """
    again = f"/{taken_back}" if taken_back else ""
    return f"{store_id}@{time_text(at_us)}/{kind}{again}"


def suspect_id(group: tuple[str, str], since_us: int) -> str:
    """Names a suspicion of a label and its value; both empty: of the whole fleet."""
    label, value = group
    whose = f"/{label}={value}" if label else ""
    return f"{NO_STORE.decode()}@{time_text(since_us)}/{SUSPECT}{whose}"


def incident_id(store_id: str, start_us: int) -> str:
    """Names an outage, as the list of incidents does."""
    return f"{store_id}@{time_text(start_us)}"


def encode_event(event: Event | Suspect) -> bytes:
    """Value of an event's record: JSON; what is not known is left out."""
    return orjson.dumps(as_json(event))


def as_json(event: Event | Suspect) -> dict[str, Any]:
    """The event as programs read it."""
    times = {"at": time_text(event.at_us), "since": time_text(event.since_us)}
    found: dict[str, Any]
    if isinstance(event, Suspect):
        found = {"id": event.id, "kind": event.kind, **times}
        counts = {"silent": event.silent, "down": event.down}
        found |= {"stores": event.stores, **counts, "expected": event.expected}
    else:
        found = {"id": event.id, "store_id": event.store_id, "kind": event.kind}
        found |= times
        if event.name is not None:
            found["name"] = event.name
        if event.incident is not None:
            found["incident"] = event.incident
        if event.down_us is not None:
            found["down_s"] = event.down_us / 1_000_000
    if event.labels:
        found["labels"] = dict(event.labels)
    return found


def decode_event(value: bytes | None) -> Event | Suspect:
    """The event of a record; raises InvalidInput."""
    try:
        told = orjson.loads(value or b"")
        return _suspect(told) if told["kind"] == SUSPECT else _event(told)
    except (ValueError, TypeError, KeyError) as exc:
        raise as_refusal(exc, "bad-event") from exc


def _event(told: Mapping[str, Any]) -> Event:
    if told["kind"] not in KINDS:
        raise ValueError(f"kind is {shown(told['kind'])}")
    down_s = told.get("down_s")
    return Event(
        str(told["id"]),
        str(told["store_id"]),
        told["kind"],
        *_times(told),
        told.get("incident"),
        None if down_s is None else round(down_s * 1_000_000),
        told.get("name"),
        dict(told.get("labels", {})),
    )


def _suspect(told: Mapping[str, Any]) -> Suspect:
    counts = int(told["silent"]), int(told["down"]), int(told["expected"])
    return Suspect(
        str(told["id"]), *_times(told), *counts, dict(told.get("labels", {}))
    )


def _times(told: Mapping[str, Any]) -> tuple[int, int]:
    return parse_timestamp(told["at"], "at"), parse_timestamp(told["since"], "since")
