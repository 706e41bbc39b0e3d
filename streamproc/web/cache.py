"""Answers that take long, kept while somebody looks at them.

What else is kept has rules of its own: overviews of instants, which anybody can make up
(``fleet.refreshing``), and pages, whose readers follow them part by part (``pages``).
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from streamproc.pace import rest_s
from streamproc.web.refusal import Refusal

log = logging.getLogger(__name__)

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

MOMENT_S = 0.1
"""How long a newer answer is waited for while there is an older one."""

OLDEST_S = 15.0
"""How old that may be; a newer one may take as long as a backlog lets it."""

MOST = 12
"""Answers that are kept, or wait to be made; each costs memory."""


@dataclass
class _Entry(Generic[V]):
    """One answer: what was made last, and what is being made."""

    answer: V | None = None
    made_at: float = 0.0
    lasts_s: float = 0.0
    task: "asyncio.Task[V] | None" = None


class Cache(Generic[K, V]):
    """Makes answers, each again when it is old and asked for.

    ``fresh_s``: how long one is good for at least; one that takes long to make is good
    for so long that making it takes a small share of the time only. ``outlasts``:
    it is good for longer while it cannot be made, as a worker does not answer.
    ``most``: how many are kept, and may wait to be made.
    """

    def __init__(
        self,
        make: Callable[[K], Awaitable[V]],
        fresh_s: float,
        outlasts: bool = False,
        most: int = MOST,
    ) -> None:
        self._make = make
        self._fresh_s = fresh_s
        self._outlasts = outlasts
        self._most = most
        self._entries: OrderedDict[K, _Entry[V]] = OrderedDict()
        self._waiting = 0

    async def get(self, key: K) -> V:
        """An answer; one a little old is given out while a newer one is made.

        One that is older is given out when the newer one is not there in a moment.

        Raises a 503 Refusal when too many are being made.
        """
        found = self.peek(key)
        if found is not None:
            return found
        entry = self._entries[key]
        assert entry.task is not None  # ``peek`` has begun it
        newer, older = entry.task, entry.answer
        if older is not None and time.monotonic() - entry.made_at < OLDEST_S:
            done, _ = await asyncio.wait({newer}, timeout=MOMENT_S)
            if not done:
                return older
        return await asyncio.shield(newer)

    def peek(self, key: K) -> V | None:
        """The answer that is at hand; where it is missing or old, it is being made."""
        entry = self._entries.setdefault(key, _Entry())
        self._entries.move_to_end(key)
        self._forget()
        age_s = time.monotonic() - entry.made_at
        if entry.answer is not None and age_s < entry.lasts_s:
            return entry.answer
        if entry.task is None:
            if self._waiting >= self._most:
                raise Refusal(
                    503, "busy", "Too much is asked at once.", retry_after_s=2
                )
            entry.task = asyncio.create_task(self._renew(key, entry))
            entry.task.add_done_callback(note_failure)
        is_near = age_s < 2 * entry.lasts_s + self._fresh_s
        return entry.answer if is_near else None

    def outdate(self) -> None:
        """Give out no answer any more that was begun before; something was changed."""
        self._entries.clear()

    async def _renew(self, key: K, entry: _Entry[V]) -> V:
        self._waiting += 1
        try:
            started = time.monotonic()
            answer = await self._made(key, entry)
            ended = time.monotonic()
            entry.answer, entry.made_at = answer, ended
            entry.lasts_s = max(self._fresh_s, rest_s(ended - started))
            return answer
        finally:
            self._waiting -= 1
            entry.task = None

    async def _made(self, key: K, entry: _Entry[V]) -> V:
        try:
            return await self._make(key)
        except Refusal as exc:
            if exc.status == 503 and self._outlasts and entry.answer is not None:
                return entry.answer
            raise

    def _forget(self) -> None:
        for key in list(self._entries)[: -self._most]:
            if self._entries[key].task is None:
                del self._entries[key]


def note_failure(made: "asyncio.Future[Any]") -> None:
    """A failure that nobody waits for is no news; the next reader tries again."""
    if not made.cancelled() and made.exception() is not None:
        log.debug("What nobody waits for was not made: %r", made.exception())
