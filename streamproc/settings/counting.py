"""How polls are read, and what follows from them."""

from dataclasses import dataclass

from streamproc.rules.units import MINUTE_US
from streamproc.rules.uptime import Rules
from streamproc.settings.parsing import (
    hold_minutes,
    integer,
    number,
    percent,
    setting,
    switch,
    time_of_day,
)


@dataclass(frozen=True)
class Counting:
    """How polls are read, and what follows from them."""

    hold: float | None = setting(
        60.0,
        hold_minutes,
        "Minutes a poll's status holds at most, or none: until the next poll.",
    )
    backfill: bool = setting(
        False, switch, "Whether a store's first poll also covers the time before it."
    )
    bridge: float = setting(
        10.0,
        number(0, 1440),
        "Minutes of business time without data that an incident goes on through.",
    )
    target: float | None = setting(
        None,
        percent,
        "Uptime wanted of every store in a calendar month, in percent, or none; a"
        " store's own goes before it.",
    )
    day_starts: str = setting(
        "00:00",
        time_of_day,
        "Time of day, on the store's clock, at which a date begins in periods.",
    )
    events: bool = setting(
        True, switch, "Whether it is told when a store's state changes."
    )
    confirm: int = setting(
        1,
        integer(1, 255),
        "Inactive polls in a row after which a store is told to be down.",
    )

    @property
    def rules(self) -> Rules:
        """How long a poll speaks."""
        hold_us = None if self.hold is None else round(self.hold * MINUTE_US)
        return Rules(hold_us, self.backfill)

    @property
    def bridge_us(self) -> int:
        """``bridge`` in microseconds."""
        return round(self.bridge * MINUTE_US)

    @property
    def day_starts_s(self) -> int:
        """``day_starts`` in seconds after midnight."""
        hours, minutes = self.day_starts.split(":")
        return int(hours) * 3_600 + int(minutes) * 60
