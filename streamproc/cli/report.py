"""``streamproc report``: a report from the running worker."""

import asyncio
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TextIO

import click

from streamproc.cli.existing import connect_to_existing
from streamproc.cli.options import CONNECTION, from_options, settings_options
from streamproc.cli.periods import period_options, take_period
from streamproc.cli.progress_line import ProgressLine
from streamproc.cli.terminal import say
from streamproc.clock import wall_clock_us
from streamproc.errors import ReportFailedError
from streamproc.report.about import about
from streamproc.report.messages import Request
from streamproc.report.period_csv import write_period_csv
from streamproc.report.period_record import slice_names
from streamproc.report.record import Report
from streamproc.report.request import new_request
from streamproc.report.rows import write_csv
from streamproc.report.workbook import About, write_workbook
from streamproc.report_client import ReportClient
from streamproc.rules.poll import check_store_id
from streamproc.settings import Settings

Writer = Callable[[TextIO], object]


@click.command(context_settings={"max_content_width": 100})
@click.option("--store", help="Only this store's row.")
@click.option(
    "--as-of",
    default="now",
    show_default=True,
    help="now, latest (the newest poll's time), or a time such as"
    " 2023-01-25T18:13:22Z.",
)
@click.option(
    "--full",
    is_flag=True,
    help="Also unknown, open and excluded time, percent, last poll.",
)
@click.option(
    "--as-polled", is_flag=True, help="As if there were no maintenance or correction."
)
@period_options
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write: CSV, or a workbook if it ends in .xlsx; without it the report"
    " is printed.",
)
@settings_options(*CONNECTION, "report_timeout")
def report(
    store: str | None,
    as_of: str,
    full: bool,
    as_polled: bool,
    out: Path | None,
    **options: Any,
) -> None:
    """Make a report on the running worker and print or save it."""
    period = take_period(options)
    settings = from_options(options)
    if period is not None and (store is not None or full):
        raise click.UsageError("--period goes with neither --store nor --full")
    if store is not None:
        store = check_store_id(store)
    request = new_request(as_of, wall_clock_us(), store, as_polled, period=period)
    done, write = asyncio.run(_run(settings, request, full))
    for text in (done.left_out_text, done.since_text):
        if text:
            say(text, err=True)
    if out is None:
        write(sys.stdout)
        return
    try:
        _save(out, write, about(done, settings.rules))
    except OSError as exc:
        raise ReportFailedError(f"{out}: {exc.strerror}") from exc
    say(f"{out}: {done.rows_text}, as of {done.as_of_text}", err=True)


def _save(out: Path, write: Writer, said: About) -> None:
    """Write the report's CSV, or a workbook if the name ends in ``.xlsx``."""
    out.parent.mkdir(parents=True, exist_ok=True)
    if out.suffix.lower() != ".xlsx":
        with out.open("w", encoding="utf-8", newline="") as stream:
            write(stream)
        return
    with tempfile.TemporaryFile("w+", encoding="utf-8", newline="") as stream:
        write(stream)
        stream.seek(0)
        write_workbook(out, stream, said)


async def _run(
    settings: Settings, request: Request, full: bool
) -> tuple[Report, Writer]:
    """The finished report, and what writes its CSV to a stream."""
    async with connect_to_existing(settings) as client:
        reports = ReportClient(settings, client)
        if request.period is None:
            done, rows = await reports.run(request, ProgressLine())
            return done, partial(write_csv, rows=rows, full=full)
        done, parts = await reports.run_period(request, ProgressLine())
        names, group_by = slice_names(done), done.group_by
        write = partial(write_period_csv, rows=parts, names=names, group_by=group_by)
        return done, write
