"""The command ``streamproc``; one module per subcommand."""

import click

import streamproc
from streamproc.cli.commands import Commands, Modules


@click.group(cls=Commands)
@click.version_option(streamproc.__version__)
def main() -> None:
    """How long was each store up, inside its opening hours?"""


main.commands = Modules(
    __name__,
    (
        "demo",
        "once",
        "worker",
        "load",
        "report",
        "export",
        "simulate",
        "rejected",
        "future",
        "skip",
        "webhook",
        "settings",
    ),
)
