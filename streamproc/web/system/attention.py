"""What wants somebody's attention: told by a badge on every page."""

import asyncio
import logging
from dataclasses import dataclass

from streamproc.errors import StreamprocError
from streamproc.web.cluster.peers import Cluster
from streamproc.web.refusal import Refusal
from streamproc.web.rejected.reader import RejectedPage, RejectedReader
from streamproc.web.webhook.answers import WebhookAnswer
from streamproc.web.webhook.calls import WEBHOOK
from streamproc.webhook.sender import LEADER

log = logging.getLogger(__name__)

LOOK_EVERY_S = 5.0


@dataclass(frozen=True, slots=True)
class Attention:
    """How much there is to look after.

    ``rejected``: refused and not done with. ``given_up``: events that no webhook took.
    """

    rejected: int = 0
    given_up: int = 0

    @property
    def total(self) -> int:
        """All of it."""
        return self.rejected + self.given_up

    def __bool__(self) -> bool:
        return bool(self.total)


def attention_of(found: RejectedPage, webhook: WebhookAnswer | None) -> Attention:
    """What wants attention, by what was refused and what could not be delivered."""
    given_up = 0 if webhook is None else webhook.given_up
    return Attention(sum(one.count for one in found.records), given_up)


async def webhook_of(cluster: Cluster) -> WebhookAnswer | None:
    """How the webhook goes; None while the worker that posts does not answer."""
    try:
        return await cluster.ask(WEBHOOK, LEADER)
    except Refusal:
        return None


class Watch:
    """Keeps in mind what wants attention, so no page has to ask the broker."""

    def __init__(self, rejected: RejectedReader, cluster: Cluster) -> None:
        self._rejected = rejected
        self._cluster = cluster
        #: As of a few seconds ago.
        self.seen = Attention()

    async def look(self) -> None:
        """See how it is now; what cannot be read stays as it was."""
        try:
            found = await self._rejected.newest()
        except (StreamprocError, OSError) as exc:
            log.debug("What was refused cannot be read now: %s", exc)
            return
        self.seen = attention_of(found, await webhook_of(self._cluster))

    async def keep_looking(self) -> None:
        """Look until the web stops."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_EVERY_S)
