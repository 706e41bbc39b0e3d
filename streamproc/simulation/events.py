"""What a generated fleet has lived through: a holiday and a maintenance. Pure."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from streamproc.rules.poll import ALL_STORES
from streamproc.rules.units import SECOND_US
from streamproc.simulation.fleet import Store

MAINTAINED = "Fennmark"
"""The brand whose tills were updated."""

_HOLIDAY_DAYS_AGO = 9
_MAINTENANCE_DAYS_AGO = 3


def _date(now_us: int, days_ago: int) -> date:
    today = datetime.fromtimestamp(now_us / SECOND_US, UTC).date()
    return today - timedelta(days=days_ago)


def holiday_of(now_us: int) -> dict[str, Any]:
    """A date on which all stores were closed, as a store-special-hours message."""
    return {
        "store_id": ALL_STORES,
        "date": _date(now_us, _HOLIDAY_DAYS_AGO).isoformat(),
        "openings": [],
        "note": "Founders\N{RIGHT SINGLE QUOTATION MARK} Day",
    }


def maintenances_of(stores: Sequence[Store], now_us: int) -> list[dict[str, Any]]:
    """Two hours of work at the stores of a brand, as store-exclusions messages."""
    day = _date(now_us, _MAINTENANCE_DAYS_AGO).isoformat()
    return [
        {
            "store_id": store.store_id,
            "id": "till-update",
            "kind": "maintenance",
            "from_local": f"{day} 12:00:00",
            "to_local": f"{day} 14:00:00",
            "note": "Update of the tills",
            "by": "demo",
        }
        for store in stores
        if store.labels["labels"]["brand"] == MAINTAINED
    ]
