"""Undoing a change: the changes that bring its facts back, or why they cannot be."""

from collections.abc import Sequence

import orjson

from streamproc.report.record import time_text
from streamproc.web.changes.change import (
    EXCLUSION,
    HOURS,
    LABELS,
    SPECIAL_HOURS,
    ZONE,
    Change,
)
from streamproc.web.changes.changed_facts import ALL
from streamproc.web.changes.log import unknown_change
from streamproc.web.changes.log_answers import fact_change
from streamproc.web.changes.log_calls import UNDOING, Against, Undoing
from streamproc.web.changes.said import DOOR_WORDS, fact_words
from streamproc.web.cluster.peers import Cluster
from streamproc.web.refusal import Refusal
from streamproc.web.words import number
from tables.facts import decode_key
from tables.undoing import Record

_NOUNS = {noun.table: noun for noun in (HOURS, ZONE, LABELS, SPECIAL_HOURS, EXCLUSION)}


async def undoing_of(
    cluster: Cluster, partitions: int, change: str, store: str = ""
) -> tuple[Change, ...]:
    """The changes that undo one, all of it or what it is of a store.

    Raises a 404 Refusal where there is none, or it is not of the store; a 409 where
    something has changed the same since, or where all of it is as it was before: so it
    can be repeated.
    """
    asked = {"change": change, "store": store}
    parts: Sequence[Undoing] = await cluster.ask_all(UNDOING, partitions, **asked)
    if not any(part.is_known for part in parts):
        raise unknown_change(change, store)
    later = [one for part in parts for one in part.against]
    if later:
        raise Refusal(409, "changed-since", _against(later))
    records = [record for part in parts for record in part.records]
    if not records:
        why = "All of it is as it was before: there is nothing to undo."
        raise Refusal(409, "undone-already", why)
    return tuple(map(_change, records))


def _change(record: Record) -> Change:
    """A record as a change; its row says what the record says."""
    store_id, _ = decode_key(record.key)
    row = {} if record.value is None else orjson.loads(record.value)
    return Change(
        _NOUNS[record.table],
        store_id.decode(),
        record.key,
        record.value,
        create=True,  # it may have been all that was known of the store
        row=row,
        at_ms=record.at_ms,
    )


def _against(later: Sequence[Against]) -> str:
    """Which facts are others by now, who made them so, and what they are."""
    stores = {one.now.delta.store_id for one in later}
    told = "; ".join(_said(one) for one in later[:3])
    more = f"; {number(len(later) - 3)} more" if len(later) > 3 else ""
    what = "" if len(stores) == 1 else f" of {number(len(stores))} stores"
    return f"It was changed since{what}, so nothing is undone: {told}{more}."


def _said(one: Against) -> str:
    told = fact_change(one.now)
    kind, key = told.kind.replace("-", " "), f" {told.key}" if told.key else ""
    store = "all stores" if told.store_id == ALL else told.store_id
    who = ""
    if one.origin is not None and one.at_ms is not None:
        name = one.origin.by or DOOR_WORDS[one.origin.door]
        who = f" by {name} at {time_text(one.at_ms * 1_000)}"
    now = fact_words(told.kind, told.after)
    return f"{kind}{key} of {store}{who}, now {now}"
