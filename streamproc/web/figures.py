"""A window's figures as the API tells of them."""

from dataclasses import dataclass
from typing import Annotated

from streamproc.rules.now import STATES
from streamproc.rules.percent import percent
from streamproc.rules.windows import NAMES
from streamproc.web.shapes import Keys, OneOf

State = Annotated[str, OneOf(STATES)]


@dataclass(frozen=True, slots=True)
class Window:
    """Seconds of business time; the percentage is of the observed time."""

    up_s: float
    down_s: float
    unknown_s: float
    open_s: float
    excluded_s: float
    uptime_percent: float | None


Windows = Annotated[dict[str, Window], Keys(NAMES)]


def window_of(up_us: int, down_us: int, open_us: int, excluded_us: int) -> Window:
    """The figures of microseconds; what is excluded is part of what is open."""
    shown = percent(up_us, down_us)
    return Window(
        up_us / 1e6,
        down_us / 1e6,
        (open_us - excluded_us - up_us - down_us) / 1e6,
        open_us / 1e6,
        excluded_us / 1e6,
        None if shown is None else float(shown),
    )
