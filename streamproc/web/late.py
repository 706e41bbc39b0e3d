"""Answers that take longer than anybody waits: made, and found by who asks again."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

from streamproc.web.cache import note_failure
from streamproc.web.refusal import Refusal

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

PATIENCE_S = 8.0
"""How long an answer is waited for, each time."""

KEPT_S = 600.0
"""How long one that took longer is kept."""

MOST = 4
"""Questions that take long and are answered at once."""

RETRY_AFTER_S = 5


class StillMakingError(Refusal):
    """Raised to who has to ask again for an answer that takes long."""

    def __init__(self) -> None:
        why = "This takes long: it is being made, and kept for who asks again."
        super().__init__(503, "busy", why, retry_after_s=RETRY_AFTER_S)


class Late(Generic[K, V]):
    """Makes each answer anew, but those that take long.

    Who asks for one of these is told to ask again, and then finds it, as of when it was
    begun. ``most``: so many of them are made or kept at once; each costs memory.
    """

    def __init__(
        self,
        patience_s: float | None = None,
        kept_s: float = KEPT_S,
        most: int = MOST,
    ) -> None:
        self._patience_s = PATIENCE_S if patience_s is None else patience_s
        self._kept_s = kept_s
        self._most = most
        self._late: dict[K, asyncio.Task[V]] = {}

    async def get(self, key: K, make: Callable[[], Coroutine[Any, Any, V]]) -> V:
        """An answer; raises a 503 Refusal as long as it is being made."""
        task = self._late.get(key)
        if task is None:
            return await self._begun(key, asyncio.create_task(make()))
        await asyncio.wait([task], timeout=self._patience_s)
        if not task.done():
            raise StillMakingError
        if task.cancelled() or task.exception() is not None:
            self._forget(key)  # it is tried again by who asks again
        return task.result()

    async def _begun(self, key: K, task: "asyncio.Task[V]") -> V:
        """Wait for an answer; it goes on where that is too long."""
        try:
            await asyncio.wait([task], timeout=self._patience_s)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if task.done():
            return task.result()
        self._keep(key, task)
        raise StillMakingError

    def _keep(self, key: K, task: "asyncio.Task[V]") -> None:
        if key in self._late or not self._has_room():
            task.cancel()
            why = "Too much that takes long is being made."
            raise Refusal(503, "busy", why, retry_after_s=RETRY_AFTER_S)
        self._late[key] = task
        task.add_done_callback(note_failure)
        loop, delay_s = asyncio.get_running_loop(), self._kept_s
        task.add_done_callback(lambda _: loop.call_later(delay_s, self._forget, key))

    def _has_room(self) -> bool:
        """Make room for one more: of those that are there the oldest goes."""
        if len(self._late) < self._most:
            return True
        done = [key for key, task in self._late.items() if task.done()]
        if done:
            self._forget(done[0])
        return bool(done)

    def _forget(self, key: K) -> None:
        self._late.pop(key, None)
