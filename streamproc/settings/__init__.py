"""The program's settings: one frozen dataclass, one table of names and help.

A value comes from a command's option, else from the environment
(``STREAMPROC_`` and the name in capitals), else from its default. A wrong one
raises SettingsError before anything starts.
"""

import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from streamproc.errors import SettingsError, did_you_mean, plain, shown
from streamproc.settings.basics import Basics
from streamproc.settings.counting import Counting
from streamproc.settings.engine import Engine
from streamproc.settings.kafka import Kafka
from streamproc.settings.keeping import Keeping
from streamproc.settings.web import Web
from streamproc.settings.webhook import Webhook

ENV_PREFIX = "STREAMPROC_"
SECRET = "********"
_MISSPELT = 0.75
"""Likeness from which on a variable is a misspelt setting: HLOD is to HOLD."""

log = logging.getLogger(__name__)


# The fields come in the order of the bases from the last to the first.
@dataclass(frozen=True)
class Settings(Kafka, Engine, Webhook, Web, Keeping, Counting, Basics):
    """Everything that can be set. See ``docs/operations.md``."""

    def __post_init__(self) -> None:
        for part in (Basics, Web, Webhook, Kafka):
            part.check(self)


def env_name(name: str) -> str:
    """Environment variable of a setting."""
    return ENV_PREFIX + name.upper()


def load(
    options: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None
) -> Settings:
    """Build the settings from options (None means not given) and environment.

    Raises SettingsError that names the option or variable.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    known = {item.name: item for item in fields(Settings)}
    for name, item in known.items():
        given = (options or {}).get(name)
        source = f"--{name.replace('_', '-')}"
        if given is None and env_name(name) in environ:
            given, source = environ[env_name(name)], env_name(name)
        if given is None:
            continue
        try:
            values[name] = item.metadata["parse"](str(given).strip())
        except ValueError as exc:
            # A broker's URL may carry a password although it must not.
            hidden = item.metadata.get("secret") or "@" in str(given)
            value = SECRET if hidden else given
            raise SettingsError(f"{source} is {shown(value)}: {exc}") from exc
    _look_at_unknown(environ, known)
    return Settings(**values)


def _look_at_unknown(environ: Mapping[str, str], known: Iterable[str]) -> None:
    """A misspelt variable must not be passed over in silence.

    One that is near to a setting is an error. Others are a warning: where a service
    is called streamproc, Kubernetes sets variables that begin like ours.
    """
    names = {name.upper() for name in known}
    for variable in environ:
        name = variable.removeprefix(ENV_PREFIX)
        if not variable.startswith(ENV_PREFIX) or name in names:
            continue
        said = f"{plain(variable)} is set, but there is no such setting"
        if hint := did_you_mean(name.upper(), names, _MISSPELT):
            raise SettingsError(said + hint.replace("mean ", f"mean {ENV_PREFIX}"))
        log.warning("%s; see: streamproc settings", said)
