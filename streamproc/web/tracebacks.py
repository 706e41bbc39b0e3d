"""Tracebacks in the log: a few a minute, the others counted."""

import logging
import time
from collections import deque
from collections.abc import Callable

from aiohttp.http import HttpProcessingError


class FewTracebacks(logging.Filter):
    """Leaves out tracebacks beyond a few, so that a flood of them fills no disk."""

    MOST = 5
    EVERY_S = 60.0

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._shown: deque[float] = deque(maxlen=self.MOST)
        self._left_out = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is logged; it tells of those left out before it."""
        if not record.exc_info:
            return True
        if isinstance(record.exc_info[1], HttpProcessingError):
            return False  # somebody's bytes are not HTTP: no fault of ours
        now = self._clock()
        if len(self._shown) == self.MOST and now - self._shown[0] < self.EVERY_S:
            self._left_out += 1
            return False
        self._shown.append(now)
        if self._left_out:
            more = f" ({self._left_out} like it were left out)"
            record.msg, record.args = record.getMessage() + more, None
            self._left_out = 0
        return True


_LOGGERS = ("aiohttp.server", "streamproc.web.middleware")


def limit_tracebacks() -> None:
    """Put the filter on the loggers that a request can make write."""
    for logger in map(logging.getLogger, _LOGGERS):
        if not any(isinstance(found, FewTracebacks) for found in logger.filters):
            logger.addFilter(FewTracebacks())
