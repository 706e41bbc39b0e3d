"""What the page Incidents is asked for, as its address says it. Pure."""

from dataclasses import dataclass
from typing import Any

from multidict import MultiMapping

from streamproc.rules.labels import Where
from streamproc.web.as_of import AsOf, as_of_text
from streamproc.web.parameters import AS_OF, PAGE, Choice, Text, Whole, wheres_of
from streamproc.web.periods.choice import asked_period

DEFAULT_PERIOD = "this-week"
MINUTES = Whole("min_minutes", 0, 0, 99_999)
STORE = Text("store", "a store id")
ONGOING = Choice("ongoing", ("true", "false"), help="both, when it is left out")
SORT = Choice("sort", ("start", "down_s"), "start", "newest, or longest down, first")
ROWS, COLUMNS = Text("rows"), Text("columns")


@dataclass(frozen=True, slots=True)
class AskedIncidents:
    """The period, which incidents of it, in which order, and where they are counted.

    ``rows`` and ``columns``: labels of the table that says where; empty: the first two.
    """

    as_of: AsOf
    period: str
    store: str
    wheres: tuple[Where, ...]
    ongoing: str
    min_minutes: int
    sort: str
    rows: str
    columns: str
    page: int

    @property
    def params(self) -> dict[str, Any]:
        """As links keep it; the page's number is left out."""
        return {
            "period": "" if self.period == DEFAULT_PERIOD else self.period,
            "store": self.store,
            "where": [where.text for where in self.wheres],
            "ongoing": self.ongoing,
            "min_minutes": self.min_minutes or "",
            "sort": "" if self.sort == SORT.default else self.sort,
            "rows": self.rows,
            "columns": self.columns,
            "as_of": as_of_text(self.as_of),
        }

    def at(self, *values: tuple[str, str]) -> list[str]:
        """Its conditions with other values of some labels."""
        labels = dict(values)
        kept = [where.text for where in self.wheres if where.label not in labels]
        return [*kept, *(f"{label}={value}" for label, value in values)]

    def value(self, label: str) -> str | None:
        """What a label is to be; None when it may be anything."""
        found = (where.value for where in self.wheres if where.label == label)
        return next(found, None)

    @property
    def is_filtered(self) -> bool:
        """Whether it asks for some incidents of the period only."""
        return bool(self.store or self.wheres or self.ongoing or self.min_minutes)


def asked_incidents(query: MultiMapping[str]) -> AskedIncidents:
    """What a query asks for; raises a 400 Refusal."""
    return AskedIncidents(
        AS_OF.read(query),
        asked_period(query, DEFAULT_PERIOD).text,
        STORE.read(query),
        wheres_of(query.getall("where", [])),
        ONGOING.read(query),
        MINUTES.read(query),
        SORT.read(query),
        ROWS.read(query),
        COLUMNS.read(query),
        PAGE.read(query),
    )
