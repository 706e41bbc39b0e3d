"""How much of the time may be spent on what anybody may ask for. Pure."""

import math

_ROUNDING = 1e-6


class Budget:
    """Seconds of work that may be done: a share of the time, and some at once."""

    def __init__(self, share: float, at_once_s: float, now_s: float = 0.0) -> None:
        self._share = share
        self._most_s = at_once_s
        self._left_s = at_once_s
        self._counted_at = now_s

    def spend(self, seconds: float, now_s: float) -> None:
        """Note work that was done; it may have been more than was left."""
        self._fill(now_s)
        self._left_s -= seconds

    def wait_s(self, now_s: float) -> int:
        """Whole seconds until more may be done; 0 for now."""
        return math.ceil(self.delay_s(now_s))

    def delay_s(self, now_s: float) -> float:
        """Seconds until more may be done; 0 for now."""
        self._fill(now_s)
        return max(-self._left_s / self._share - _ROUNDING, 0.0)

    def _fill(self, now_s: float) -> None:
        passed_s = max(now_s - self._counted_at, 0.0)
        self._left_s = min(self._left_s + passed_s * self._share, self._most_s)
        self._counted_at = now_s
