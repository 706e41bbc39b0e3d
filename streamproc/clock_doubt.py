"""Many polls from the future: then it is this machine's clock that is wrong."""

import logging
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from streamproc.rules.poll import IN_THE_FUTURE

log = logging.getLogger(__name__)

MANY = 10
"""Polls from the future within a minute that make the clock doubtful."""

MINUTE_S = 60.0


class ClockDoubt:
    """Counts polls that were refused as being in the future; says it once a minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._count = 0
        self._since_s = clock()
        self._said_s = -MINUTE_S

    def note(self, reasons: Iterable[str], now_us: int) -> None:
        """Count those of some refused polls; ``now_us``: this machine's time."""
        now_s = self._clock()
        if now_s - self._since_s > MINUTE_S:
            self._count, self._since_s = 0, now_s
        self._count += sum(reason == IN_THE_FUTURE for reason in reasons)
        if self._count >= MANY and now_s - self._said_s >= MINUTE_S:
            log.warning(
                "%d polls within a minute were refused as being in the future: is this"
                " machine's clock wrong? It says %s UTC",
                self._count,
                f"{datetime.fromtimestamp(now_us / 1e6, UTC):%Y-%m-%d %H:%M:%S}",
            )
            self._count, self._said_s = 0, now_s
