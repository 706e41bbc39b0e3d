"""``streamproc export``: days of all stores as files for other programs."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import click

from streamproc.cli.existing import connect_to_existing
from streamproc.cli.options import CONNECTION, from_options, settings_options
from streamproc.cli.progress_line import ProgressLine
from streamproc.cli.terminal import say
from streamproc.clock import wall_clock_us
from streamproc.errors import InvalidInput, ReportFailedError
from streamproc.report.export import (
    FORMATS,
    Part,
    Write,
    check_format,
    parts,
)
from streamproc.report.files import atomic_file
from streamproc.report.messages import NOW
from streamproc.report.period_asked import period_asked
from streamproc.report.period_record import slice_names
from streamproc.report.period_rows import PeriodRows
from streamproc.report.record import Report
from streamproc.report.request import new_request
from streamproc.report_client import ReportClient
from streamproc.rules.days import date_of
from streamproc.rules.special_hours import parse_date
from streamproc.rules.units import DAY_US
from streamproc.settings import Settings


@click.command(context_settings={"max_content_width": 100})
@click.option("--from", "first", required=True, help="First local date, YYYY-MM-DD.")
@click.option(
    "--to", "last", help="Last local date, in as well; yesterday if left out."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(sorted(FORMATS)),
    default="csv",
    show_default=True,
    help="parquet needs pyarrow: pip install 'streamproc[export]'.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Directory for uptime-2026-10.csv and so on, a file for each month.",
)
@settings_options(*CONNECTION, "report_timeout")
def export(first: str, last: str | None, form: str, out: Path, **options: Any) -> None:
    """Write a row per store and local date, in integer microseconds, from a worker.

    The newest month is written first; each file appears whole or not at all.
    """
    write, months = check_format(form), _asked(first, last, wall_clock_us())
    asyncio.run(_export(from_options(options), months, out, form, write))


def _asked(first: str, last: str | None, now_us: int) -> list[Part]:
    """The months asked for; raises InvalidInput for a date that nobody has yet."""
    today = datetime.fromtimestamp(now_us // 1_000_000, UTC).date()
    ends = today - timedelta(days=1) if last is None else _date(last, "--to")
    if ends > today + timedelta(days=1):
        raise InvalidInput("bad-date", f"--to is {ends}, and it is {today}")
    return parts(_date(first, "--from"), ends)


def _date(text: str, option: str) -> date:
    return date_of(parse_date(text, option))


async def _export(
    settings: Settings, months: list[Part], out: Path, form: str, write: Write
) -> None:
    async with connect_to_existing(settings) as client:
        async for part, done, rows in _made(ReportClient(settings, client), months):
            path = out / f"uptime-{part.name}.{form}"
            try:
                with atomic_file(path) as stream:
                    write(cast(Any, stream).buffer, rows, slice_names(done))
            except OSError as exc:
                raise ReportFailedError(f"{path}: {exc.strerror}") from exc
            say(f"{path}: {done.rows_text}, as of {done.as_of_text}")


async def _made(
    reports: ReportClient, months: list[Part]
) -> AsyncIterator[tuple[Part, Report, PeriodRows]]:
    """The newest month first: its report tells since when there is anything."""
    for part in reversed(months):
        asked = period_asked(part.period, "day")
        request = new_request(NOW, wall_clock_us(), period=asked)
        done, rows = await reports.run_period(request, ProgressLine())
        yield part, done, rows
        if part is not months[0] and not _reaches_before(part, done, rows):
            say(f"nothing is kept of the days before {part.first}", err=True)
            return


def _reaches_before(part: Part, done: Report, rows: PeriodRows) -> bool:
    """Whether a date before the part's first one is told of, of any store.

    Polls are let go by the month: either those of the month before are kept, or none.
    """
    assert done.first_us is not None  # or it would have failed
    names = slice_names(done)
    if not names or names[0] != f"day:{part.first}":
        return False
    begins_us = rows.of("from_us")[rows.of("slice") == 0]
    is_kept = done.whole_us < begins_us - 2 * DAY_US
    return bool((is_kept & (done.first_us < begins_us)).any())
