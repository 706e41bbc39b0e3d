"""A test event, posted by the worker that is asked, one at a time."""

import asyncio

from streamproc.program import Program
from streamproc.web.refusal import Refusal
from streamproc.web.webhook.answers import WebhookTrial, trial_answer
from streamproc.webhook.trial import post_sample


class WebhookTrials:
    """Posts test events of a program's webhook."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._one_at_a_time = asyncio.Lock()

    async def post(self) -> WebhookTrial:
        """Post one, and tell what came of it; a 409 Refusal where there is none."""
        settings = self._program.settings
        if not settings.webhook_url:
            why = "No webhook is set: STREAMPROC_WEBHOOK_URL says where to post."
            raise Refusal(409, "no-webhook", why)
        async with self._one_at_a_time:
            now_us = self._program.now_us()
            return trial_answer(settings, await post_sample(settings, now_us), now_us)
