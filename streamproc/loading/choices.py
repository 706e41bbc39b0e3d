"""What may be told of how a file is to be read, and how commands and pages call it.

Pure. ``reading`` makes sense of the texts that are told.
"""

from collections.abc import Callable
from dataclasses import dataclass

from streamproc.errors import Naming, OptionNeededError


@dataclass(frozen=True, slots=True)
class Option:
    """One of ``Reading``'s fields: its option in a command, and its field on a page.

    ``hint``: an example, or what ticking it does.
    """

    name: str
    flag: str
    label: str
    help: str
    hint: str = ""


OPTIONS = {
    option.name: option
    for option in (
        Option(
            "names",
            "--map",
            "Your names of columns",
            "Your names of columns: store_id=shop,timestamp_utc=ts.",
            "store_id=shop,timestamp_utc=ts",
        ),
        Option(
            "words",
            "--status",
            "Your words of the status",
            "Your words of the status: up=active,down=inactive.",
            "up=active,down=inactive",
        ),
        Option(
            "weekdays",
            "--weekdays",
            "Weekdays are counted",
            "How the hours count weekdays; 0-6 and 1-7 begin on Monday.",
        ),
        Option(
            "max_refused",
            "--max-refused",
            "Share of the polls' rows that may be refused",
            "Most of the polls' rows, a share, that may be refused.",
            "0.5",
        ),
        Option(
            "skip_refused",
            "--skip-refused",
            "Go on without the stores of refused rows",
            "Go on without the stores whose hours or zone cannot be read.",
        ),
        Option(
            "force",
            "--force",
            "Believe ids that look cut off",
            "Go on when ids do not join or look cut off.",
        ),
    )
}
KINDS = ("polls", "hours", "zones", "special_hours", "exclusions", "labels")
KIND = "kind"
"""Stands for an option that says what a file holds."""


def in_command(option: str, value: str = "") -> str:
    """An option as it is typed."""
    if option == KIND:
        return f"--{value.replace('_', '-')}"
    return f"{OPTIONS[option].flag} {value}".rstrip()


def on_page(option: str, value: str = "") -> str:
    """An option as its field is called."""
    label = "What it holds" if option == KIND else OPTIONS[option].label
    return f"“{label}”: {value.replace('_', ' ')}" if value else f"“{label}”"


def needs(
    option: str, tell: Callable[[Naming], str], value: str = ""
) -> OptionNeededError:
    """An error that an option answers; as text it is told as to who types commands."""
    return OptionNeededError(tell(in_command), tell, option, value)
