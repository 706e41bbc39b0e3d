"""Handler of how the webhook goes."""

from aiohttp import web

from streamproc.web.described import described
from streamproc.web.refusal import Error
from streamproc.web.responses import json
from streamproc.web.site import Site
from streamproc.web.webhook.answers import WebhookAnswer, WebhookTrial
from streamproc.web.webhook.calls import WEBHOOK
from streamproc.webhook.sender import LEADER


class WebhookHandlers:
    """Tell of the webhook."""

    def __init__(self, site: Site) -> None:
        self._site = site

    @described(WebhookAnswer)
    async def one(self, request: web.Request) -> web.Response:
        """How the webhook goes: what was delivered, what waits, what was given up."""
        return json(await self._site.cluster.ask(WEBHOOK, LEADER))

    @described(WebhookTrial, others={409: Error})
    async def test(self, request: web.Request) -> web.Response:
        """Post a test event, signed like any other, and tell what came of it."""
        return json(await self._site.webhook_trials.post())
