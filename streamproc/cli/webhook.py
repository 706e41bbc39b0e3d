"""``streamproc webhook``: whether events reach the receiver."""

import asyncio
from typing import Any

import click

from streamproc.cli.options import from_options, settings_options
from streamproc.cli.terminal import say
from streamproc.clock import wall_clock_us
from streamproc.errors import WebhookError
from streamproc.webhook.status import shown_url
from streamproc.webhook.trial import post_sample


@click.group()
def webhook() -> None:
    """The webhook that events are posted to."""


@webhook.command(context_settings={"max_content_width": 100})
@settings_options("webhook_format", "webhook_link_local", "webhook_secret_file")
def test(**options: Any) -> None:
    """Post a sample, a store that is down, to STREAMPROC_WEBHOOK_URL, once."""
    settings = from_options(options)
    trial = asyncio.run(post_sample(settings, wall_clock_us()))
    outcome = trial.outcome
    if not outcome.delivered:
        raise WebhookError(f"{shown_url(settings)}: not delivered: {outcome.error}")
    signed = "signed" if trial.signed else "not signed: there is no secret"
    say(f"{shown_url(settings)}: delivered ({outcome.status}), {signed}")
