"""Labels of many stores: what a form says, and for the rest what each store has."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from streamproc.rules.labels import Labels
from streamproc.web.acting.batches import AT_ONCE
from streamproc.web.site import Site

NO_TARGET = "none"
"""What a form says for the target where stores are to have none of their own."""


async def labels_of(site: Site, store_ids: Sequence[str]) -> dict[str, Labels]:
    """What each store has now, asked of who owns it."""
    limit = asyncio.Semaphore(AT_ONCE)

    async def one(store_id: str) -> Labels:
        async with limit:
            return await site.stores.labels(store_id) or Labels()

    found = await asyncio.gather(*map(one, store_ids))
    return dict(zip(store_ids, found, strict=True))


def merged(row: Mapping[str, Any], known: Labels) -> dict[str, Any]:
    """A form's row with a store's own name, and its labels where they are not said.

    A label without a value is taken away, and so is the target by ``none``.
    """
    target = row.get("target", known.target)
    told = {
        **{name: row[name] for name in row if name not in ("name", "target")},
        "labels": {**known.labels, **row["labels"]},
        "name": known.name,
        "target": None if target == NO_TARGET else target,
    }
    return {name: value for name, value in told.items() if value is not None}
