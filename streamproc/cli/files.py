"""The options of commands that read files, and what is said of the files."""

import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import click

from streamproc.cli.terminal import say
from streamproc.errors import LoadError, counted, shown
from streamproc.loading.header import COLUMNS, folded
from streamproc.loading.loader import Loader
from streamproc.loading.options import Files, Loaded, Reading
from streamproc.loading.source import STDIN
from streamproc.rules.poll import STATUS
from streamproc.rules.schedule import WEEKDAYS

Function = TypeVar("Function", bound=Callable[..., Any])

FILE = click.Path(path_type=Path, dir_okay=False)


class Pairs(click.ParamType):
    """``ours=theirs`` pairs, separated by commas, as a dict."""

    name = "A=B,…"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> dict[str, str]:
        """Split the text; a usage error when it is no list of pairs."""
        if isinstance(value, dict):
            return value
        pairs = [pair.partition("=") for pair in str(value).split(",")]
        if not all(left.strip() and right.strip() for left, _, right in pairs):
            self.fail(f"{shown(value)} is not of the form A=B,C=D", param, ctx)
        return {left.strip(): right.strip() for left, _, right in pairs}


class Statuses(Pairs):
    """``up=active,down=inactive``: what a file's words say."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> dict[str, Any]:
        """Words in small letters; whether each of them says up."""
        pairs = super().convert(value, param, ctx)
        if wrong := [word for word in pairs.values() if word not in STATUS]:
            self.fail(f"{shown(wrong[0])} is neither active nor inactive", param, ctx)
        return STATUS | {word.lower(): STATUS[is_] for word, is_ in pairs.items()}


class Columns(Pairs):
    """``store_id=shop``: what a file calls our columns."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> dict[str, str]:
        """The columns by our names, however those are written."""
        known = {folded(name): name for name in COLUMNS} | {"day": "dayOfWeek"}
        pairs = super().convert(value, param, ctx)
        if wrong := [name for name in pairs if folded(name) not in known]:
            expected = ", ".join(COLUMNS)
            self.fail(
                f"{shown(wrong[0])} is no column; there are: {expected}", param, ctx
            )
        return {known[folded(name)]: theirs for name, theirs in pairs.items()}


_OPTIONS = (
    click.option("--polls", type=FILE, help="CSV of store_id, status, timestamp_utc."),
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
    click.option(
        "--map",
        "names",
        type=Columns(),
        help="Your names of columns: store_id=shop,timestamp_utc=ts.",
    ),
    click.option(
        "--status",
        "words",
        type=Statuses(),
        help="Your words of the status: up=active,down=inactive.",
    ),
    click.option(
        "--weekdays",
        type=click.Choice(list(WEEKDAYS)),
        help="How the hours count weekdays; 0-6 and 1-7 begin on Monday.",
    ),
    click.option("--strict", is_flag=True, help="Stop at the first refused row."),
    click.option(
        "--skip-refused",
        is_flag=True,
        help="Go on without the stores whose hours or zone cannot be read.",
    ),
    click.option(
        "--max-refused",
        type=click.FloatRange(0, 1),
        default=Reading().max_refused,
        show_default=True,
        help="Most of the polls' rows, a share, that may be refused.",
    ),
    click.option(
        "--force", is_flag=True, help="Go on when ids do not join or look cut off."
    ),
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
    given = [getattr(files, each.name) for each in fields(Files)]
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
