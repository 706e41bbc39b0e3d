"""The group of commands: errors are one line for people, misspelt names are guessed."""

import sys
from collections.abc import Iterator, MutableMapping, Sequence
from importlib import import_module
from typing import Any, NoReturn

import click

from streamproc.cli.terminal import say
from streamproc.errors import StreamprocError, did_you_mean, plain, shown

INTERRUPTED = 130
"""Exit code of what Ctrl-C stopped, as shells have it."""

_SAFE_TO_REPEAT = {
    "load": "; what was published stays, and loading again is safe: a poll counts once",
    "once": "; no report was written, and running it again is safe",
}


class Modules(MutableMapping[str, click.Command]):
    """Commands by name, each in the module of its name, imported when it is wanted.

    All of them together take over a second to import, ``once`` a fraction of that.
    """

    def __init__(self, package: str, names: Sequence[str]) -> None:
        self._package = package
        self._commands: dict[str, click.Command | None] = dict.fromkeys(names)

    def __getitem__(self, name: str) -> click.Command:
        command = self._commands[name]
        if command is None:
            module = import_module(f"{self._package}.{name}")
            command = self._commands[name] = getattr(module, name)
        return command

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._commands[name] = command

    def __delitem__(self, name: str) -> None:
        del self._commands[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._commands)

    def __len__(self) -> int:
        return len(self._commands)


def _kafka_errors() -> tuple[type[Exception], ...]:
    """What Kafka's client raises; nothing before somebody has loaded it."""
    errors = sys.modules.get("aiokafka.errors")
    return () if errors is None else (errors.KafkaError,)


class Commands(click.Group):
    """A group whose errors are no tracebacks."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Read the command line; what is wrong with it is said in plain characters."""
        try:
            return super().make_context(*args, **kwargs)
        except click.ClickException as exc:
            raise _plain(exc) from None

    def invoke(self, ctx: click.Context) -> Any:
        """Run the subcommand; exit 1 with the error's text when it fails."""
        try:
            return super().invoke(ctx)
        except StreamprocError as exc:
            _end(str(exc))
        except _kafka_errors() as exc:
            refusals = import_module("streamproc.transport.kafka.refusals")
            _end(str(refusals.translated(exc)))
        except OSError as exc:
            if exc.filename is None:
                raise
            _end(f"{exc.filename}: {exc.strerror}")
        except KeyboardInterrupt:
            hint = _SAFE_TO_REPEAT.get(ctx.invoked_subcommand or "", "")
            _end(f"stopped{hint}", INTERRUPTED)
        except click.ClickException as exc:
            raise _plain(exc) from None

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """The subcommand; of one that does not exist, the nearest that does."""
        if args and self.get_command(ctx, args[0]) is None and args[0][:1] != "-":
            hint = did_you_mean(args[0], self.list_commands(ctx))
            ctx.fail(f"no such command: {shown(args[0])}{hint}")
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None:
            _refuse_repeats(click.Context(command, ctx, name), rest)
        return name, command, rest

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which people meet them."""
        return list(self.commands)

    def format_commands(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        """List them, each with the whole first sentence of its help."""
        rows = [
            (name, self.commands[name].get_short_help_str(limit=1_000))
            for name in self.list_commands(ctx)
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _refuse_repeats(ctx: click.Context, args: Sequence[str]) -> None:
    """No value of two is dropped: a report of one file of two would look whole."""
    try:
        _, _, given = ctx.command.make_parser(ctx).parse_args(list(args))
    except click.UsageError:
        return  # the command itself says what is wrong
    for option in given:
        single = isinstance(option, click.Option) and not (
            option.multiple or option.is_flag
        )
        if single and given.count(option) > 1:
            ctx.fail(f"{option.opts[0]} is given twice.")


def _end(text: str, code: int = 1) -> NoReturn:
    say(f"streamproc: {text}", err=True)
    sys.exit(code)


def _plain(exc: click.ClickException) -> click.ClickException:
    """The error, whose text quotes what was typed, without what does not print."""
    exc.message = plain(exc.message, keep="\n")
    return exc
