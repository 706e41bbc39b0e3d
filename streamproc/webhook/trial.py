"""A test of the webhook: one event of a store that is none, posted as all are."""

from dataclasses import dataclass

from streamproc.errors import SettingsError
from streamproc.events import Event, event_id, incident_id
from streamproc.rules.transitions import DOWN
from streamproc.settings import Settings
from streamproc.webhook.calling import Caller, Outcome

SAMPLE = "streamproc-webhook-test"
"""Store id of the event that is posted to try it out."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of it; ``signed``: whether the receiver could tell whose it is."""

    outcome: Outcome
    signed: bool


async def post_sample(settings: Settings, now_us: int) -> Trial:
    """Post a sample to the webhook of the settings, once.

    Raises SettingsError where there is none. It counts for nothing.
    """
    if not settings.webhook_url:
        raise SettingsError("STREAMPROC_WEBHOOK_URL is not set: there is no webhook")
    async with Caller(settings) as caller:
        outcome = await caller.post([sample(now_us)])
    return Trial(outcome, bool(settings.webhook_key))


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
