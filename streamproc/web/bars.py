"""Bars of days as pictures: one scale for all of them, 90 to 100 percent. Pure.

Green up to the percentage, pale hatch down to the target, full hatch beyond it: red is
what the target does not allow. Made here rather than in a template: there are
thousands on a page.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from markupsafe import Markup, escape

from streamproc.rules.percent import percent
from streamproc.web import words

LEAST = 90.0
"""Percent at the foot of a bar; the top is 100."""

STEP = 8
"""Pixels from one bar to the next."""

WIDTH = 0.76
"""How much of that is the bar; what is left parts it from the next."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One slice of time, its amounts in microseconds.

    ``title``: its date in words. ``is_told``: whether it lies within what is kept and
    has come. ``goal``: where a click leads, or nowhere. ``so_far``: it goes on.
    ``tick``: what stands below it in a chart, if anything.
    """

    title: str
    up_us: int = 0
    down_us: int = 0
    unknown_us: int = 0
    excluded_us: int = 0
    open_us: int = 0
    is_told: bool = True
    goal: str = ""
    so_far: bool = False
    tick: str = ""

    @property
    def state(self) -> str:
        """What it is drawn as: a percentage, or a word."""
        if not self.is_told:
            return "none"
        counted = self.open_us - self.excluded_us
        if not self.open_us:
            return "closed"
        if not counted:
            return "excluded"
        return "unknown" if 2 * (self.up_us + self.down_us) < counted else "percent"

    @property
    def share(self) -> float:
        """Percent of the observed time that it was up."""
        return 100 * self.up_us / (self.up_us + self.down_us)

    def misses(self, target: float | None) -> bool:
        """Whether it is below the target."""
        return self.state == "percent" and target is not None and self.share < target

    def text(self) -> str:
        """Date, percentage, down time and coverage in words."""
        if self.state in ("none", "closed", "excluded"):
            word = {"none": "not counted"}.get(self.state, self.state)
            return f"{self.title} · {word}"
        shown = percent(self.up_us, self.down_us)
        seen = self.up_us + self.down_us
        covered = percent(seen, self.unknown_us, 1)
        up = "no data" if shown is None else f"{words.percent(shown)} up"
        down = f" · down {words.length(self.down_us)}" if self.down_us else ""
        return f"{self.title} · {up}{down} · coverage {words.percent(covered or '0.0')}"


def bars(
    days: Sequence[Bar],
    target: float | None,
    label: str,
    height: int = 24,
    step: int = STEP,
    places: int = 1,
) -> Markup:
    """Days as a picture; ``label`` is said before what it shows, in words.

    ``step``: pixels from one bar to the next, unless a style sheet has it wider.
    ``places``: for how many bars there is room at least.
    """
    count = max(len(days), places)
    goal = goal_line(target, height)
    inner = "".join(
        linked(day, shape(day, target, height, place(at, count)))
        for at, day in enumerate(days)
    )
    return Markup(
        f'<svg class="days" width="{count * step}" height="{height}"'
        f' role="{role(days)}"'
        f' aria-label="{escape(summary(days, target, label))}">{inner}{goal}</svg>'
    )


@lru_cache(maxsize=1_000)
def place(at: int, count: int) -> str:
    """Where a bar of so many stands, and how wide it is, in percent."""
    step = 100 / count
    return f'x="{at * step:.4g}%" width="{step * WIDTH:.4g}%"'


def role(days: Sequence[Bar]) -> str:
    """A picture, or a group of links where its days lead somewhere."""
    return "group" if any(day.goal for day in days) else "img"


def summary(days: Sequence[Bar], target: float | None, label: str) -> str:
    """What a picture shows, in a sentence."""
    told = [day for day in days if day.state == "percent"]
    said = f"{label}, {len(told)} days"
    if not told:
        return f"{label}: no day with data"
    if target is not None:
        below = sum(day.misses(target) for day in told)
        said += f": {below} below the target of {words.percent(target)}"
    worst = min(told, key=lambda day: day.share)
    shown = percent(worst.up_us, worst.down_us)
    return f"{said}, worst {worst.title} with {words.percent(shown or '')}"


def linked(day: Bar, drawn: str) -> str:
    """A day with its words; a link for the pointer, where it leads anywhere."""
    inner = f"<title>{escape(day.text())}</title>{drawn}"
    faint = ' class="so-far"' if day.so_far else ""
    if not day.goal:
        return f"<g{faint}>{inner}</g>"
    return f'<a href="{escape(day.goal)}" tabindex="-1"{faint}>{inner}</a>'


def shape(day: Bar, target: float | None, height: int, place: str) -> str:
    """A day as shapes; ``place``: the attributes that say where, and how wide."""
    state = day.state
    if state == "none":
        return f'<rect class="none" {place} height="{height}"/>'
    if state == "closed":
        middle = height // 2 - 1
        return (
            f'<rect class="closed" {place} height="{height}"/>'
            f'<rect class="thread" {place} y="{middle}" height="2"/>'
        )
    if state != "percent":
        pattern = {"unknown": "dots", "excluded": "lines"}[state]
        return (
            f'<rect class="{state}" fill="url(#{pattern})" {place} height="{height}"/>'
        )
    return "".join(_parts(day.share, target, height, place))


def _parts(
    share: float, target: float | None, height: int, place: str
) -> Iterator[str]:
    top = depth(share, height)
    allowed = 0.0 if target is None else min(depth(target, height), top)
    if top < height:
        yield f'<rect class="up" {place} y="{top:g}" height="{height - top:g}"/>'
    if allowed:
        yield (f'<rect class="lost" fill="url(#pale)" {place} height="{allowed:g}"/>')
    if top > allowed:
        yield (
            f'<rect class="down" fill="url(#hatch)" {place} y="{allowed:g}"'
            f' height="{top - allowed:g}"/>'
        )


def depth(share: float, height: int) -> float:
    """How far below the top a percentage lies; what is not 100 is seen."""
    lost = height * min(100 - share, 100 - LEAST) / (100 - LEAST)
    return 0.0 if share >= 100 else max(round(lost, 1), 1.0)


def goal_line(target: float | None, height: int) -> str:
    """The target as a line across all bars, where it is one of its own."""
    if not is_drawn(target):
        return ""
    assert target is not None
    y = depth(target, height)
    line = f'x2="100%" y1="{y:g}" y2="{y:g}"'
    return f'<line class="goal-halo" {line}/><line class="goal" {line}/>'


def is_drawn(target: float | None) -> bool:
    """Whether a target is a line of its own: not the top, not below the foot."""
    return target is not None and LEAST < target < 100
