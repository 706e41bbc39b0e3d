"""What a store's page and its sheet of paper show, of one question to its owner."""

from streamproc.report.messages import LATEST, NOW
from streamproc.rules.periods import Asked, parse_period
from streamproc.rules.units import DAY_US
from streamproc.web import requests
from streamproc.web.as_of import AsOf
from streamproc.web.changes.log import Asked as AskedLog
from streamproc.web.changes.log_answers import ChangesPage
from streamproc.web.counting import Counting
from streamproc.web.now.states import StoreState
from streamproc.web.refusal import Refusal
from streamproc.web.site import Site
from streamproc.web.store.months import months_before
from streamproc.web.store.shown import StoreShown
from streamproc.web.store.whole import StoreCount

MOST_CHANGES = 8
NO_CHANGES = ChangesPage(0, 1, 1, [])


class StorePages:
    """Asks for what is shown of stores."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def shown(self, name: str, asked: Asked, as_of: AsOf) -> StoreShown:
        """A store; raises a 404 Refusal when nothing is known of it."""
        site, store_id = self._site, requests.store_id(name)
        as_of_us = await site.instants.resolve(as_of)
        # A day before that of any zone: not the last month's begin, or before it.
        months = parse_period(months_before(as_of_us // DAY_US - 1))
        known = await site.periods.kept_since((asked, months), as_of_us, site.gone)
        read = await site.stores.read(store_id)
        changes = await self._changes(store_id, read.is_changed)
        by = Counting.of(site.program.settings)
        count = StoreCount(read, known, as_of_us, by)
        now, clock_us = self._now(store_id, as_of), site.program.now_us()
        return StoreShown(count, asked, as_of, now, changes, clock_us)

    def _now(self, store_id: str, as_of: AsOf) -> StoreState | None:
        """What the store is, where that of all stores is at hand.

        Else, and of other instants than now, its own polls tell: one store's page does
        not wait for what all are to be worked out.
        """
        if as_of not in (NOW, LATEST):
            return None
        everyone = self._site.everybody.cache.peek(as_of)
        return None if everyone is None else everyone.of(store_id)

    async def _changes(self, store_id: str, is_changed: bool) -> ChangesPage | None:
        """What was changed of it and of all; None while a worker does not answer."""
        log, asked = self._site.log, AskedLog(store=store_id, per_page=MOST_CHANGES)
        try:
            if not is_changed and not await log.any_of_all.get(""):
                return NO_CHANGES
            return await log.page(asked)
        except Refusal:
            return None
