"""The webhook as the API tells of it."""

from dataclasses import dataclass
from typing import Annotated

from streamproc.events import ALL_KINDS, Event
from streamproc.report.record import time_text
from streamproc.settings import Settings
from streamproc.settings.webhook import FORMATS
from streamproc.web.shapes import OneOf
from streamproc.webhook.sender import posted
from streamproc.webhook.status import Lost, Posted, WebhookStatus, shown_url
from streamproc.webhook.trial import Trial


@dataclass(frozen=True, slots=True)
class LostEvent:
    """An event that was given up, and why."""

    id: str
    store_id: str | None
    kind: Annotated[str, OneOf(ALL_KINDS)]
    at: str
    reason: str


@dataclass(frozen=True, slots=True)
class WebhookPost:
    """A call that was made with so many events; ``error``: why it was not taken."""

    at: str
    events: int
    status: int | None
    error: str | None
    took_ms: int


@dataclass(frozen=True, slots=True)
class WebhookTrial:
    """What came of a test event; ``worker``: who has posted it."""

    url: str
    worker: str
    signed: bool
    delivered: bool
    post: WebhookPost


@dataclass(frozen=True, slots=True)
class WebhookAnswer:
    """How the webhook goes, since the worker that posts has started.

    ``url``: without what lets anybody post there. ``delivered``, ``given_up``, ``lag``:
    events; ``lag`` of them are not delivered yet. ``posts``: calls made, and ``failed``
    of them not taken. ``recent``: the newest calls, ``lost``: the newest events that
    were given up.
    """

    enabled: bool
    url: str
    format: Annotated[str, OneOf(FORMATS)]
    where: str
    worker: str
    delivered: int
    posts: int
    failed: int
    given_up: int
    lag: int
    last_delivered: str | None
    last_error: str | None
    last_error_at: str | None
    retry_at: str | None
    recent: list[WebhookPost]
    lost: list[LostEvent]


def webhook_answer(settings: Settings, status: WebhookStatus) -> WebhookAnswer:
    """What the worker that posts tells of it."""
    return WebhookAnswer(
        bool(settings.webhook_url),
        shown_url(settings),
        settings.webhook_format,
        settings.webhook_where,
        settings.advertised_url,
        status.delivered,
        status.posts,
        status.failed,
        status.given_up,
        status.lag,
        _time(status.delivered_s),
        status.error,
        _time(status.error_s),
        _time(status.retry_s),
        [_post(one) for one in reversed(status.recent)],
        [_lost(one) for one in reversed(status.lost)],
    )


def trial_answer(settings: Settings, trial: Trial, now_us: int) -> WebhookTrial:
    """What this worker tells of a test event that it has posted."""
    return WebhookTrial(
        shown_url(settings),
        settings.advertised_url,
        trial.signed,
        trial.outcome.delivered,
        _post(posted(trial.outcome, 1, now_us / 1_000_000)),
    )


def _post(one: Posted) -> WebhookPost:
    at = time_text(round(one.at_s * 1_000_000))
    took_ms = round(one.took_s * 1_000)
    return WebhookPost(at, one.events, one.status, one.error, took_ms)


def _lost(one: Lost) -> LostEvent:
    event = one.event
    store_id = event.store_id if isinstance(event, Event) else None
    at = time_text(event.at_us)
    return LostEvent(event.id, store_id, event.kind, at, one.reason)


def _time(time_s: float | None) -> str | None:
    return None if time_s is None else time_text(round(time_s * 1_000_000))
