"""Agent ``polls``: every poll into its store's history."""

import time
from typing import Any

import numpy as np

from agents.stream import consume, reject, reroute
from streamproc import history
from streamproc.errors import InvalidPoll
from streamproc.partitioner import partitions_for
from streamproc.poll import PollBatch, parse_polls
from streamproc.program import Program
from streamproc.transport.batch import Batch


def register(program: Program) -> None:
    """Declare the agent on the program's app."""

    @program.app.agent(program.source(program.topics.polls), name="polls")
    async def polls(stream: Any) -> None:
        """Add every poll to its store's history."""
        await consume(program, stream, lambda batch: keep(program, batch))


async def keep(program: Program, batch: Batch) -> None:
    """Merge a batch into the histories; send aside what does not belong there.

    Everything produced here is durable before the batch is acked.
    """
    started = time.perf_counter()
    parsed = parse_polls(batch.values, program.now_us())
    store_ids = [store_id.encode(errors="replace") for store_id in parsed.store_ids]
    parsed = await _send_on(program, batch, parsed, store_ids)
    segments = history.group(parsed.codes, parsed.packed)
    newest_us = int(parsed.packed.max(initial=-1)) >> history.FLAG_BITS
    added = await program.histories.add(batch.partition, store_ids, segments, newest_us)
    late = _late_rows(parsed, added.late)
    await reject(program, batch, [*parsed.rejected, *late])
    count = program.metrics.polls.labels
    count("accepted").inc(len(parsed.rows) - len(late) - added.expired)
    count("rejected").inc(len(parsed.rejected))
    count("late").inc(len(late))
    count("expired").inc(added.expired)
    program.metrics.batch_polls.observe(len(batch))
    program.metrics.batch_seconds.observe(time.perf_counter() - started)


async def _send_on(
    program: Program, batch: Batch, parsed: PollBatch, store_ids: list[bytes]
) -> PollBatch:
    """Send misplaced polls to their partition; return the rest."""
    partitions = partitions_for(store_ids, program.topics.polls.partitions)
    if not len(parsed.codes) or (partitions == batch.partition).all():
        return parsed
    here = partitions[parsed.codes] == batch.partition
    away = ~here
    codes = parsed.codes[away]
    keys = [store_ids[code] for code in codes.tolist()]
    rows = parsed.rows[away].tolist()
    await reroute(program, batch, rows, keys, partitions[codes].tolist())
    program.metrics.polls.labels("rerouted").inc(len(rows))
    return PollBatch(
        parsed.store_ids,
        parsed.codes[here],
        parsed.packed[here],
        parsed.rows[here],
        parsed.rejected,
    )


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
