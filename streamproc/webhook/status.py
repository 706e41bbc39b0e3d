"""What there is to tell of the webhook: what was delivered, what not, and why."""

from collections import deque
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from streamproc.events import Event, Suspect
from streamproc.settings import Settings

LISTED = 100
"""How many of the events that were given up are listed, the newest."""

RECENT = 20
"""How many calls are listed, the newest."""


@dataclass(frozen=True, slots=True)
class Lost:
    """An event that was given up."""

    event: Event | Suspect
    reason: str


@dataclass(frozen=True, slots=True)
class Posted:
    """A call that was made at a time, in seconds since 1970, with so many events.

    ``status``: of the answer; ``error``: why it was not taken. None: there is none.
    """

    at_s: float
    events: int
    status: int | None
    error: str | None
    took_s: float


@dataclass(slots=True)
class WebhookStatus:
    """The webhook as its worker sees it, since that worker has started.

    ``delivered``, ``given_up``: events. ``posts``, ``failed``: calls that were made,
    and of them those that were not taken. ``lag``: events not delivered yet. Times are
    seconds since 1970, None for never. ``recent``: the newest calls, the last one last.
    """

    delivered: int = 0
    posts: int = 0
    failed: int = 0
    given_up: int = 0
    lag: int = 0
    delivered_s: float | None = None
    error: str | None = None
    error_s: float | None = None
    retry_s: float | None = None
    recent: deque[Posted] = field(default_factory=lambda: deque(maxlen=RECENT))
    lost: deque[Lost] = field(default_factory=lambda: deque(maxlen=LISTED))


def shown_url(settings: Settings) -> str:
    """Where the webhook is, without what lets anybody post there."""
    parts = urlsplit(settings.webhook_url)
    if not parts.hostname:
        return ""
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}/…"
