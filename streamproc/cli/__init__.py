"""The command ``streamproc``; one module per subcommand."""

import sys
from typing import Any

import click
from aiokafka.errors import KafkaError

import streamproc
from streamproc.cli.demo import demo
from streamproc.cli.load import load
from streamproc.cli.once import once
from streamproc.cli.rejected import rejected
from streamproc.cli.report import report
from streamproc.cli.settings import settings
from streamproc.cli.simulate import simulate
from streamproc.cli.skip import skip
from streamproc.cli.worker import worker
from streamproc.errors import StreamprocError
from streamproc.transport.kafka.refusals import in_words


class Commands(click.Group):
    """A group whose errors are one line for people, not a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the subcommand; exit 1 with the error's text when it fails."""
        try:
            return super().invoke(ctx)
        except StreamprocError as exc:
            error = exc
        except KafkaError as exc:
            error = in_words(exc)
        click.echo(f"streamproc: {error}", err=True)
        sys.exit(1)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which people meet them."""
        return list(self.commands)


@click.group(cls=Commands)
@click.version_option(streamproc.__version__)
def main() -> None:
    """How long was each store up, inside its opening hours?"""


commands = (demo, once, worker, load, report, simulate, rejected, skip, settings)
for command in commands:
    main.add_command(command)
