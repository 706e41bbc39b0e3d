"""Browsers that are signed in: each has a secret of its own, and its end."""

import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable

SESSION_S = 12 * 3600
MAX_SESSIONS = 1_000
"""Beyond it the oldest ends."""

_ID_BYTES = 32


class OpenSessions:
    """Sessions of this worker; none outlives it.

    Only digests are kept: what is in memory does not open anything.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: OrderedDict[bytes, float] = OrderedDict()
        self._names: dict[bytes, str] = {}

    def open(self) -> str:
        """Begin a session; return its secret, which goes into the cookie."""
        secret = secrets.token_urlsafe(_ID_BYTES)
        self._until[digest_of(secret)] = self._clock() + SESSION_S
        if len(self._until) > MAX_SESSIONS:
            oldest, _ = self._until.popitem(last=False)
            self._names.pop(oldest, None)
        return secret

    def is_open(self, secret: str) -> bool:
        """Whether it was begun here, and has not ended."""
        return self._until.get(digest_of(secret), 0.0) > self._clock()

    def end(self, secret: str) -> None:
        """End a session: its cookie is worth nothing from now on, wherever it is."""
        self._until.pop(digest_of(secret), None)
        self._names.pop(digest_of(secret), None)

    def call(self, secret: str, name: str) -> None:
        """Keep the name that the reader of an open session gives himself."""
        if self.is_open(secret):
            self._names[digest_of(secret)] = name

    def name_of(self, secret: str) -> str:
        """That name; empty while none was given, and once the session has ended."""
        return self._names.get(digest_of(secret), "") if self.is_open(secret) else ""


def digest_of(secret: str) -> bytes:
    """What is kept of a secret, and compared: of one length, whatever was sent."""
    return hashlib.sha256(secret.encode(errors="surrogateescape")).digest()
