"""The command ``streamproc``; one module per subcommand."""

import click

import streamproc
from streamproc.cli.commands import Commands
from streamproc.cli.demo import demo
from streamproc.cli.future import future
from streamproc.cli.load import load
from streamproc.cli.once import once
from streamproc.cli.rejected import rejected
from streamproc.cli.report import report
from streamproc.cli.settings import settings
from streamproc.cli.simulate import simulate
from streamproc.cli.skip import skip
from streamproc.cli.webhook import webhook
from streamproc.cli.worker import worker


@click.group(cls=Commands)
@click.version_option(streamproc.__version__)
def main() -> None:
    """How long was each store up, inside its opening hours?"""


commands = (
    demo,
    once,
    worker,
    load,
    report,
    simulate,
    rejected,
    future,
    skip,
    webhook,
    settings,
)
for command in commands:
    main.add_command(command)
