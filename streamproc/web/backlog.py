"""What waited when the worker started: until it is worked off, it is not ready.

A worker whose polls of the night still wait tells what was; whoever balances a load
between workers, or replaces one by one, is to wait for it.
"""

import time

from faust.types import TP

from streamproc.program import Program


class StartBacklog:
    """The input that was there when the worker began to consume, up to a limit.

    All but ``is_over`` is to be asked where the consumer lives.
    """

    def __init__(self, program: Program) -> None:
        self._program = program
        self._ends: dict[TP, int] | None = None
        self._since = 0.0
        self._is_over = False

    @property
    def is_over(self) -> bool:
        """Whether all of it is dealt with, or the limit is reached; then for good."""
        if not self._is_over and self._ends is not None:
            waited_s = time.monotonic() - self._since
            self._is_over = waited_s >= self._program.settings.ready_wait
        return self._is_over

    async def left(self) -> int:
        """How many records of it wait still; of partitions that are here."""
        program = self._program
        if self.is_over or not program.is_ready():
            return 0
        here = self._inputs()
        if self._ends is None:
            self._ends = dict(await program.app.consumer.highwaters(*here))
            self._since = time.monotonic()
        tps = here & self._ends.keys()
        left = sum([await program.waiting(tp, self._ends[tp] or 0) for tp in tps])
        self._is_over = not left
        return left

    def _inputs(self) -> set[TP]:
        names = {topic.name for topic in self._program.topics.inputs}
        return {tp for tp in self._program.app.consumer.assignment() if tp[0] in names}
