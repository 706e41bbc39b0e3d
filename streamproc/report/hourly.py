"""The report of each full hour: which is due, and what is asked for. Pure."""

from collections.abc import Iterable
from datetime import UTC, datetime

from streamproc.report.messages import HOURLY, Request
from streamproc.report.record import Report, is_future
from streamproc.rules.units import HOUR_US


def hourly_request(hour_us: int) -> Request:
    """The report of a full hour; its id makes repeats one and the same."""
    moment = datetime.fromtimestamp(hour_us // 1_000_000, UTC)
    return Request(f"hourly-{moment:%Y%m%dT%H%MZ}", HOURLY, hour_us, hour_us)


def due_hour(now_us: int, reports: Iterable[Report]) -> int | None:
    """The newest full hour, when no report of it (or a later one) exists yet.

    A report of the future does not count: it comes of a clock that was wrong.
    """
    hour_us = now_us // HOUR_US * HOUR_US
    done = any(
        report.as_of_us is not None
        and hour_us <= report.as_of_us
        and not is_future(report.as_of_us, now_us)
        for report in reports
        if report.kind == HOURLY and not report.doubted
    )
    return None if done else hour_us
