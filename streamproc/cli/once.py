"""``streamproc once``: the whole program as one batch run."""

import asyncio
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from streamproc import report_client
from streamproc.cli.files import file_options, read_files, show, take_files
from streamproc.cli.load import publish
from streamproc.cli.options import from_options, settings_options
from streamproc.cli.progress import Progress
from streamproc.cli.signals import undisturbed
from streamproc.cli.terminal import say
from streamproc.errors import LoadError, ReportFailedError
from streamproc.loading.loader import Files, Loader
from streamproc.program import Program, wall_clock_us
from streamproc.report import record
from streamproc.report.files import ReportFiles
from streamproc.report.messages import Request
from streamproc.report.record import Report
from streamproc.settings import Settings
from streamproc.worker.app import build
from streamproc.worker.logs import set_up_logging
from streamproc.worker.process import run
from tables.fencing import PartitionLostError

_LOOK_EVERY_S = 0.05

_RECORDS_AT_ONCE = 25_000
"""As many as are published at once for a partition; more would only take memory."""


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
@settings_options("hold", "backfill", "partitions", "log_level")
def once(
    out: Path, as_of: str, full: bool, as_polled: bool, dry_run: bool, **options: Any
) -> None:
    """Load files, process everything, write OUT/combined_report.csv, exit.

    Uses a private embedded log, removed afterwards, and the same agents and
    tables as a worker.
    """
    files, reading = take_files(options, leave_out=True)
    if files.polls is None:
        raise click.UsageError("give the polls: --polls FILE, or - for standard input")
    request = report_client.new_request(
        as_of, wall_clock_us(), as_polled=as_polled, full=full
    )
    if isinstance(request.as_of, int):
        reading = replace(reading, until_us=request.as_of)
    loader = Loader(wall_clock_us(), Progress, out, reading)
    loaded = read_files(loader, files)
    if not loaded.polls:
        raise LoadError(f"{files.polls}: no polls, so nothing to report")
    if dry_run:
        show(loaded, "would load")
        return
    scratch: Path | None = None
    try:
        with undisturbed():
            scratch = _scratch_in(out)
        settings = from_options(
            {
                "log_level": "warning",
                **{k: v for k, v in options.items() if v is not None},
            },
            data_dir=scratch,
            broker=f"sqlite://{scratch.absolute()}/log.db",
            hourly=False,
            events=False,
            webhook_url="",
            web=False,
            log_sync="normal",
            commit_interval=60,
            max_poll_records=_RECORDS_AT_ONCE,
        )
        set_up_logging(settings.log_level)
        done = _process(settings, loader, files, request)
        if done.left_out_text:
            say(done.left_out_text, err=True)
        with undisturbed():
            made = ReportFiles(scratch)
            made.path(done.report_id).replace(out / "combined_report.csv")
            if full:
                made.full_path(done.report_id).replace(out / "full_report.csv")
    finally:
        if scratch is not None:
            with undisturbed():
                shutil.rmtree(scratch, ignore_errors=True)
    say(f"{out / 'combined_report.csv'}: {done.rows:,} stores, as of {done.as_of_text}")


def _scratch_in(out: Path) -> Path:
    """A directory of its own for the log and the tables, to be removed afterwards."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(dir=out, prefix=".once-"))
    except OSError as exc:
        raise ReportFailedError(f"{out}: {exc.strerror}") from exc


def _process(
    settings: Settings, loader: Loader, files: Files, request: Request
) -> Report:
    """Run a worker until the report is made; it takes in what is being published.

    Raises KeyboardInterrupt when a signal has stopped the worker before.
    """
    ended: list[Report] = []

    async def ask(program: Program) -> None:
        await asyncio.to_thread(asyncio.run, publish(settings, loader, files))
        show(loader.loaded)
        ended.append(await _finished_report(program, request))

    try:
        code = run(build(settings), ask)
    except PartitionLostError:
        code = 0  # it was stopped beneath the question for the report
    if code:
        raise ReportFailedError(f"the worker stopped early, exit code {code}")
    if not ended:
        raise KeyboardInterrupt
    if ended[0].state == record.FAILED:
        raise ReportFailedError(f"the report failed: {ended[0].error}")
    return ended[0]


async def _finished_report(program: Program, request: Request) -> Report:
    await program.until_ready()
    request = replace(request, requested_us=program.now_us())
    await program.to_collector(request)
    while True:
        report = program.reports.find(request.report_id)
        if report is not None and report.state != record.RUNNING:
            return report
        await asyncio.sleep(_LOOK_EVERY_S)
