"""Table ``announced``: what was told last of each store.

Written by ``agents.events`` twice: what is meant to be told before the events
themselves, and that it was told after them. What a crash in between has left is told
again under the same names, whatever has become of it since: so nobody is left with
something that was told and of which the table knows nothing. The value is JSON, see
``encode``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from streamproc.events import NO_STORE, Event, Suspect, decode_event, encode_event
from streamproc.rules.transitions import NOTHING_SAID, Mark, Said
from tables.batch_table import BatchTable


@dataclass(frozen=True, slots=True)
class Left:
    """What a partition's table held when it came.

    ``open_ids``: stores of which something was told that has not ended. ``meant``: by
    the store's id, events of which it is not known whether they were told; ``said``:
    what has been told of those stores once they are.
    """

    open_ids: set[bytes]
    meant: dict[bytes, list[Event]]
    said: dict[bytes, Said]


class Announced(BatchTable):
    """What was told of each store, by its id; of one without a row, nothing was."""

    def left(self, partition: int) -> Left:
        """What was told and has not ended, and what may not have been told."""
        found = Left(set(), {}, {})
        for key, value in self.scan(partition):
            if key == NO_STORE:
                continue
            said, meant = decode_row(value)
            if said.is_open:
                found.open_ids.add(key)
            if meant:
                found.meant[key], found.said[key] = meant, said
        return found

    def suspects(self, partition: int) -> list[Suspect]:
        """The suspicions that were told and held when it was looked last."""
        lines = (self.read(partition, NO_STORE) or b"").splitlines()
        told = [decode_event(line) for line in lines]
        return [one for one in told if isinstance(one, Suspect)]

    async def keep_suspects(self, partition: int, held: Sequence[Suspect]) -> None:
        """Write those that hold; to be called inside ``exclusive``."""
        value = b"\n".join(encode_event(one) for one in held) or None
        await self.write(partition, {NO_STORE: value})


def encode(said: Said, meant: Sequence[Event] = ()) -> bytes:
    """Value of what has been told of a store once the events ``meant`` are."""
    marks = [None if mark is None else tuple(mark) for mark in (said.down, said.silent)]
    row: list[Any] = [said.until_us, *marks, said.again]
    if meant:
        row.append([encode_event(event).decode() for event in meant])
    return orjson.dumps(row)


def decode(value: bytes | None) -> Said:
    """What was told of a store."""
    return NOTHING_SAID if value is None else decode_row(value)[0]


def decode_row(value: bytes) -> tuple[Said, list[Event]]:
    """What was told of a store once the events are; see ``Left.meant``."""
    until_us, down, silent, again, *meant = orjson.loads(value)
    told = [decode_event(text.encode()) for some in meant for text in some]
    events = [one for one in told if isinstance(one, Event)]
    return Said(until_us, _mark(down), _mark(silent), again), events


def _mark(told: Any) -> Mark | None:
    return None if told is None else Mark(*told)
