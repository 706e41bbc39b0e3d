"""Reading a request's parameters: every value is checked at the door."""

from collections.abc import Mapping

from streamproc.errors import InvalidPoll
from streamproc.report import record
from streamproc.rules.poll import check_store_id
from streamproc.rules.timestamp import parse_timestamp
from streamproc.web.refusal import bad

MAX_SEARCH = 128
MAX_PAGE = 1_000_000


def integer(
    query: Mapping[str, str], name: str, default: int, least: int, most: int
) -> int:
    """A whole number within bounds."""
    text = query.get(name, "")
    if not text:
        return default
    if len(text) > 9 or not text.isascii() or not text.isdigit():
        raise bad(f"bad-{name}", f"{name} is {text!r:.40}, expected a whole number.")
    if not least <= int(text) <= most:
        raise bad(f"bad-{name}", f"{name} is {text}, expected {least} to {most}.")
    return int(text)


def choice(
    query: Mapping[str, str], name: str, choices: tuple[str, ...], default: str
) -> str:
    """One of a few words."""
    text = query.get(name) or default
    if text not in choices and text != default:
        known = ", ".join(choices)
        raise bad(f"bad-{name}", f"{name} is {text!r:.40}, expected one of {known}.")
    return text


def search(query: Mapping[str, str], name: str = "q") -> str:
    """A search text."""
    text = query.get(name, "").strip()
    if len(text) > MAX_SEARCH or "\0" in text:
        raise bad(f"bad-{name}", f"{name} may have {MAX_SEARCH} characters.")
    return text


def as_of(query: Mapping[str, str], default: str = record.NOW) -> str | int:
    """``now``, ``latest`` or a time, as UTC microseconds."""
    text = query.get("as_of") or default
    return as_of_value(text)


def as_of_value(text: object) -> str | int:
    """The as-of of a request's body or query."""
    if text in (record.NOW, record.LATEST):
        return str(text)
    try:
        return parse_timestamp(text)
    except InvalidPoll as exc:
        message = str(exc).replace("timestamp_utc", "as_of", 1)
        raise bad("bad-as-of", f"{message}; or now, or latest.") from exc


def store_id(text: object) -> str:
    """A store id that can be one."""
    try:
        return check_store_id(text)
    except InvalidPoll as exc:
        raise bad(exc.reason, f"{exc}.") from exc
