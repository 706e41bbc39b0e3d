"""Which topics a worker consumes are missing: said within seconds, and once a minute.

aiokafka asks again and again for a topic that is gone, and raises nothing.
"""

import asyncio
import logging
from collections.abc import Awaitable, Collection
from typing import TypeVar

from streamproc.errors import TopicMissingError

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")

_STEP_S = 0.5


class TopicWatch:
    """Notes which topics are there. ``missing``: those that are not."""

    def __init__(self) -> None:
        self.missing: frozenset[str] = frozenset()

    def note(self, expected: Collection[str], found: Collection[str]) -> None:
        """What a broker tells; raises TopicMissingError when it has none of them."""
        before, self.missing = self.missing, frozenset(expected) - frozenset(found)
        for topic in sorted(self.missing):
            log.error("%s", _told(topic), extra={"once_per_while": ("missing", topic)})
        for topic in sorted(before - self.missing):
            log.warning("topic %s is back", topic)
        if self.missing and self.missing == frozenset(expected):
            raise TopicMissingError(
                f"all topics are missing, {min(self.missing)} and {len(expected) - 1}"
                " more: is this another cluster? Workers that start create what is"
                " missing"
            )

    def check(self, topics: Collection[str]) -> None:
        """Raise TopicMissingError when one of some topics is missing."""
        for topic in sorted(self.missing.intersection(topics)):
            raise TopicMissingError(_told(topic))

    async def unless_missing(
        self, topics: Collection[str], asked: Awaitable[Answer]
    ) -> Answer:
        """An answer about topics; TopicMissingError as soon as one of them is gone."""
        waiting = asyncio.ensure_future(asked)
        try:
            while not waiting.done():
                self.check(topics)
                await asyncio.wait({waiting}, timeout=_STEP_S)
            return waiting.result()
        finally:
            waiting.cancel()


def _told(topic: str) -> str:
    return (
        f"topic {topic} is missing: it was deleted while workers run; what was in it is"
        " lost. Create it again, or restart the workers, which create it; until then"
        " reports fail"
    )
