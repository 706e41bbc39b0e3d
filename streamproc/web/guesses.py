"""Guessing a token is slowed: a peer may be wrong a few times, then must wait. Pure."""

from collections import OrderedDict
from typing import TypeVar

from streamproc.web.budget import Budget

T = TypeVar("T")

AT_ONCE = 10
A_MINUTE = 10
TRUSTED_S = 3600.0
"""How long a peer that gave the right token is not kept waiting for others' guesses.

A reverse proxy is one peer: guesses of its other clients must not shut out those who
have the token. It can tell its clients apart, and limit them.
"""

MAX_PEERS = 10_000


class Guesses:
    """Wrong tokens by peer."""

    def __init__(self) -> None:
        self._left: OrderedDict[str, Budget] = OrderedDict()
        self._trusted: OrderedDict[str, float] = OrderedDict()

    def wait_s(self, peer: str, now_s: float) -> int:
        """Seconds until a token of this peer is looked at; 0 for now."""
        if self._trusted.get(peer, 0.0) > now_s:
            return 0
        left = self._left.get(peer)
        return 0 if left is None else left.wait_s(now_s)

    def wrong(self, peer: str, now_s: float) -> None:
        """Note a wrong token."""
        left = self._left.setdefault(peer, Budget(A_MINUTE / 60, AT_ONCE - 1, now_s))
        left.spend(1.0, now_s)
        _keep_newest(self._left, peer)

    def right(self, peer: str, now_s: float) -> None:
        """Note the right token."""
        self._trusted[peer] = now_s + TRUSTED_S
        _keep_newest(self._trusted, peer)


def _keep_newest(kept: OrderedDict[str, T], peer: str) -> None:
    kept.move_to_end(peer)
    if len(kept) > MAX_PEERS:
        kept.popitem(last=False)
