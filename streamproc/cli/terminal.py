"""What commands print: never a character that a terminal would take for a command."""

import shutil
import unicodedata

import click

from streamproc.errors import plain


def say(text: str, err: bool = False) -> None:
    """Print lines of text."""
    click.echo(plain(text, keep="\n"), err=err)


def columns() -> int:
    """How wide the terminal is; 80 where there is none."""
    return shutil.get_terminal_size().columns


def cut(text: str, width: int) -> str:
    """The beginning of a printable text that fits, with … where more follows."""
    used = 0
    fitting = 0
    for at, char in enumerate(text):
        used += 2 if unicodedata.east_asian_width(char) in "WF" else 1
        if used < width:
            fitting = at + 1
        elif used > width:
            return text[:fitting] + "…"
    return text
