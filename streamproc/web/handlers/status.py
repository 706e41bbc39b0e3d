"""Handler of how the workers are doing, and how far behind they are."""

from dataclasses import dataclass

from aiohttp import web

from streamproc.report.record import time_text
from streamproc.web.described import described
from streamproc.web.now.answers import CatchingUp, catching_up
from streamproc.web.responses import json
from streamproc.web.site import Site


@dataclass(frozen=True, slots=True)
class BoardStatus:
    """Whether what the stores of a partition are now is known here.

    ``looked_up``: stores so far, while all are looked up; null when it is known.
    """

    partition: int
    looked_up: int | None


@dataclass(frozen=True, slots=True)
class ProgramStatus:
    """How all workers are doing; ``boards`` and ``ready`` are of the one asked.

    ``start_backlog``: records left of what waited when it started.
    """

    as_of: str
    ready: bool
    start_backlog: int
    catching_up: CatchingUp | None
    polls_per_s: float
    lag_records: int
    lag_s: float
    last_arrival: str | None
    workers: int
    silent_workers: int
    boards: list[BoardStatus]


class StatusHandlers:
    """Tell how far behind the workers are."""

    def __init__(self, site: Site) -> None:
        self._site = site

    @described(ProgramStatus)
    async def status(self, request: web.Request) -> web.Response:
        """Whether this worker is ready, and how far behind all of them are."""
        site = self._site
        left = await site.start_backlog()
        flow = await site.flow.of_all()
        arrived = flow.last_arrival_us
        progress = site.program.boards.progress()
        return json(
            ProgramStatus(
                time_text(site.program.now_us()),
                site.is_ready(),
                left,
                catching_up(await site.flow.catching_up()),
                flow.polls_per_s,
                flow.lag_records,
                flow.lag_s,
                None if arrived is None else time_text(arrived),
                flow.workers,
                flow.silent_workers,
                [BoardStatus(partition, done) for partition, done in progress.items()],
            )
        )
