"""Agent ``polls``: every poll into its store's history."""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.consume import consume_ahead, reject, reroute
from streamproc.cells import Ints
from streamproc.errors import InvalidPoll
from streamproc.program import Program
from streamproc.rules import history, packing
from streamproc.rules.history import Segments
from streamproc.rules.poll_batch import PollBatch, parse_polls
from streamproc.transport.batch import Batch
from streamproc.transport.partitioner import partitions_for


@dataclass(frozen=True, slots=True)
class Sorted:
    """The polls of a batch, and what is to become of them.

    ``polls`` and ``segments``: those in place. ``away``: those that another
    client's partitioner misplaced, and ``away_to`` the partition of each.
    ``arrived_s``: when the batch came, by ``time.perf_counter``.
    """

    arrived_s: float
    polls: PollBatch
    segments: Segments
    away: PollBatch
    away_to: Ints


def register(program: Program) -> None:
    """Declare the agent on the program's app."""

    @program.app.agent(program.source(program.topics.polls), name="polls")
    async def polls(stream: Any) -> None:
        """Add every poll to its store's history."""
        await consume_ahead(
            program,
            stream,
            lambda batch: sort(program, batch),
            lambda batch, given: keep(program, batch, given),
        )


def sort(program: Program, batch: Batch) -> Sorted:
    """Read the polls of a batch, and put together what belongs together."""
    arrived_s = time.perf_counter()
    polls = parse_polls(batch.values, program.now_us())
    homes = partitions_for(polls.store_ids, program.topics.polls.partitions)
    home = homes[polls.codes]
    away = home != batch.partition
    here = polls[~away] if away.any() else polls
    segments = history.group(here.codes, here.packed)
    return Sorted(arrived_s, here, segments, polls[away], home[away])


async def keep(program: Program, batch: Batch, given: Sorted) -> None:
    """Merge a batch into the histories; send aside what does not belong there.

    Everything produced here is durable before the batch is acked.
    """
    polls = given.polls
    newest_us = packing.time_of(int(polls.packed.max(initial=-1)))
    added = await program.histories.add(
        batch.partition, polls.store_ids, given.segments, newest_us
    )
    program.bulk.note(batch.partition, polls.packed, program.now_us())
    columns = polls.store_ids, polls.codes, polls.packed
    program.boards.add(batch.partition, *columns, batch.timestamp)
    await _send_on(program, batch, given)
    late = _late_rows(polls, added.late)
    await reject(program, batch, [*polls.rejected, *late])
    count = program.metrics.polls.labels
    count("accepted").inc(len(polls) - len(late) - added.expired)
    count("rejected").inc(len(polls.rejected))
    count("late").inc(len(late))
    count("expired").inc(added.expired)
    program.metrics.batch_polls.observe(len(batch))
    program.metrics.batch_seconds.observe(time.perf_counter() - given.arrived_s)


async def _send_on(program: Program, batch: Batch, given: Sorted) -> None:
    """Send misplaced polls to their partition."""
    away = given.away
    if not len(away):
        return
    keys = away.store_ids[away.codes].present()
    await reroute(program, batch, away.rows.tolist(), keys, given.away_to.tolist())
    program.metrics.polls.labels("rerouted").inc(len(keys))


def _late_rows(
    parsed: PollBatch, late: list[tuple[int, int]]
) -> list[tuple[int, InvalidPoll]]:
    """Positions in the batch of the polls that came too late to be placed."""
    found = []
    for code, packed in late:
        same = (parsed.codes == code) & (parsed.packed == packed)
        reason = InvalidPoll(
            "late",
            "contradicts polls that were thinned out already, so it cannot be placed"
            " exactly",
        )
        found += [(row, reason) for row in parsed.rows[np.flatnonzero(same)].tolist()]
    return found
