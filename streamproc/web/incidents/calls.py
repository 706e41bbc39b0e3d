"""The incidents of a partition, asked of whoever owns it."""

from dataclasses import asdict
from typing import Any

import orjson

from streamproc.program import Program
from streamproc.web.cluster.calls import Call
from tables.outages import Outage, Outages, outages
from tables.snapshot import Snapshot


def _outages(program: Program, args: dict[str, Any]) -> Outages:
    snapshot = Snapshot(
        program.histories,
        program.facts,
        args["partition"],
        args["as_of_us"],
        program.settings.rules,
    )
    store_id = args["store_id"]
    return outages(
        snapshot,
        program.settings.bridge_us,
        args["begin_us"],
        args["end_us"],
        None if store_id is None else store_id.encode(),
    )


def _encode(found: Outages) -> bytes:
    return orjson.dumps(asdict(found))


def _decode(value: bytes) -> Outages:
    told = orjson.loads(value)
    return Outages([Outage(**each) for each in told["found"]], told["up_us"])


OUTAGES = Call(
    "outages", _outages, encode=_encode, decode=_decode, whole=True, current=True
)
