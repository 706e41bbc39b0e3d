"""What a handler says of itself: parameters it reads, answers it gives.

The middleware refuses parameters that are not named here, and the OpenAPI file is made
of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from streamproc.web.parameters import Parameter

H = TypeVar("H", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Described:
    """One route of the API; ``summary`` is the first line of its docstring.

    ``answers``: by status, the dataclass of a JSON answer, or None for one that is no
    JSON. ``media``: content types beside JSON.
    """

    summary: str
    answers: Mapping[int, Any]
    parameters: tuple[Parameter, ...] = ()
    media: tuple[str, ...] = field(default=())


def described(
    answer: Any = None,
    *parameters: Parameter,
    media: tuple[str, ...] = (),
    others: Mapping[int, Any] | None = None,
) -> Callable[[H], H]:
    """Describe a handler. ``answer``: that of status 200; ``others``: by status."""

    def note(handler: H) -> H:
        summary = (handler.__doc__ or "").partition("\n")[0]
        answers = {200: answer, **(others or {})}
        about = Described(summary, answers, parameters, media)
        handler.described = about  # type: ignore[attr-defined]
        return handler

    return note


def description(handler: Any) -> Described | None:
    """What a handler says of itself; None for a page."""
    found: Described | None = getattr(handler, "described", None)
    return found
