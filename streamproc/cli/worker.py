"""``streamproc worker``: agents, tables and timer on the configured broker."""

import sys
from typing import Any

import click

from streamproc.cli.options import (
    ALL,
    from_options,
    make_data_dir,
    settings_options,
)
from streamproc.worker.app import build
from streamproc.worker.logs import set_up_logging
from streamproc.worker.process import run


@click.command(context_settings={"max_content_width": 100})
@settings_options(*ALL)
def worker(**options: Any) -> None:
    """Run a worker until Ctrl-C or SIGTERM.

    On the embedded log one worker runs at a time; on Kafka as many as there
    are partitions. Settings also come from the environment.
    """
    settings = from_options(options)
    make_data_dir(settings)
    set_up_logging(settings.log_level)
    sys.exit(run(build(settings)))
