"""Weekly opening times as people write them. Pure."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from streamproc.rules.schedule import Opening
from streamproc.rules.units import DAY_S

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def opening_text(opening: Opening) -> str:
    """An opening, such as ``22:00–06:00 (next day)``."""
    if opening.end_s == opening.start_s:
        return "closed"
    if opening.end_s - opening.start_s == DAY_S:
        start = _clock(opening.start_s)
        return "24 hours" if opening.start_s == 0 else f"24 hours from {start}"
    if opening.end_s == DAY_S:
        return f"{_clock(opening.start_s)}–24:00"
    later = " (next day)" if opening.end_s > DAY_S else ""
    return f"{_clock(opening.start_s)}–{_clock(opening.end_s % DAY_S)}{later}"


def week_rows(openings: Sequence[Opening]) -> Iterator[tuple[str, str]]:
    """Days and what they have: ``Mon–Fri``, ``09:00–17:00``; equal ones are one row."""
    texts = []
    for number in range(len(WEEKDAYS)):
        mine = [o for o in openings if o.day == number]
        texts.append(", ".join(map(opening_text, mine)) or "closed")
    for text, group in groupby(range(len(WEEKDAYS)), key=texts.__getitem__):
        days = [WEEKDAYS[number] for number in group]
        yield days[0] if len(days) == 1 else f"{days[0]}–{days[-1]}", text


def _clock(seconds: int) -> str:
    text = f"{seconds // 3600:02d}:{seconds % 3600 // 60:02d}"
    return f"{text}:{seconds % 60:02d}" if seconds % 60 else text
