"""Options of commands that tell of a period."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from streamproc.report.period_asked import PeriodAsked, period_asked
from streamproc.rules.periods import BY

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "--period",
        help="Of a period: month:2026-10, week:2026-W44, 2026-10-01..2026-10-15,"
        " last-month and so on.",
    ),
    click.option(
        "--by", type=click.Choice(BY), help="A row for each day, week or month of it."
    ),
    click.option(
        "--zone", help="Whose dates are meant, of all stores; else each one's own."
    ),
    click.option(
        "--where", metavar="LABEL=VALUE", help="Only stores whose label has this value."
    ),
    click.option(
        "--group-by", metavar="LABEL", help="A row for each value of the label."
    ),
)


def period_options(command: F) -> F:
    """Give a command the options of a period; ``take_period`` reads them."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def take_period(options: dict[str, Any]) -> PeriodAsked | None:
    """Take the period out of a command's options; None when none was asked for.

    Raises InvalidInput and names what is wrong.
    """
    names = ("period", "by", "zone", "where", "group_by")
    return period_asked(**{name: options.pop(name) for name in names})
