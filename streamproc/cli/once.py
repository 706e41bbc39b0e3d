"""``streamproc once``: files in, report out, by the rules alone."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from streamproc.batch_report import make_report
from streamproc.cli.files import file_options, read_files, show, take_files
from streamproc.cli.options import from_options, settings_options
from streamproc.cli.progress import Progress
from streamproc.cli.signals import ended_in_order, undisturbed
from streamproc.cli.terminal import say
from streamproc.errors import (
    InvalidInput,
    LoadError,
    ReportFailedError,
    StreamprocError,
)
from streamproc.loading.loader import Loader
from streamproc.program import wall_clock_us
from streamproc.report.files import COMBINED, atomic_file
from streamproc.report.messages import Request
from streamproc.report.record import Report
from streamproc.report.rows import Rows, write_csv
from streamproc.report_client import new_request
from streamproc.rules.uptime import Rules

FULL = "full_report.csv"


@click.command(context_settings={"max_content_width": 100})
@file_options
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Directory for combined_report.csv.",
)
@click.option(
    "--as-of",
    default="latest",
    show_default=True,
    help="latest (the newest poll's time), now, or a time such as"
    " 2023-01-25T18:13:22Z.",
)
@click.option(
    "--full",
    is_flag=True,
    help="Write OUT/full_report.csv, too: unknown, open and excluded time, percent.",
)
@click.option(
    "--as-polled", is_flag=True, help="As if there were no maintenance or correction."
)
@settings_options("hold", "backfill")
def once(
    out: Path, as_of: str, full: bool, as_polled: bool, dry_run: bool, **options: Any
) -> None:
    """Read files, count everything, write OUT/combined_report.csv, exit.

    No worker, no log and no table: the same rules, applied to the files alone.
    """
    files, reading = take_files(options, leave_out=True)
    if files.polls is None:
        raise click.UsageError("give the polls: --polls FILE, or - for standard input")
    rules = from_options(options).rules
    request = new_request(as_of, wall_clock_us(), as_polled=as_polled, full=full)
    if isinstance(request.as_of, int):
        reading = replace(reading, until_us=request.as_of)
    with ended_in_order(), _earlier_report_named(out / COMBINED):
        loader = Loader(wall_clock_us(), Progress, out, reading)
        loaded = read_files(loader, files)
        if not loaded.polls:
            raise LoadError(f"{files.polls}: no polls, so nothing to report")
        show(loaded, "would load" if dry_run else "loaded")
        if not dry_run:
            _write(out, *_made(loader, request, rules))


@contextmanager
def _earlier_report_named(combined: Path) -> Iterator[None]:
    """Say, when there is no new report, that the one in its place is not new."""
    try:
        yield
    except (StreamprocError, OSError, KeyboardInterrupt):
        if combined.exists():
            say(f"{combined} is still that of an earlier run", err=True)
        raise


def _made(loader: Loader, request: Request, rules: Rules) -> tuple[Report, Rows]:
    assert loader.polls is not None  # asked for before
    polls, files = loader.polls.by_store(), loader.stores
    try:
        return make_report(request, polls, files, rules, wall_clock_us())
    except (InvalidInput, ReportFailedError) as exc:
        raise ReportFailedError(f"the report failed: {exc}") from exc


def _write(out: Path, report: Report, rows: Rows) -> None:
    """Put all files in place, each whole, or none of them."""
    names = {COMBINED: False} | ({FULL: True} if report.full else {})
    with undisturbed(), ExitStack() as stack:
        for name, full in names.items():
            stream = stack.enter_context(atomic_file(out / name))
            write_csv(stream, rows, full)
            stream.flush()  # a full disk is noticed before any of them is in place
    say(f"{out / COMBINED}: {report.rows:,} stores, as of {report.as_of_text}")
