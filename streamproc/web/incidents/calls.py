"""The incidents of a partition, asked of whoever owns it."""

from dataclasses import asdict
from typing import Any

import orjson

from streamproc.program import Program
from streamproc.rules.labels import parse_where
from streamproc.web.cluster.calls import Call, in_steps
from streamproc.web.cluster.scans import Steps
from tables.outage import Dates, Outage, Outages
from tables.outage_search import OutageSearch
from tables.outages import OutageSpan


def search_of(program: Program, args: dict[str, Any]) -> OutageSearch:
    """The search that a question asks for, in a partition that is here."""
    span = OutageSpan(
        *(program.histories.archive, args["partition"]),
        *(args["as_of_us"], args["begin_us"], args["end_us"]),
        *(program.settings.rules, program.settings.bridge_us),
        tuple(map(parse_where, args["wheres"])),
        None if args["dates"] is None else Dates(*args["dates"]),
    )
    return OutageSearch(program.histories, program.facts, program.labels, span)


def _of_all(program: Program, args: dict[str, Any]) -> Steps[Outages]:
    search, parts = search_of(program, args), []
    for part in search.in_parts():
        parts.append(part)
        yield
    return search.joined(parts)


def _of_one(program: Program, args: dict[str, Any]) -> Outages:
    return search_of(program, args).of(args["store_id"].encode())


def encode_outages(found: Outages) -> bytes:
    """Incidents as another worker gets them."""
    return orjson.dumps(asdict(found))


def decode_outages(value: bytes) -> Outages:
    """Incidents that another worker sent."""
    told = orjson.loads(value)
    found = [Outage(**each) for each in told["found"]]
    return Outages(found, told["up_us"], told["since_us"])


OUTAGES = in_steps("outages", _of_all, encode_outages, decode_outages)
OUTAGES_OF_ONE = Call(
    "outages-of-one", _of_one, encode=encode_outages, decode=decode_outages
)
