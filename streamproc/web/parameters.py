"""Parameters of a request's query: each is read, and described, in one place.

A ``schema`` is what JSON Schema says of the values that are read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Protocol

from aiohttp import web

from streamproc.errors import InvalidInput, InvalidPoll, shown
from streamproc.report.messages import NOW
from streamproc.rules.labels import Where, parse_where
from streamproc.rules.timestamp import parse_timestamp
from streamproc.web import requests
from streamproc.web.as_of import AsOf
from streamproc.web.files import CSV, XLSX
from streamproc.web.refusal import bad, bad_input

MAX_SEARCH = 128
MAX_PAGE = 1_000_000

Query = Mapping[str, str]


class Parameter(Protocol):
    """What every parameter has."""

    @property
    def name(self) -> str:
        """Its name in the query."""

    @property
    def help(self) -> str:
        """What it is, where its name does not say."""

    @property
    def schema(self) -> dict[str, Any]:
        """The values it takes."""

    @property
    def required(self) -> bool:
        """Whether a request must have it."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number within bounds."""

    name: str
    default: int
    least: int
    most: int
    help: str = ""
    required: bool = False

    @property
    def schema(self) -> dict[str, Any]:
        """An integer with both its bounds."""
        bounds = {"minimum": self.least, "maximum": self.most}
        return {"type": "integer", **bounds, "default": self.default}

    def read(self, query: Query) -> int:
        """The number; raises a 400 Refusal."""
        text = query.get(self.name, "")
        if not text:
            return self.default
        number = int(text) if len(text) <= 9 and text.isdecimal() else -1
        if not (text.isascii() and self.least <= number <= self.most):
            bounds = f"a whole number from {self.least} to {self.most}"
            told = f"{self.name} is {shown(text)}, expected {bounds}."
            raise bad(f"bad-{self.name}", told)
        return number


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words; an empty default stands for none of them."""

    name: str
    choices: tuple[str, ...]
    default: str = ""
    help: str = ""
    required: bool = False

    @property
    def schema(self) -> dict[str, Any]:
        """A string out of an enumeration."""
        default = {"default": self.default} if self.default else {}
        return {"type": "string", "enum": [*self.choices], **default}

    def read(self, query: Query) -> str:
        """The word; raises a 400 Refusal."""
        text = query.get(self.name) or self.default
        if text not in self.choices and text != self.default:
            known = ", ".join(self.choices)
            told = f"{self.name} is {shown(text)}, expected one of {known}."
            raise bad(f"bad-{self.name}", told)
        return text


@dataclass(frozen=True, slots=True)
class Text:
    """Some characters, without blanks around them."""

    name: str
    help: str = ""
    longest: int = MAX_SEARCH
    required: bool = False

    @property
    def schema(self) -> dict[str, Any]:
        """A string of a certain length."""
        return {"type": "string", "maxLength": self.longest}

    def read(self, query: Query) -> str:
        """The text; raises a 400 Refusal."""
        text = query.get(self.name, "").strip()
        if len(text) > self.longest or "\0" in text:
            told = f"{self.name} may have {self.longest} characters."
            raise bad(f"bad-{self.name}", told)
        return text


@dataclass(frozen=True, slots=True)
class Instant:
    """As of when: a word or a time."""

    name: str = "as_of"
    help: str = "now, latest (the newest poll's time), or a time in UTC or with offset"
    required: bool = False

    @property
    def schema(self) -> dict[str, Any]:
        """A string; what it may be is more than a pattern can say."""
        examples = ["latest", "2023-01-25T18:13:22Z"]
        return {"type": "string", "default": NOW, "examples": examples}

    def read(self, query: Query) -> AsOf:
        """``now``, ``latest`` or microseconds; raises a 400 Refusal."""
        return requests.as_of_value(query.get(self.name) or NOW)


@dataclass(frozen=True, slots=True)
class Time:
    """A time in UTC or with an offset."""

    name: str
    help: str = ""
    required: bool = False

    @property
    def schema(self) -> dict[str, Any]:
        """A string; what it may be is more than a pattern can say."""
        return {"type": "string", "examples": ["2023-01-25T18:13:22Z"]}

    def read(self, query: Query, default: int) -> int:
        """Microseconds of UTC; raises a 400 Refusal."""
        text = query.get(self.name)
        if not text:
            return default
        try:
            return parse_timestamp(text, self.name)
        except InvalidPoll as exc:
            raise bad(f"bad-{self.name}", f"{exc}.") from exc


@dataclass(frozen=True, slots=True)
class Key:
    """Where a page of keys goes on: a key in hexadecimal digits, or empty."""

    name: str = "after"
    help: str = "next of the page before"
    longest: int = 400
    required: bool = False

    @property
    def schema(self) -> dict[str, Any]:
        """Pairs of digits."""
        pattern = "^([0-9a-f]{2})*$"
        return {"type": "string", "pattern": pattern, "maxLength": self.longest}

    def read(self, query: Query) -> str:
        """The digits; raises a 400 Refusal."""
        text = query.get(self.name, "")
        try:
            fine = bytes.fromhex(text).hex() == text.lower()
        except ValueError:
            fine = False
        if not fine or len(text) > self.longest:
            told = f"{self.name} is not a key in hexadecimal digits."
            raise bad(f"bad-{self.name}", told)
        return text


@dataclass(frozen=True, slots=True)
class Condition:
    """Which stores are meant, by the value of a label."""

    name: str = "where"
    help: str = "only stores whose label has this value; LABEL= for those without it"
    required: bool = False

    @property
    def schema(self) -> dict[str, Any]:
        """A string; what it may be is more than a pattern can say."""
        return {"type": "string", "examples": ["region=West"]}

    def read(self, query: Query) -> Where | None:
        """The condition; None when there is none. Raises a 400 Refusal."""
        text = query.get(self.name)
        try:
            return parse_where(text) if text else None
        except InvalidInput as exc:
            raise bad_input(exc) from exc


MOST_WHERE = 20
"""Labels that stores may be chosen by at once."""


def wheres_of(texts: Sequence[str]) -> tuple[Where, ...]:
    """The conditions of a query that may have several; raises a 400 Refusal."""
    given = [text for text in texts if text.strip()]
    if len(given) > MOST_WHERE:
        raise bad("bad-where", f"where is given {len(given)} times, {MOST_WHERE} go.")
    try:
        return tuple(map(parse_where, given))
    except InvalidInput as exc:
        raise bad_input(exc) from exc


AS_OF = Instant()
WHERE = Condition()
PAGE = Whole("page", 1, 1, MAX_PAGE)
VIEW = Choice("view", ("table",), help="tables in place of bars of days")
FORMAT = Choice("format", ("json", "csv", "xlsx"), "json")
_FORMS = {CSV: "csv", XLSX: "xlsx"}


def wanted_form(request: web.Request) -> str:
    """As what an answer is wanted: by ``format``, or by the Accept header."""
    asked = FORMAT.read(request.query)
    accepted = _FORMS.get(request.headers.get("Accept", ""), asked)
    return accepted if asked == FORMAT.default else asked


def check_names(query: Any, known: tuple[Parameter, ...]) -> None:
    """Raise a 400 Refusal for a parameter that is not known, or is given twice.

    ``query``: a request's, which may have a name more than once.
    """
    names = [parameter.name for parameter in known]
    for name in query:
        if name not in names:
            raise bad("unknown-parameter", _unknown(name, names))
        if len(query.getall(name)) > 1:
            raise bad("repeated-parameter", f"{name} is given twice.")


def _unknown(name: str, names: list[str]) -> str:
    told = f"There is no parameter {shown(name)} here"
    near = get_close_matches(name[:MAX_SEARCH], names, 1)
    if near:
        return f"{told}: did you mean {near[0]}?"
    return f"{told}; there is {', '.join(names)}." if names else f"{told}; none is."
