"""What is known of a store, and previews of changes: asked of a partition's owner."""

from dataclasses import asdict, dataclass
from typing import Any

import orjson
from faust.types import TP

from streamproc.program import Program
from streamproc.rules.uptime import Uptime
from streamproc.web.cluster.calls import Call
from streamproc.web.store.data import decode_facts, encode_facts
from tables.calendars import StoreFacts
from tables.fact_records import KINDS, Fact, read_message
from tables.preview import Preview, preview
from tables.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a store besides its polls: its own facts, those of all.

    ``is_known``: whether anything has ever been heard of the store.
    """

    own: StoreFacts
    of_all: StoreFacts
    is_known: bool


def _known(program: Program, args: dict[str, Any]) -> Known:
    partition, key = args["partition"], args["store_id"].encode()
    own = program.facts.of(partition, key)
    is_known = (
        any(own)
        or program.labels.read(partition, key) is not None
        or bool(len(program.histories.polls_of(partition, key)))
    )
    return Known(own, program.facts.of_all(partition), is_known)


async def _in_place(program: Program, args: dict[str, Any]) -> None:
    """What is to be waited for is in the tables: one record, all there is, nothing."""
    partition, topic = args["partition"], args["topic"]
    if topic is not None:
        await program.until_dealt_with(TP(topic, partition), args["offset"])
    elif args["all"]:
        await program.catch_up(partition)


def _encode_known(known: Known) -> bytes:
    told = [encode_facts(known.own), encode_facts(known.of_all), known.is_known]
    return orjson.dumps(told)


def _decode_known(value: bytes) -> Known:
    own, of_all, is_known = orjson.loads(value)
    return Known(decode_facts(own), decode_facts(of_all), is_known)


KNOWN = Call(
    "known",
    _known,
    encode=_encode_known,
    decode=_decode_known,
    quick=lambda args: True,
    after=_in_place,
)


def _preview(program: Program, args: dict[str, Any]) -> Preview:
    facts = [
        (table, _fact(table, key, value, at_ms))
        for table, key, value, at_ms in args["records"]
    ]
    snapshot = Snapshot(
        program.histories,
        program.facts,
        args["partition"],
        args["as_of_us"],
        program.settings.rules,
    )
    return preview(snapshot, facts)


def _fact(table: str, key: str, value: str | None, at_ms: int) -> Fact:
    encoded = None if value is None else value.encode()
    return read_message(0, key.encode(), encoded, at_ms, KINDS[table])


def _encode_preview(found: Preview) -> bytes:
    return orjson.dumps(asdict(found))


def _decode_preview(value: bytes) -> Preview:
    told = orjson.loads(value)
    return Preview(
        _figures(told["before"]),
        _figures(told["after"]),
        told["stores"],
        told["changed"],
    )


def _figures(told: dict[str, Any] | None) -> dict[str, Uptime] | None:
    if told is None:
        return None
    return {name: Uptime(**each) for name, each in told.items()}


PREVIEW = Call("preview", _preview, encode=_encode_preview, decode=_decode_preview)
PREVIEW_ALL = Call(
    "preview-all", _preview, encode=_encode_preview, decode=_decode_preview, whole=True
)
