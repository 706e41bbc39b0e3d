"""A partition's part of a report of a period; called by the agent ``report_rows``."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace

from streamproc.program import Program
from streamproc.report.messages import Order, Piece, Survey
from streamproc.report.period_record import span
from streamproc.report.period_rows import (
    NO_PERIOD_ROWS,
    encode_period_rows,
    pieces,
)
from streamproc.rules.labels import parse_where
from streamproc.rules.period_edges import Kept
from streamproc.rules.periods import parse_period
from tables.kept import kept, zones_in_use
from tables.periods import PeriodSnapshot

_Body = tuple[int, bytes]
"""How many rows, and the rows."""


async def surveyed(program: Program, order: Order, survey: Survey) -> Survey:
    """The answer to a survey, with what is to be known of a period."""
    found = await asyncio.to_thread(_surveyed, program, order, survey)
    loading = program.bulk.may_be_followed(survey.partition, program.now_us())
    return replace(found, loading=loading)


def _surveyed(program: Program, order: Order, survey: Survey) -> Survey:
    histories, partition = program.histories, survey.partition
    assert order.period is not None
    as_of_us = order.as_of_us if order.as_of_us is not None else survey.newest_us
    bound_us = parse_period(order.period).not_before_us(max(as_of_us, 0))
    found = kept(histories, partition, bound_us)
    zones: set[str] = set()
    if order.zone is None:
        zones = zones_in_use(histories, program.zones, partition)
    if found is None:
        return replace(survey, zones=sorted(zones))
    return replace(
        survey,
        kept_us=found.first_us,
        whole_us=found.whole_us,
        zones=sorted(zones),
    )


def snapshot_for(program: Program, order: Order, partition: int) -> PeriodSnapshot:
    """The partition's figures that an order asks for."""
    assert order.period is not None
    assert order.first_us is not None
    assert order.as_of_us is not None
    return PeriodSnapshot(
        program.histories,
        program.facts,
        program.labels,
        partition,
        span(
            order.period,
            order.by,
            order.zone,
            Kept(order.first_us, order.whole_us),
            order.as_of_us,
            program.settings.day_starts_s,
        ),
        program.settings.rules,
        program.settings.bridge_us,
        order.as_polled,
        None if order.where is None else parse_where(order.where),
    )


async def send_period(program: Program, order: Order, partition: int) -> None:
    """Compute and send the rows, piece by piece; the last one says it is."""
    bodies = _bodies(snapshot_for(program, order, partition))
    ahead = await asyncio.to_thread(next, bodies, None)
    number, last = 0, False
    while not last:
        rows, body = ahead or (0, encode_period_rows(NO_PERIOD_ROWS))
        ahead = await asyncio.to_thread(next, bodies, None)
        last = ahead is None
        of = order.report_id, order.attempt, partition
        await program.to_collector(Piece(*of, number, rows, last, body))
        number += 1


def _bodies(snapshot: PeriodSnapshot) -> Iterator[_Body]:
    """Pieces of all rows; runs in a thread, next to the event loop."""
    for chunk in snapshot.rows():
        for piece in pieces(chunk):
            yield len(piece), encode_period_rows(piece)
