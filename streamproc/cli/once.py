"""``streamproc once``: files in, report out, by the rules alone."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TextIO

import click

from streamproc.batch.periods import PeriodRules, make_period_report
from streamproc.batch.report import make_report
from streamproc.cli.files import file_options, read_files, show, take_files
from streamproc.cli.options import from_options, settings_options
from streamproc.cli.periods import period_options, take_period
from streamproc.cli.progress import Progress
from streamproc.cli.signals import ended_in_order, undisturbed
from streamproc.cli.terminal import say
from streamproc.clock import wall_clock_us
from streamproc.errors import (
    InvalidInput,
    LoadError,
    ReportFailedError,
    StreamprocError,
    counted,
)
from streamproc.loading.loader import Loader
from streamproc.loading.polls import StorePolls
from streamproc.loading.stores import StoreFile
from streamproc.report.files import COMBINED, atomic_file
from streamproc.report.messages import PERIOD, Request
from streamproc.report.period_asked import PeriodAsked
from streamproc.report.period_csv import write_period_csv
from streamproc.report.period_record import slice_names
from streamproc.report.request import new_request
from streamproc.report.rows import write_csv
from streamproc.settings import Settings

FULL = "full_report.csv"
PERIOD_FILE = "period_report.csv"


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
@period_options
@settings_options("hold", "backfill", "bridge", "day_starts")
def once(
    out: Path, as_of: str, full: bool, as_polled: bool, dry_run: bool, **options: Any
) -> None:
    """Read files, count everything, write OUT/combined_report.csv, exit.

    With --period also OUT/period_report.csv. No worker, no log and no table: the same
    rules, applied to the files alone.
    """
    period = take_period(options)
    files, reading = take_files(options, leave_out=True)
    if not files.polls:
        raise click.UsageError("give the polls: --polls FILE, or - for standard input")
    settings = from_options(options)
    request = new_request(as_of, wall_clock_us(), as_polled=as_polled, full=full)
    if isinstance(request.as_of, int):
        reading = replace(reading, until_us=request.as_of)
    with ended_in_order(), _earlier_report_named(out / COMBINED):
        loader = Loader(wall_clock_us(), Progress, out, reading)
        loaded = read_files(loader, files)
        if not loaded.polls:
            names = ", ".join(map(str, files.polls))
            raise LoadError(f"{names}: no polls, so nothing to report")
        show(loaded, "would load" if dry_run else "loaded")
        if not dry_run:
            _write(out, _made(loader, request, period, settings))


@contextmanager
def _earlier_report_named(combined: Path) -> Iterator[None]:
    """Say, when there is no new report, that the one in its place is not new."""
    try:
        yield
    except (StreamprocError, OSError, KeyboardInterrupt):
        if combined.exists():
            say(f"{combined} is still that of an earlier run", err=True)
        raise


_Read = tuple[StorePolls, Sequence[StoreFile]]
"""Polls by store, and what else the files say."""


@dataclass(frozen=True, slots=True)
class _File:
    """A file to be written, and what is said of it."""

    name: str
    write: Callable[[TextIO], object]
    said: str = ""


def _windows(read: _Read, request: Request, settings: Settings) -> Iterator[_File]:
    """Last hour, day and week of all stores."""
    polls, files = read
    made = make_report(request, polls, files, settings.rules, wall_clock_us())
    report, rows = made
    said = f"{counted(report.rows, 'store')}, as of {report.as_of_text}"
    yield _File(COMBINED, lambda stream: write_csv(stream, rows, False), said)
    if report.full:
        yield _File(FULL, lambda stream: write_csv(stream, rows, True))


def _period(
    read: _Read, request: Request, period: PeriodAsked, settings: Settings
) -> _File:
    """The report of a period, as of the same instant."""
    counted = PeriodRules(settings.rules, settings.bridge_us, settings.day_starts_s)
    polls, files = read
    asked = replace(request, kind=PERIOD, full=False, **asdict(period))
    made = make_period_report(asked, polls, files, counted, wall_clock_us())
    report, rows = made
    names, group_by = slice_names(report), report.group_by
    said = f"{report.told}, as of {report.as_of_text}"
    return _File(
        PERIOD_FILE,
        lambda stream: write_period_csv(stream, rows, names, group_by),
        "; ".join(filter(None, (said, report.since_text))),
    )


def _made(
    loader: Loader, request: Request, period: PeriodAsked | None, settings: Settings
) -> list[_File]:
    """What is to be written; raises ReportFailedError, which says why nothing is."""
    assert loader.polls is not None  # asked for before
    read = loader.polls.by_store(), loader.stores
    try:
        made = [*_windows(read, request, settings)]
        if period is not None:
            made.append(_period(read, request, period, settings))
    except (InvalidInput, ReportFailedError) as exc:
        raise ReportFailedError(f"the report failed: {exc}") from exc
    return made


def _write(out: Path, made: Sequence[_File]) -> None:
    """Put all files in place, each whole, or none of them."""
    with undisturbed(), ExitStack() as stack:
        for each in made:
            stream = stack.enter_context(atomic_file(out / each.name))
            each.write(stream)
            stream.flush()  # a full disk is noticed before any of them is in place
    for each in made:
        if each.said:
            say(f"{out / each.name}: {each.said}")
