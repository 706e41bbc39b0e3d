"""How far a report is, said to whoever waits for it."""

from streamproc.cli.terminal import say
from streamproc.report.record import Report


class ProgressLine:
    """Says on standard error how far the report is, whenever that changes."""

    def __init__(self) -> None:
        self._last = ""

    def __call__(self, report: Report) -> None:
        line = report.progress_text
        if line != self._last:
            self._last = line
            say(line, err=True)
