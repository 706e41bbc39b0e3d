"""The options of commands that read files, and what is said of the files."""

import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import click

from streamproc.cli.terminal import say
from streamproc.errors import InvalidInput, LoadError, counted
from streamproc.loading.choices import OPTIONS
from streamproc.loading.loader import Loader
from streamproc.loading.options import Files, Loaded, Reading
from streamproc.loading.reading import names_of, words_of
from streamproc.loading.source import STDIN
from streamproc.rules.poll import STATUS
from streamproc.rules.schedule import WEEKDAYS

Function = TypeVar("Function", bound=Callable[..., Any])

FILE = click.Path(path_type=Path, dir_okay=False)


class Told(click.ParamType):
    """An option's text, read as everywhere; what it does not take is a usage error."""

    name = "A=B,…"

    def __init__(self, read: Callable[[str], Any]) -> None:
        self._read = read

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        """What the text says."""
        try:
            return self._read(value) if isinstance(value, str) else value
        except InvalidInput as exc:
            return self.fail(str(exc), param, ctx)


def _option(name: str, **more: Any) -> Callable[[Function], Function]:
    """One of the options that say how files are read."""
    told = OPTIONS[name]
    return click.option(told.flag, name, help=told.help, **more)


_OPTIONS = (
    click.option(
        "--polls",
        type=FILE,
        multiple=True,
        help="CSV of store_id, status, timestamp_utc; several files: each with it.",
    ),
    click.option(
        "--hours",
        type=FILE,
        help="CSV of store_id, day or dayOfWeek, start_time_local, end_time_local,"
        " and valid_from where a week is dated.",
    ),
    click.option("--zones", type=FILE, help="CSV of store_id, timezone_str."),
    click.option(
        "--special-hours",
        type=FILE,
        help="CSV of store_id (or *), date, start_time_local, end_time_local, note.",
    ),
    click.option(
        "--exclusions",
        type=FILE,
        help="CSV of store_id (or *), id, kind, from_utc, to_utc or from_local,"
        " to_local, note.",
    ),
    click.option(
        "--labels",
        type=FILE,
        help="CSV of store_id, name, target; every other column is a label.",
    ),
    _option("names", type=Told(names_of)),
    _option("words", type=Told(words_of)),
    _option("weekdays", type=click.Choice(list(WEEKDAYS))),
    click.option("--strict", is_flag=True, help="Stop at the first refused row."),
    _option("skip_refused", is_flag=True),
    _option(
        "max_refused",
        type=click.FloatRange(0, 1),
        default=Reading().max_refused,
        show_default=True,
    ),
    _option("force", is_flag=True),
    click.option(
        "--dry-run", is_flag=True, help="Only read and check; publish nothing."
    ),
)


def file_options(function: Function) -> Function:
    """Add the options above; ``take_files`` makes sense of them."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def take_files(options: dict[str, Any], leave_out: bool) -> tuple[Files, Reading]:
    """Take the options above out of a command's, as what to load and how."""
    files = Files(**{each.name: options.pop(each.name) for each in fields(Files)})
    others = (each.name for each in fields(Files) if each.name != "polls")
    given = [*files.polls, *(getattr(files, name) for name in others)]
    if given.count(STDIN) > 1:
        raise click.UsageError("only one file can come from standard input")
    weekdays = options.pop("weekdays")
    reading = Reading(
        names=options.pop("names") or {},
        words=options.pop("words") or STATUS,
        weekdays=WEEKDAYS[weekdays] if weekdays else None,
        strict=options.pop("strict"),
        skip_refused=options.pop("skip_refused"),
        leave_out=leave_out,
        max_refused=options.pop("max_refused"),
        force=options.pop("force"),
    )
    return files, reading


def read_files(loader: Loader, files: Files) -> Loaded:
    """Read the files; what was refused is told also when they are not loaded."""
    try:
        return loader.read(files)
    except (LoadError, OSError) as exc:
        show_refused(loader.loaded, err=True)
        if isinstance(exc, OSError):
            raise LoadError(f"{exc.filename}: {exc.strerror}") from exc
        raise


def show(loaded: Loaded, verb: str = "loaded") -> None:
    """Print the summary; what should be looked at goes to standard error."""
    of_stores = {"hours": loaded.hours, "zones": loaded.zones}
    told = [
        counted(loaded.polls, "poll"),
        *(
            f"{k} of {counted(count, 'store')}"
            for k, count in of_stores.items()
            if count
        ),
        *(f"{kind}: {count:,}" for kind, count in loaded.more.items()),
    ]
    say(f"{verb} {', '.join(told)}")
    for line in loaded.summary:
        say(line)
    show_refused(loaded)
    sys.stdout.flush()
    for line in loaded.remarks:
        say(f"warning: {line}", err=True)


def show_refused(loaded: Loaded, err: bool = False) -> None:
    """Print how many rows were refused, by reason, and where they are."""
    for reason, count in loaded.refused.most_common():
        say(f"refused {counted(count, 'row')}: {reason}", err=err)
    for path in loaded.rejects:
        say(f"refused rows are in {path}", err=err)
