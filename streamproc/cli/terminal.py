"""What commands print: never a character that a terminal would take for a command.

Ids, headers of files, records and settings come from outside; an escape sequence in
one of them could rewrite what was printed before it.
"""

import shutil
import unicodedata

import click

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def plain(text: str, keep: str = "") -> str:
    """The text with everything that does not print spelt out; ``keep`` stays."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() or char in keep else _escaped(char) for char in text
    )


def _escaped(char: str) -> str:
    return _SHORT.get(char) or char.encode("unicode_escape").decode()


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
