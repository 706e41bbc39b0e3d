"""How the agents of a report read their messages: checked, strangers left out."""

import logging
from collections.abc import Callable, Iterator
from typing import TypeVar

from agents.consume import reject
from streamproc.errors import ForeignMessage, InvalidInput, as_refusal
from streamproc.program import Program
from streamproc.report.messages import Identity
from streamproc.report.wire import Headers
from streamproc.transport.batch import Batch

log = logging.getLogger(__name__)

M = TypeVar("M")
Decode = Callable[[Headers, bytes | None, Identity], M]


class Mail:
    """The messages of a batch, and the rows that are refused."""

    def __init__(self, program: Program, batch: Batch) -> None:
        self._program = program
        self._batch = batch
        self._refused: list[tuple[int, InvalidInput]] = []

    def read(self, decode: Decode[M]) -> Iterator[tuple[int, M]]:
        """Row and message of each record that is one."""
        for row, value in enumerate(self._batch.values):
            headers = self._batch.record_headers.get(row, ())
            try:
                message = decode(headers, value, self._program.identity)
            except ForeignMessage as exc:
                note_stranger(self._program, Identity(exc.app, exc.rules))
            except Exception as exc:
                self.refuse(row, as_refusal(exc, "bad-request"))
            else:
                yield row, message

    def refuse(self, row: int, why: InvalidInput) -> None:
        """Refuse a message that was read; to be called in the order of the rows."""
        self._refused.append((row, why))

    async def reject(self) -> None:
        """Keep what was refused in the rejected topic."""
        await reject(self._program, self._batch, self._refused)


def note_stranger(program: Program, sender: Identity) -> None:
    """Count a message that is not for us; say so the first time."""
    program.metrics.foreign.labels(sender.app, sender.rules).inc()
    program.strangers[sender] += 1
    if program.strangers[sender] > 1:
        return
    mine = program.identity
    log.warning(
        "Messages refused: they are of app %s with rules %s, this worker is of app %s"
        " with rules %s. Every worker of an app needs the same version, hold, backfill"
        " and partitions; another app needs another app_id",
        *(sender.app, sender.rules, mine.app, mine.rules),
    )


def about_strangers(program: Program) -> str:
    """What may be why nobody answers: that workers count by other rules."""
    mine, strangers = program.identity, program.strangers
    counts = [n for who, n in strangers.items() if who.app == mine.app]
    if not counts:
        return ""
    return (
        f"; {sum(counts):,} messages of workers with other rules were refused: give"
        " every worker the same version, hold, backfill and partitions"
    )
