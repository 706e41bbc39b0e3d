"""A request for a report, as a person makes it. Pure."""

import secrets
from dataclasses import asdict
from datetime import UTC, datetime

from streamproc.report import record
from streamproc.report.messages import ALL, LATEST, NOW, PERIOD, STORE, Request
from streamproc.report.period_asked import PeriodAsked
from streamproc.rules.timestamp import parse_as_of


def new_request(
    as_of: str,
    now_us: int,
    store_id: str | None = None,
    as_polled: bool = False,
    full: bool = False,
    period: PeriodAsked | None = None,
) -> Request:
    """A request as a person makes it; raises InvalidInput for a bad time."""
    parsed: str | int = as_of
    if as_of not in (NOW, LATEST):
        parsed = record.check_as_of(parse_as_of(as_of), now_us)
    moment = datetime.fromtimestamp(now_us // 1_000_000, UTC)
    report_id = f"{moment:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
    kind = STORE if store_id else ALL
    if period is not None:
        told = asdict(period)
        return Request(report_id, PERIOD, parsed, now_us, None, as_polled, **told)
    return Request(report_id, kind, parsed, now_us, store_id or None, as_polled, full)
