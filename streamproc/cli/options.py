"""Settings as command line options."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any, TypeVar

import click

from streamproc.errors import SettingsError, shown
from streamproc.settings import Settings, env_name, load

Function = TypeVar("Function", bound=Callable[..., Any])

CONNECTION = (
    "data_dir",
    "broker",
    "app_id",
    "topic_prefix",
    "partitions",
    "sasl_mechanism",
    "sasl_username",
    "sasl_password_file",
    "tls",
    "tls_ca",
    "tls_cert",
    "tls_key",
)
ALL = tuple(item.name for item in fields(Settings))


def settings_options(*names: str) -> Callable[[Function], Function]:
    """Add an option for each of the named settings.

    The command takes them as keyword arguments; ``from_options`` makes settings
    of them. None means not given: the environment or the default counts.
    """
    known = {item.name: item for item in fields(Settings)}

    def decorate(function: Function) -> Function:
        for name in reversed(names):
            item = known[name]
            flag = "--" + name.replace("_", "-")
            if item.metadata.get("secret"):
                continue  # a command line is seen by everybody on the machine
            if isinstance(item.default, bool):
                flag = f"{flag}/--no-{name.replace('_', '-')}"
            function = click.option(
                flag,
                name,
                default=None,
                metavar=None if isinstance(item.default, bool) else "VALUE",
                help=f"{item.metadata['help']} [{env_name(name)}]",
            )(function)
        return function

    return decorate


def from_options(options: dict[str, Any], **fixed: Any) -> Settings:
    """Settings of a command's options; ``fixed`` ones go first."""
    return load({**options, **fixed})


def make_data_dir(settings: Settings) -> None:
    """Make the data directory; raise SettingsError in one line when that fails."""
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise SettingsError(
            f"data_dir is {shown(str(settings.data_dir))}: no directory: {exc.strerror}"
        ) from exc
