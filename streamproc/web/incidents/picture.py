"""How many stores were down at once, as a picture with its axes. Pure.

Text keeps its size at every width: what lies across is in percent, what lies up and
down in pixels, and only the area is stretched.
"""

from collections.abc import Iterator
from itertools import groupby

from markupsafe import Markup

from streamproc.rules.units import DAY_US, HOUR_US
from streamproc.web import words
from streamproc.web.incidents.summary import Curve

PARTS = 480
"""So finely a span is drawn; each part is as high as the most in it."""

TOP, HEIGHT, FOOT = 18, 132, 20
"""Pixels above the highest, of the area, and for the times below it."""

ACROSS = 95.0
"""Percent of the width; the rest is for the counts."""

STEPS_US = (
    *(HOUR_US, 2 * HOUR_US, 4 * HOUR_US, 6 * HOUR_US, 12 * HOUR_US),
    *(DAY_US, 2 * DAY_US, 7 * DAY_US, 14 * DAY_US, 28 * DAY_US, 91 * DAY_US),
)
MOST_TICKS = 9


def picture(curve: Curve) -> Markup:
    """A curve of at least one store; its highest place is told in words, too."""
    top = scale_of(curve.most)
    most_at_us = curve.most_at_us
    assert most_at_us is not None  # there is at least one
    label = (
        f"Stores down at once: at most {curve.most}, on {words.day_stamp(most_at_us)}"
    )
    parts = [*_counts(top), *_times(curve), _area(curve, top), _peak(curve, top)]
    return Markup(  # numbers and times only
        f'<svg class="at-once" width="100%" height="{TOP + HEIGHT + FOOT}" role="img"'
        f' aria-label="{label}">{"".join(parts)}</svg>'
    )


def scale_of(most: int) -> int:
    """The count at the top: a round one that the most fits below."""
    step = 1
    while True:
        for factor in (4, 8, 10, 20):
            if factor * step >= most:
                return factor * step
        step *= 10


def _y(count: float, top: int) -> float:
    return TOP + HEIGHT * (1 - count / top)


def _counts(top: int) -> Iterator[str]:
    """Lines across, with their counts at the right."""
    for quarter in (0, 1, 2, 3, 4):
        count = top * quarter / 4
        if count.is_integer():
            y = _y(count, top)
            yield f'<line class="grid" x2="{ACROSS}%" y1="{y:.1f}" y2="{y:.1f}"/>'
            yield (
                f'<text class="tick" x="100%" y="{y + 4:.1f}" text-anchor="end">'
                f"{words.number(count)}</text>"
            )


def _place(curve: Curve, at_us: int) -> float:
    begin_us, end_us = curve.steps[0][0], curve.steps[-1][0]
    return ACROSS * (at_us - begin_us) / max(end_us - begin_us, 1)


def _times(curve: Curve) -> Iterator[str]:
    """Times below; a day begins with its date. On a phone every other one is left:

    never a date where only times would stay.
    """
    begin_us, end_us = curve.steps[0][0], curve.steps[-1][0]
    fitting = (s for s in STEPS_US if (end_us - begin_us) // s < MOST_TICKS)
    step_us = next(fitting, STEPS_US[-1])
    foot = TOP + HEIGHT
    for at_us in range(-(-begin_us // step_us) * step_us, end_us, step_us):
        x = _place(curve, at_us)
        if x > ACROSS - 8:
            return
        then = words.utc(at_us)
        is_day = at_us % DAY_US == 0
        text = f"{then:%a} {then.day} {then:%b}" if is_day else f"{then:%H:%M}"
        where = "" if at_us // step_us % 2 == 0 else " no-phone"
        yield (
            f'<line class="grid{where}" x1="{x:.2f}%" x2="{x:.2f}%" y1="{foot}"'
            f' y2="{foot + 5}"/><text class="tick{where}" x="{x:.2f}%"'
            f' y="{foot + 17}" dx="2">{text}</text>'
        )


def _area(curve: Curve, top: int) -> str:
    """The area and its edge, stretched to the width."""
    high = curve.most_within(PARTS)
    edge, at = [f"M0 {HEIGHT * (1 - high[0] / top):.1f}"], 0
    for count, run in groupby(high):
        at += len(list(run))
        edge.append(f"V{HEIGHT * (1 - count / top):.1f}H{at}")
    line = "".join(edge)
    return (
        f'<svg y="{TOP}" width="{ACROSS}%" height="{HEIGHT}" overflow="visible"'
        f' viewBox="0 0 {PARTS} {HEIGHT}" preserveAspectRatio="none">'
        f'<path class="area" d="{line}V{HEIGHT}H0Z"/>'
        f'<path class="curve" vector-effect="non-scaling-stroke" d="{line}"/></svg>'
    )


def _peak(curve: Curve, top: int) -> str:
    """The highest place, in words beside it."""
    assert curve.most_at_us is not None  # see ``picture``
    x, y = _place(curve, curve.most_at_us), _y(curve.most, top)
    side = "end" if x > ACROSS / 2 else "start"
    text = f"{curve.most} at {words.utc(curve.most_at_us):%H:%M}"
    dx = -4 if side == "end" else 4
    return (
        f'<text class="tick strong" x="{x:.2f}%" dx="{dx}" y="{max(y - 4, 11):.1f}"'
        f' text-anchor="{side}">{text}</text>'
    )
