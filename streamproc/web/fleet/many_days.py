"""The last days and months of some stores, when they are at hand; they take long."""

from dataclasses import dataclass, replace

from streamproc.cells import Ints
from streamproc.rules.units import DAY_US
from streamproc.web.as_of import AsOf
from streamproc.web.fleet.months import (
    FleetMonth,
    days_shown,
    month_going_on,
    months_of,
)
from streamproc.web.fleet.performance import Performances
from streamproc.web.fleet.standing import Standing


@dataclass(frozen=True, slots=True)
class ManyDays:
    """Stores in the last days, and some of them in the last months."""

    standing: Standing
    months: list[FleetMonth]

    def last(self, count: int) -> Standing:
        """The stores in the last of these days."""
        figures = self.standing.figures
        assert figures is not None  # ``many_days`` has found them
        return replace(self.standing, figures=figures.last_days(count))


def many_days(
    shown: Performances, standing: Standing, rows: Ints, as_of: AsOf
) -> ManyDays | None:
    """None as long as they are being counted, or where nothing is known.

    ``rows``: the stores whose months are told together.
    """
    if standing.figures is None:
        return None
    last = standing.everyone.as_of_us // DAY_US
    figures = shown.cache.peek((days_shown(last), as_of))
    if figures is None:
        return None
    newest = last if figures.newest_day is None else figures.newest_day
    business = shown.business.peek((month_going_on(newest), as_of))
    ids = standing.everyone.stores.store_ids
    stores = [ids[row] for row in rows.tolist()]
    whole_us = None
    if business is not None:
        whole_us = sum(business.get(store_id, 0) for store_id in stores)
    many = replace(standing, figures=figures)
    return ManyDays(many, months_of(many, rows, whole_us))
