"""``streamproc once``: the whole program as one batch run."""

import asyncio
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from streamproc import report_client
from streamproc.cli.load import FILE, load_files, show
from streamproc.cli.options import from_options, settings_options
from streamproc.cli.terminal import say
from streamproc.errors import ReportFailedError
from streamproc.program import Program, wall_clock_us
from streamproc.report import record
from streamproc.report.messages import Request
from streamproc.report.record import Report
from streamproc.settings import Settings
from streamproc.worker.app import build
from streamproc.worker.logs import set_up_logging
from streamproc.worker.process import run

_LOOK_EVERY_S = 0.05


@click.command(context_settings={"max_content_width": 100})
@click.option("--polls", type=FILE, required=True, help="CSV of the polls.")
@click.option("--hours", type=FILE, help="CSV of the business hours.")
@click.option("--zones", type=FILE, help="CSV of the time zones.")
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
@click.option("--strict", is_flag=True, help="Stop at the first row that is refused.")
@settings_options("hold", "backfill", "partitions", "log_level")
def once(
    polls: Path,
    hours: Path | None,
    zones: Path | None,
    out: Path,
    as_of: str,
    strict: bool,
    **options: Any,
) -> None:
    """Load files, process everything, write OUT/combined_report.csv, exit.

    Uses a private embedded log, removed afterwards, and the same agents and
    tables as a worker.
    """
    request = report_client.new_request(as_of, wall_clock_us())
    try:
        out.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=out, prefix=".once-"))
    except OSError as exc:
        raise ReportFailedError(f"{out}: {exc.strerror}") from exc
    try:
        settings = from_options(
            {
                "log_level": "warning",
                **{k: v for k, v in options.items() if v is not None},
            },
            data_dir=scratch,
            broker=f"sqlite://{scratch.absolute()}/log.db",
            hourly=False,
            web=False,
            log_sync="normal",
            commit_interval=60,
        )
        set_up_logging(settings.log_level)
        show(asyncio.run(load_files(settings, polls, hours, zones, strict)))
        done = _process(settings, request)
        made = scratch / "combined_report.csv"
        made.replace(out / "combined_report.csv")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    say(f"{out / 'combined_report.csv'}: {done.rows:,} stores, as of {done.as_of_text}")


def _process(settings: Settings, request: Request) -> Report:
    """Run a worker until the report is made."""
    ended: list[Report] = []

    async def ask(program: Program) -> None:
        ended.append(await _finished_report(program, request))

    code = run(build(settings), ask)
    if code or not ended:
        raise ReportFailedError(f"the worker stopped early, exit code {code}")
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
