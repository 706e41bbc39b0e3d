"""Table ``announced``: what was told last of each store.

Written by ``agents.events``, after the events themselves: a crash in between has the
same events told again, under the same names. The value is JSON, see ``encode``.
"""

from collections.abc import Sequence
from typing import Any

import orjson

from streamproc.events import NO_STORE, Suspect, decode_event, encode_event
from streamproc.rules.transitions import NOTHING_SAID, Mark, Said
from tables.batch_table import BatchTable


class Announced(BatchTable):
    """What was told of each store, by its id; of one without a row, nothing was."""

    def open_ids(self, partition: int) -> set[bytes]:
        """Stores of which something was told that has not ended."""
        return {
            key
            for key, value in self.scan(partition)
            if key != NO_STORE and decode(value).is_open
        }

    def suspects(self, partition: int) -> list[Suspect]:
        """The suspicions that were told and held when it was looked last."""
        lines = (self.read(partition, NO_STORE) or b"").splitlines()
        told = [decode_event(line) for line in lines]
        return [one for one in told if isinstance(one, Suspect)]

    async def keep_suspects(self, partition: int, held: Sequence[Suspect]) -> None:
        """Write those that hold; to be called inside ``exclusive``."""
        value = b"\n".join(encode_event(one) for one in held) or None
        await self.write(partition, {NO_STORE: value})


def encode(said: Said) -> bytes:
    """Value of what was told of a store."""
    marks = [None if mark is None else tuple(mark) for mark in (said.down, said.silent)]
    return orjson.dumps([said.until_us, *marks, said.again])


def decode(value: bytes | None) -> Said:
    """What was told of a store."""
    if value is None:
        return NOTHING_SAID
    until_us, down, silent, again = orjson.loads(value)
    return Said(until_us, _mark(down), _mark(silent), again)


def _mark(told: Any) -> Mark | None:
    return None if told is None else Mark(*told)
