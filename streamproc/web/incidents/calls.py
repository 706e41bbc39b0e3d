"""The incidents of a partition, asked of whoever owns it."""

from dataclasses import asdict
from typing import Any

import orjson

from streamproc.program import Program
from streamproc.rules.labels import parse_where
from streamproc.web.cluster.calls import Call
from tables.outages import Dates, Outage, Outages, OutageSearch


def _outages(program: Program, args: dict[str, Any]) -> Outages:
    store_id = args["store_id"]
    search = OutageSearch(
        *(program.histories, program.facts, program.labels, args["partition"]),
        *(args["as_of_us"], args["begin_us"], args["end_us"]),
        *(program.settings.rules, program.settings.bridge_us),
        tuple(map(parse_where, args["wheres"])),
        None if args["dates"] is None else Dates(*args["dates"]),
    )
    return search.of_all() if store_id is None else search.of(store_id.encode())


def _encode(found: Outages) -> bytes:
    return orjson.dumps(asdict(found))


def _decode(value: bytes) -> Outages:
    told = orjson.loads(value)
    found = [Outage(**each) for each in told["found"]]
    return Outages(found, told["up_us"], told["since_us"])


OUTAGES = Call("outages", _outages, encode=_encode, decode=_decode, whole=True)
OUTAGES_OF_ONE = Call("outages-of-one", _outages, encode=_encode, decode=_decode)
