"""``streamproc webhook``: whether events reach the receiver."""

import asyncio
from typing import Any

import click

from streamproc.cli.options import from_options, settings_options
from streamproc.cli.terminal import say
from streamproc.clock import wall_clock_us
from streamproc.errors import SettingsError, WebhookError
from streamproc.events import Event, event_id, incident_id
from streamproc.rules.transitions import DOWN
from streamproc.settings import Settings
from streamproc.webhook.calling import Caller, Outcome
from streamproc.webhook.status import shown_url

SAMPLE = "streamproc-webhook-test"
"""Store id of the event that is posted to try it out."""


@click.group()
def webhook() -> None:
    """The webhook that events are posted to."""


@webhook.command(context_settings={"max_content_width": 100})
@settings_options("webhook_format", "webhook_link_local", "webhook_secret_file")
def test(**options: Any) -> None:
    """Post a sample, a store that is down, to STREAMPROC_WEBHOOK_URL, once."""
    settings = from_options(options)
    if not settings.webhook_url:
        raise SettingsError("STREAMPROC_WEBHOOK_URL is not set: there is no webhook")
    outcome = asyncio.run(_post(settings))
    if not outcome.delivered:
        raise WebhookError(f"{shown_url(settings)}: not delivered: {outcome.error}")
    signed = "signed" if settings.webhook_key else "not signed: there is no secret"
    say(f"{shown_url(settings)}: delivered ({outcome.status}), {signed}")


async def _post(settings: Settings) -> Outcome:
    async with Caller(settings) as caller:
        return await caller.post([sample(wall_clock_us())])


def sample(now_us: int) -> Event:
    """An event of a store that is none."""
    return Event(
        event_id(SAMPLE, DOWN, now_us),
        SAMPLE,
        DOWN,
        now_us,
        now_us,
        incident_id(SAMPLE, now_us),
        name="A test of the webhook",
    )
