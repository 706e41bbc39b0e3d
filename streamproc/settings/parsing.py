"""How the text of a setting is read: each returns its value, or raises ValueError."""

import re
from collections.abc import Callable
from dataclasses import field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from streamproc.errors import InvalidInput, SettingsError
from streamproc.rules.labels import parse_where

MIN_HOLD_MINUTES = 5
MIN_TOKEN = 16

_WHOLE = re.compile(r"[+-]?\d{1,9}", re.ASCII)
_NUMBER = re.compile(
    r"\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*", re.ASCII | re.IGNORECASE
)


def setting(default: Any, parse: Callable[[str], Any], help: str, **meta: Any) -> Any:
    """A field of Settings: its default, how to read it, what it is for."""
    return field(
        default=default,
        repr=not meta.get("secret"),
        metadata={"parse": parse, "help": help, **meta},
    )


def number(minimum: float, maximum: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        # Python takes 1_0 for ten, and digits of any script.
        value = float(text if _NUMBER.fullmatch(text) else "nan")
        if not minimum <= value <= maximum:
            raise ValueError(f"expected {minimum:.15g} to {maximum:.15g}")
        return value

    return parse


def integer(minimum: int, maximum: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        # Python reads digits of any length only up to a limit of its own.
        value = int(text) if _WHOLE.fullmatch(text) else None
        if value is None or not minimum <= value <= maximum:
            raise ValueError(f"expected a whole number from {minimum} to {maximum}")
        return value

    return parse


def choice(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError("expected " + " or ".join(choices))
        return text

    return parse


def switch(text: str) -> bool:
    if text.lower() in ("1", "true", "yes", "on"):
        return True
    if text.lower() in ("0", "false", "no", "off"):
        return False
    raise ValueError("expected on or off")


def hold_minutes(text: str) -> float | None:
    """Minutes, or None for ``none``: until the next poll."""
    if text.lower() == "none":
        return None
    try:
        return number(MIN_HOLD_MINUTES, 525_600)(text)
    except ValueError as exc:
        raise ValueError(f"{exc} (minutes), or none") from exc


def percent(text: str) -> float | None:
    """Percent, or None for an empty one or ``none``."""
    if text.lower() in ("", "none"):
        return None
    target = number(0, 100)(text)
    if not target:
        raise ValueError("expected percent above 0, or none")
    return target


def time_of_day(text: str) -> str:
    """A time of day, ``HH:MM``."""
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text, re.ASCII):
        raise ValueError("expected HH:MM, from 00:00 to 23:59")
    return text


def path_of(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError as exc:
        raise ValueError("expected a path; that user has no home directory") from exc


def optional_path(text: str) -> Path | None:
    return path_of(text) if text else None


def topic_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._-]{0,100}", text):
        raise ValueError("expected letters, digits, dots, dashes and underscores")
    return text


def broker_address(text: str) -> str:
    if text and urlsplit(text).scheme not in ("sqlite", "kafka"):
        raise ValueError("expected sqlite:///path/log.db or kafka://host:9092")
    if "@" in urlsplit(text).netloc:
        raise ValueError("user and password have settings of their own: sasl_username")
    return text


def http_url(text: str) -> str:
    parts = urlsplit(text)
    if text and (parts.scheme not in ("http", "https") or not parts.netloc):
        raise ValueError("expected http://host:port")
    return text.rstrip("/")


def webhook_url(text: str) -> str:
    parts = urlsplit(text)
    usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    if text and not usable:
        raise ValueError("expected http://host/path or https://host/path")
    return text


def label_filter(text: str) -> str:
    try:
        if text:
            parse_where(text)
    except InvalidInput as exc:
        raise ValueError("expected label=value, such as region=West") from exc
    return text


def token_of(text: str) -> str:
    if text and len(text) < MIN_TOKEN:
        raise ValueError(f"expected at least {MIN_TOKEN} characters")
    return text


def secret_of(name: str, file: Path | None, parse: Callable[[str], str]) -> str:
    """What a file of a secret holds; empty without a file. Raises SettingsError."""
    if file is None:
        return ""
    try:
        secret = parse(file.read_text("utf-8").strip())
    except (OSError, ValueError) as exc:
        raise SettingsError(f"{name}: {exc}") from exc
    if not secret:
        raise SettingsError(f"{name}: {file} is empty")
    return secret


def only_one(name: str, value: str, file: Path | None) -> None:
    """Raise SettingsError where a secret is given twice: as a value, and in a file."""
    if value and file:
        raise SettingsError(f"{name} and {name}_file are both set")
