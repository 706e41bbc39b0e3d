"""What wants somebody's attention: told by a badge on every page."""

import asyncio
import logging
from dataclasses import dataclass

from streamproc.errors import StreamprocError
from streamproc.web.rejected.reader import RejectedPage, RejectedReader

log = logging.getLogger(__name__)

LOOK_EVERY_S = 5.0


@dataclass(frozen=True, slots=True)
class Attention:
    """How much there is to look after; ``rejected``: refused and not done with."""

    rejected: int = 0

    @property
    def total(self) -> int:
        """All of it."""
        return self.rejected

    def __bool__(self) -> bool:
        return bool(self.total)


def attention_of(found: RejectedPage) -> Attention:
    """What wants attention, by what was refused and is not done with."""
    return Attention(sum(one.count for one in found.records))


class Watch:
    """Keeps in mind what wants attention, so no page has to ask the broker."""

    def __init__(self, rejected: RejectedReader) -> None:
        self._rejected = rejected
        #: As of a few seconds ago.
        self.seen = Attention()

    async def look(self) -> None:
        """See how it is now; what cannot be read stays as it was."""
        try:
            found = await self._rejected.newest()
        except (StreamprocError, OSError) as exc:
            log.debug("What was refused cannot be read now: %s", exc)
            return
        self.seen = attention_of(found)

    async def keep_looking(self) -> None:
        """Look until the web stops."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_EVERY_S)
