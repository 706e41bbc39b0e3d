"""The incidents of a partition, asked of whoever owns it."""

from dataclasses import asdict
from typing import Any

import orjson

from streamproc.program import Program
from streamproc.rules.labels import parse_where
from streamproc.web.cluster.calls import Call, in_steps
from streamproc.web.cluster.scans import Steps
from tables.outage import Dates, Outage, Outages
from tables.outages import OutageSearch


def _search(program: Program, args: dict[str, Any]) -> OutageSearch:
    return OutageSearch(
        *(program.histories, program.facts, program.labels, args["partition"]),
        *(args["as_of_us"], args["begin_us"], args["end_us"]),
        *(program.settings.rules, program.settings.bridge_us),
        tuple(map(parse_where, args["wheres"])),
        None if args["dates"] is None else Dates(*args["dates"]),
    )


def _of_all(program: Program, args: dict[str, Any]) -> Steps[Outages]:
    search, parts = _search(program, args), []
    for part in search.in_parts():
        parts.append(part)
        yield
    return search.joined(parts)


def _of_one(program: Program, args: dict[str, Any]) -> Outages:
    return _search(program, args).of(args["store_id"].encode())


def _encode(found: Outages) -> bytes:
    return orjson.dumps(asdict(found))


def _decode(value: bytes) -> Outages:
    told = orjson.loads(value)
    found = [Outage(**each) for each in told["found"]]
    return Outages(found, told["up_us"], told["since_us"])


OUTAGES = in_steps("outages", _of_all, _encode, _decode)
OUTAGES_OF_ONE = Call("outages-of-one", _of_one, encode=_encode, decode=_decode)
