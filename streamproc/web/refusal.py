"""What a request is refused with: a status, a word for programs, a sentence."""

from dataclasses import dataclass

from streamproc.errors import InvalidInput, StreamprocError, shown
from streamproc.web import words


@dataclass(frozen=True, slots=True)
class Error:
    """``error``: one word for programs; ``message``: a sentence for people."""

    error: str
    message: str


class Refusal(StreamprocError):
    """Raised by a handler; becomes a JSON error or an error page."""

    def __init__(
        self, status: int, code: str, message: str, retry_after_s: int | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.retry_after_s = retry_after_s
        #: Where else a reader may have wanted to go, as text and link; on a page only.
        self.offers: list[tuple[str, str]] = []
        self.headers: dict[str, str] = {}
        if retry_after_s is not None:
            self.headers["Retry-After"] = str(retry_after_s)
        if status == 401:
            self.headers["WWW-Authenticate"] = 'Bearer realm="streamproc"'


def bad(code: str, message: str) -> Refusal:
    """The request cannot be understood."""
    return Refusal(400, code, message)


def bad_input(exc: InvalidInput) -> Refusal:
    """What is asked for cannot be understood, as the rules say it."""
    return bad(exc.reason, words.sentence(str(exc)))


def unknown(what: str, name: str) -> Refusal:
    """There is no such thing; told apart from one that has no figures."""
    return Refusal(404, f"unknown-{what}", f"No {what} {shown(name)} is known here.")


def moving(message: str) -> Refusal:
    """Nobody can answer now: tables recover, or a partition changes hands."""
    return Refusal(503, "moving", message, retry_after_s=2)
