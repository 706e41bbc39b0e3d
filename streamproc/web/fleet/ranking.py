"""The stores as a page asks for them: a period, filters, groups, an order, a page."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from multidict import MultiMapping

from streamproc.cells import Ints
from streamproc.rules.labels import parse_where
from streamproc.rules.now import CLOSED, DOWN, MAINTENANCE, NO_DATA, SILENT, UP
from streamproc.rules.targets import Floats
from streamproc.web.as_of import AsOf, as_of_text
from streamproc.web.fleet.listing import ORDER, PER_PAGE, Q
from streamproc.web.fleet.standing import Standing
from streamproc.web.parameters import AS_OF, PAGE, VIEW, Choice, Text, wheres_of
from streamproc.web.periods.choice import asked_period

SORTS = (
    *("store", "now", "percent", "down", "unknown", "incidents", "longest", "budget"),
    "last",
)
STATES_OF = {
    "down": [DOWN],
    "silent": [SILENT],
    "unknown": [NO_DATA],
    "unheard": [SILENT, NO_DATA],
    "maintenance": [MAINTENANCE],
    "up": [UP],
    "closed": [CLOSED],
    "open": [UP, DOWN, NO_DATA, SILENT, MAINTENANCE],
}
"""What may be asked for as the state now."""

NOW_WORDS = {
    **{name: name for name in STATES_OF},
    **{
        "unknown": "without data",
        "unheard": "not heard",
        "maintenance": "in maintenance",
    },
}
"""As it is said of stores."""

NOW = Choice("now", tuple(STATES_OF))
SORT = Choice("sort", SORTS, "down")
BELOW = Choice("below", ("target",))
GROUP = Text("group")
NO_GROUPS = "-"
DEFAULT_PERIOD = "this-month"
_ASCENDING = ("store", "now", "percent", "budget", "last")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a reader asked for; every value is checked. ``where``: all have to hold."""

    as_of: AsOf
    period: str
    q: str
    now: str
    where: tuple[str, ...]
    below: str
    group: str
    sort: str
    order: str
    page: int
    per_page: int
    view: str = ""

    def params(self, **changes: Any) -> dict[str, Any]:
        """The query that asks for it; defaults are left out."""
        given = {
            "as_of": as_of_text(self.as_of),
            "period": "" if self.period == DEFAULT_PERIOD else self.period,
            "q": self.q,
            "now": self.now,
            "where": list(self.where),
            "below": self.below,
            "group": self.group,
            "view": self.view,
            "sort": "" if self.sort == SORT.default else self.sort,
            "order": "" if self.order == default_order(self.sort) else self.order,
            "page": "" if self.page == 1 else self.page,
            "per_page": "" if self.per_page == PER_PAGE.default else self.per_page,
        }
        return {**given, **changes}

    def sorted_by(self, sort: str) -> dict[str, Any]:
        """The query for another column, or for the same one the other way."""
        order = default_order(sort)
        if sort == self.sort and self.order == order:
            order = "asc" if order == "desc" else "desc"
        order = "" if order == default_order(sort) else order
        return self.params(
            sort="" if sort == SORT.default else sort, order=order, page=""
        )

    @property
    def wheres(self) -> dict[str, str]:
        """The value that is asked for, by label."""
        told = map(parse_where, self.where)
        return {where.label: where.value for where in told}

    @property
    def filters(self) -> tuple[tuple[str, str], ...]:
        """What else is asked for than labels, in words; empty for what is not."""
        return (
            ("Name or id contains", self.q),
            ("State now", self.now),
            ("Below", self.below),
        )

    def with_value(self, label: str, value: str) -> list[str]:
        """Its conditions with another one of a label; empty: the stores without it."""
        kept = [f"{name}={text}" for name, text in self.wheres.items() if name != label]
        return [*kept, f"{label}={value}"]


def default_order(sort: str) -> str:
    """The worst come first; names go from a to z."""
    return "asc" if sort in _ASCENDING else "desc"


def asked_of(query: MultiMapping[str]) -> Asked:
    """What a query asks for; raises a 400 Refusal."""
    sort = SORT.read(query)
    return Asked(
        AS_OF.read(query),
        asked_period(query, DEFAULT_PERIOD).text,
        Q.read(query),
        NOW.read(query),
        tuple(where.text for where in wheres_of(query.getall("where", []))),
        BELOW.read(query),
        GROUP.read(query),
        sort,
        ORDER.read(query) or default_order(sort),
        PAGE.read(query),
        PER_PAGE.read(query),
        VIEW.read(query),
    )


def asked_for(period: str, as_of: AsOf) -> Asked:
    """All stores in a period, those that were down most first."""
    by_down = SORT.default, default_order(SORT.default)
    return Asked(as_of, period, "", "", (), "", "", *by_down, 1, PER_PAGE.default)


def chosen(standing: Standing, asked: Asked) -> Ints:
    """The rows that are asked for, in order."""
    found = np.ones(len(standing.everyone.stores), np.bool_)
    if asked.where or asked.q:
        found &= standing.labelled([*map(parse_where, asked.where)], asked.q)
    if asked.now:
        found &= np.isin(standing.everyone.stores.state, STATES_OF[asked.now])
    if asked.below:
        found &= standing.misses
    return _ordered(standing, np.flatnonzero(found), asked)


def _ordered(standing: Standing, rows: Ints, asked: Asked) -> Ints:
    """Rows by a column, then by name; without a value there they come last."""
    names, ids = standing.names, standing.everyone.stores.store_ids
    called = [names.name(ids[row]).casefold() for row in rows.tolist()]
    rows = rows[np.argsort(np.array(called, np.str_), kind="stable")]
    descending = asked.order == "desc"
    if asked.sort == "store":
        return rows[::-1] if descending else rows
    column = _column(standing, asked.sort)[rows]
    keys = np.where(np.isnan(column), np.inf, -column if descending else column)
    found: Ints = rows[np.argsort(keys, kind="stable")]
    return found


def _column(standing: Standing, sort: str) -> Floats:
    """What a column is sorted by; NaN for no value."""
    if sort == "now":  # the rows are in this order
        return np.arange(len(standing.everyone.stores), dtype=np.float64)
    whole = standing.whole
    columns = {
        "percent": standing.percents,
        "budget": standing.budget_us,
        "last": standing.last_us,
        "down": np.where(whole.open > 0, whole.down, np.nan),
        "unknown": np.where(whole.open > 0, whole.unknown, np.nan),
        "incidents": np.where(whole.open > 0, standing.incidents, np.nan),
        "longest": np.where(whole.open > 0, standing.longest, np.nan),
    }
    return columns[sort].astype(np.float64)
