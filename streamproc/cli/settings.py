"""``streamproc settings``: every setting with its value, default and help."""

from typing import Any

import click

from streamproc.cli.options import ALL, from_options, settings_options
from streamproc.cli.terminal import say
from streamproc.settings.described import MARKDOWN_HEAD, describe, markdown_row


@click.command(context_settings={"max_content_width": 100})
@click.option("--markdown", is_flag=True, help="As the table in the documents.")
@settings_options(*ALL)
def settings(markdown: bool, **options: Any) -> None:
    """Show every setting with its value, default and help."""
    rows = describe(from_options(options))
    if markdown:
        say("\n".join([MARKDOWN_HEAD, *map(markdown_row, rows)]))
        return
    for row in rows:
        changed = (
            "" if row.value == row.default else f" (default: {row.default or '-'})"
        )
        say(f"{row.variable}={row.value}{changed}")
        say(f"    {row.help}")
