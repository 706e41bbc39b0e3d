"""The instant that a reader asks for: now, the newest poll's, or a time."""

from typing import Any

from streamproc.errors import InvalidInput
from streamproc.program import Program
from streamproc.report import record
from streamproc.report.messages import LATEST, NOW
from streamproc.report.record import time_text
from streamproc.rules.windows import LONGEST_US
from streamproc.web.cluster.calls import Call
from streamproc.web.cluster.peers import Cluster
from streamproc.web.refusal import bad, bad_input

AsOf = str | int
"""``now``, ``latest``, or microseconds of UTC."""


def as_of_text(as_of: AsOf) -> str:
    """As-of as it stands in a link; empty for the default."""
    if as_of == NOW:
        return ""
    return as_of if isinstance(as_of, str) else time_text(as_of)


def _newest(program: Program, args: dict[str, Any]) -> int:
    return program.newest_us(args["partition"])


NEWEST = Call("newest", _newest)


class Instants:
    """Tells which instant is meant, whichever worker has the newest poll."""

    def __init__(self, program: Program, cluster: Cluster) -> None:
        self._program = program
        self._cluster = cluster

    async def resolve(self, as_of: AsOf) -> int:
        """Microseconds of ``now``, of ``latest`` or of a time itself.

        With no polls at all, ``latest`` is now.
        """
        if isinstance(as_of, int):
            if as_of < LONGEST_US:
                raise bad("bad-as-of", "as_of lies before 1970.")
            try:
                return record.check_as_of(as_of, self._program.now_us())
            except InvalidInput as exc:
                raise bad_input(exc) from exc
        if as_of == LATEST:
            newest = await self.newest_us()
            if newest is not None:
                return newest
        return self._program.now_us()

    async def newest_us(self) -> int | None:
        """Time of the newest poll that any partition has seen."""
        count = self._program.settings.partitions
        newest = max(await self._cluster.ask_all(NEWEST, count))
        return None if newest < 0 else newest
