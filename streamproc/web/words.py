"""Figures in words: lengths of time, percentages, moments. Pure."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta

from streamproc.errors import counted as counted
from streamproc.rules import windows
from streamproc.rules.percent import percent as percent_text
from streamproc.rules.units import HOUR_US, SECOND_US

WINDOW_NAMES = {window.name: window.label for window in windows.WINDOWS}

NO_HOURS = "0.00 h"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def utc(time_us: int) -> datetime:
    """The moment, in UTC."""
    return _EPOCH + timedelta(microseconds=time_us)


def sentence(text: str) -> str:
    """A text with its full stop, once; a question has its mark."""
    return text if text.endswith("?") else f"{text.rstrip('.')}."


def number(value: float) -> str:
    """A count with thousands set apart."""
    return f"{value:,.0f}"


def hours(amount_us: int) -> str:
    """An amount in hours, two decimals below 1,000; what is not zero never looks it."""
    amount = amount_us / HOUR_US
    if amount >= 1000:
        return f"{amount:,.0f} h"
    shown = f"{amount:,.2f} h"
    return length(amount_us) if amount_us > 0 and shown == NO_HOURS else shown


def amount(amount_us: int, window: str) -> str:
    """An amount in its window's unit: the hour in minutes, the others in hours."""
    return f"{amount_us / windows.BY_NAME[window].unit_us:,.2f}"


def length(amount_us: int) -> str:
    """A length of time in its two largest units."""
    seconds = max(amount_us, 0) // SECOND_US
    if 0 < amount_us < SECOND_US:
        return "under 1 s"
    if seconds < 60:
        return f"{seconds} s"
    minutes, hours_ = seconds // 60, seconds // 3600
    if minutes < 60:
        return f"{minutes} min"
    if hours_ < 48:
        rest = minutes % 60
        return f"{hours_} h {rest} min" if rest else f"{hours_} h"
    days, rest = divmod(hours_, 24)
    return f"{days} d {rest} h" if rest and days < 14 else f"{days} d"


def ago(amount_us: int) -> str:
    """How long ago; what lies ahead by a clock's inaccuracy is just now."""
    return "just now" if amount_us < SECOND_US else f"{length(amount_us)} ago"


def percent(value: str | float) -> str:
    """A percentage with its sign, which no line break parts from it."""
    return f"{value}\u00a0%" if isinstance(value, str) else f"{value:g}\u00a0%"


def day_stamp(time_us: int) -> str:
    """Weekday, date and time in UTC, to the minute."""
    return f"{utc(time_us):%a} {utc(time_us).day} {utc(time_us):%b %Y %H:%M} UTC"


def short_clock(time_us: int) -> str:
    """Time of day in UTC, to the minute."""
    return f"{utc(time_us):%H:%M} UTC"


def stamp(time_us: int) -> str:
    """Date and time in UTC, to the second."""
    return f"{utc(time_us):%Y-%m-%d %H:%M:%S} UTC"


def clock(time_us: int) -> str:
    """Time of day in UTC."""
    return f"{utc(time_us):%H:%M:%S} UTC"


def iso(time_us: int) -> str:
    """For ``datetime`` attributes."""
    return f"{utc(time_us):%Y-%m-%dT%H:%M:%SZ}"


def offset(moment: datetime) -> str:
    """A local time's distance from UTC, as in UTC-05:00."""
    text = f"{moment:%z}"
    return f"UTC{text[:3]}:{text[3:5]}"


def listed(items: Iterable[object]) -> str:
    """``1``, ``1 and 2``, ``1, 2 and 3``."""
    *first, last = map(str, items)
    return f"{', '.join(first)} and {last}" if first else last


def label_words(labels: Mapping[str, str]) -> list[str]:
    """What labels say of stores: ``region West``; ``no region`` where it is empty."""
    return [
        f"{name} {value}" if value else f"no {name}" for name, value in labels.items()
    ]


def worker(url: str) -> str:
    """A worker as a sentence begins with it: by its host and port."""
    host = url.rpartition("//")[2]
    return f"The worker {host}" if host else "A worker"


def weekday_of(text: str) -> str:
    """``Tuesday``, of ``2026-11-24`` or a local time on it; empty for what is none."""
    try:
        return f"{datetime.fromisoformat(text):%A}"
    except ValueError:
        return ""


def month_of(text: str) -> str:
    """What a month is called in short, of ``2026-11``."""
    return f"{date.fromisoformat(f'{text}-01'):%b}"


def signed_hours(amount_us: float) -> str:
    """An amount in hours that may be below zero, with a real minus."""
    shown = hours(abs(round(amount_us)))
    return f"\N{MINUS SIGN}{shown}" if amount_us < 0 else shown


def share(part_us: int, whole_us: int) -> str:
    """A part in whole percent; 0 and 100 only for nothing and all of it."""
    text = percent_text(part_us, max(whole_us - part_us, 0), 0)
    over = part_us > whole_us > 0
    return percent(f"{100 * part_us / whole_us:.0f}" if over else text or "0")


def burn(value: float) -> str:
    """How fast a budget is used: at 1 it lasts just to the end of the month."""
    if not value:
        return "none used"
    return f"burn\u00a0{value:.2f}" if value >= 0.005 else "burn under 0.01"


def weekday_unless_today(then: datetime, now: datetime) -> str:
    """The weekday of a local time that is of another date than now, with a blank."""
    return "" if then.date() == now.date() else f"{then:%a} "
