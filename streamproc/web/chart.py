"""Many days as a large picture, its scale beside it. Pure.

Places are in percent, so that a picture of few days is as high, and its words as large,
as one of many.
"""

from collections.abc import Sequence

from markupsafe import Markup, escape

from streamproc.web import words
from streamproc.web.bars import (
    LEAST,
    Bar,
    goal_line,
    is_drawn,
    linked,
    place,
    role,
    shape,
    summary,
)

DAYS = 90
HEIGHT, NARROW_HEIGHT = 168, 110
"""Pixels of a bar at its full height, where there is room for all days or for few."""

_MARGIN = 8
_WORDS = 20
"""Pixels above the bars, and those below in which dates stand."""


def chart(
    days: Sequence[Bar], target: float | None, label: str, most: int = DAYS
) -> Markup:
    """The last days; where there are few, each has the room of two."""
    name = "chart-wide" if most == DAYS else "chart-narrow"
    height = HEIGHT if most == DAYS else NARROW_HEIGHT
    days = days[-most:]
    places = most if 2 * len(days) > most else most // 2
    step = 100 / places
    left = places - len(days)
    inner = "".join(
        linked(day, shape(day, target, height, place(left + at, places)))
        for at, day in enumerate(days)
    )
    ticks = "".join(
        f'<text class="tick" x="{(left + at) * step:.2f}%" y="{height + 16}">'
        f"{escape(day.tick)}</text>"
        for at, day in enumerate(days)
        if day.tick and (left + at) * step < 94
    )
    total = _MARGIN + height + _WORDS
    line = goal_line(target, height)
    said = escape(summary(days, target, label))
    return Markup(
        f'<div class="chart {name}"><svg class="plot" width="100%" height="{total}"'
        f' role="{role(days)}" aria-label="{said}">'
        f'<g transform="translate(0 {_MARGIN})">{inner}{line}{ticks}'
        f"</g></svg>{_scale(target, height, total)}</div>"
    )


def _scale(target: float | None, height: int, total: int) -> str:
    """The percentages beside it; what the target would cover is left out."""
    marks = [(100.0, "100 %"), (95.0, "95 %"), (LEAST, "90 %")]
    if is_drawn(target):
        assert target is not None
        marks = [each for each in marks if abs(each[0] - target) > 1]
        marks.append((target, words.percent(target)))
    told = "".join(
        f'<text class="tick{" strong" if value == target else ""}" x="8"'
        f' y="{_MARGIN + height * (100 - value) / (100 - LEAST) + 4:g}">{said}</text>'
        for value, said in marks
    )
    size = f'width="56" height="{total}"'
    return f'<svg class="ticks" {size} aria-hidden="true">{told}</svg>'
