"""The windows that uptime is counted over, each ending at ``as_of``. Pure.

Everything that goes by window follows from ``WINDOWS``: what is kept of the polls, the
columns of the files, the answers of the API, sorts, labels. Another window is a line.
"""

from dataclasses import dataclass

from streamproc.rules.units import DAY_US, HOUR_US, MINUTE_US

_UNIT_WORDS = {MINUTE_US: "minutes", HOUR_US: "hours"}


@dataclass(frozen=True, slots=True)
class Window:
    """A span of elapsed time before ``as_of``.

    ``name``: in columns and answers. ``unit_us``: of its amounts in files.
    ``label``: for people.
    """

    name: str
    length_us: int
    unit_us: int
    label: str

    @property
    def unit(self) -> str:
        """The unit in words."""
        return _UNIT_WORDS[self.unit_us]

    @property
    def short(self) -> str:
        """Its length for a column's head: ``24 h`` or ``7 days``."""
        hours, days = self.length_us // HOUR_US, self.length_us // DAY_US
        return f"{hours} h" if days <= 1 else f"{days} days"


WINDOWS = (
    Window("hour", HOUR_US, MINUTE_US, "last hour"),
    Window("day", DAY_US, HOUR_US, "last 24 hours"),
    Window("week", 7 * DAY_US, HOUR_US, "last 7 days"),
)

MONTH = Window("month", 30 * DAY_US, HOUR_US, "last 30 days")
PREVIEWED = (*(window for window in WINDOWS if window.name != MONTH.name), MONTH)
"""Where a change is previewed, there is a month as well."""

BY_NAME = {window.name: window for window in WINDOWS}
NAMES = tuple(BY_NAME)

LONGEST_US = max(window.length_us for window in WINDOWS)
