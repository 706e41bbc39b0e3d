"""What is known of stores now: in the fields of a form, and beside it."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from streamproc.rules.poll import ALL_STORES
from streamproc.web.acting.editors import ALWAYS, day_text
from streamproc.web.acting.targets import Target
from streamproc.web.changes.answers import (
    SpecialDate,
    StoreExclusion,
    exclusions_of,
    special_dates_of,
    weeks_of,
)
from streamproc.web.site import Site

SHOWN = 30


@dataclass(frozen=True, slots=True)
class Current:
    """What is listed beside a form: of one store, or of all."""

    dates: list[SpecialDate]
    exclusions: list[StoreExclusion]


async def prefilled(site: Site, what: str, target: Target) -> dict[str, str]:
    """The fields of a form as they are now; empty for many stores."""
    if what == "exclusion":
        return {"id": f"page-{secrets.token_hex(6)}", "kind": "maintenance"}
    (store_id, *others) = target.store_ids
    if others or target.filters or store_id == ALL_STORES:
        return {}
    if what == "labels":
        return await _labels(site, store_id)
    known = await site.changes.known(store_id)
    if what == "zone":
        return {"timezone_str": known.own.zone_name}
    if what == "hours":
        weeks = weeks_of(store_id, known.own.hours).weeks
        return _week(weeks[-1].hours if weeks else [])
    return {}


def _week(rows: list[dict[str, str]]) -> dict[str, str]:
    """A text for each weekday; without any row the store is open around the clock."""
    if not rows:
        return {f"day{number}": ALWAYS[0] for number in range(7)}
    return {f"day{number}": day_text(rows, number) for number in range(7)}


async def _labels(site: Site, store_id: str) -> dict[str, str]:
    found = await site.stores.labels(store_id)
    if found is None:
        return {}
    return {
        "name": found.name or "",
        "target": "" if found.target is None else f"{found.target:g}",
        "labels": "\n".join(f"{name}={text}" for name, text in found.labels.items()),
    }


async def current(site: Site, what: str, store_ids: Sequence[str]) -> Current | None:
    """Dates, or exclusions, of the one store; None where there is nothing to list."""
    if len(store_ids) > 1 or what not in ("special-hours", "exclusion"):
        return None
    (store_id,) = store_ids
    known = await site.changes.known(store_id)
    if what == "special-hours":
        return Current(special_dates_of(store_id, known).special_hours[-SHOWN:], [])
    found = exclusions_of(store_id, known).exclusions
    return Current([], sorted(found, key=lambda one: one.at, reverse=True)[:SHOWN])
