"""Progress: a bar with rate and remaining time on a terminal, else plain lines."""

import sys
import time
from types import TracebackType
from typing import Any

from tqdm import tqdm

from streamproc.cli.terminal import say
from streamproc.errors import plain

LINE_EVERY_S = 5.0


class Progress:
    """Counts ``unit`` up to ``total`` (None when it is not known)."""

    def __init__(self, label: str, total: int | None, unit: str) -> None:
        self._label = plain(label)
        self._total = total
        self._unit = unit
        self._done = 0
        self._started = self._told = time.monotonic()
        self._bar: Any = None
        if sys.stderr.isatty():
            self._bar = tqdm(
                desc=self._label,
                total=total,
                unit=unit if unit == "B" else f" {unit}",
                unit_scale=unit == "B",
                file=sys.stderr,
                dynamic_ncols=True,
            )

    def __enter__(self) -> "Progress":
        return self

    def advance(self, count: int) -> None:
        """Count some more."""
        self._done += count
        if self._bar is not None:
            self._bar.update(count)
        elif time.monotonic() - self._told > LINE_EVERY_S:
            self._told = time.monotonic()
            say(self._line(), err=True)

    def _line(self) -> str:
        elapsed = max(time.monotonic() - self._started, 0.001)
        rate = self._done / elapsed
        line = f"{self._label}: {self._done:,} {self._unit}, {rate:,.0f}/s"
        left = 0 if self._total is None else self._total - self._done
        return f"{line}, {left / rate:.0f} s left" if left > 0 and rate > 0 else line

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()
        if exc is not None:
            say(f"stopped at {self._how_far()}", err=True)
        elif self._bar is None:
            say(self._line(), err=True)

    def _how_far(self) -> str:
        total = "" if self._total is None else f" of {self._total:,}"
        return f"{self._label}: {self._done:,}{total} {self._unit}"
