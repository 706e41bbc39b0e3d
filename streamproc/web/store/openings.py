"""Weekly opening times as people write them. Pure."""

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


def _clock(seconds: int) -> str:
    text = f"{seconds // 3600:02d}:{seconds % 3600 // 60:02d}"
    return f"{text}:{seconds % 60:02d}" if seconds % 60 else text
