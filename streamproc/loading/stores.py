"""What a file says of stores: a store's rows are taken whole or not at all."""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from streamproc.errors import InvalidInput
from streamproc.loading.header import Columns, Header, misread
from streamproc.loading.refused import OnRefused, Refused
from streamproc.loading.rows import Row, rows_in, rows_of, seen_in
from streamproc.loading.source import Progress
from streamproc.rules.poll import ALL_STORES, check_store_id

Cells = Sequence[str]
Read = Callable[[Row, Cells], Any]
"""What a row says, of its cells after the store id; raises InvalidInput."""


@dataclass
class StoreFile:
    """What a file says of each store, as messages; and what of it was refused.

    ``messages``: by key, which begins with the store id. ``broken``: stores of which
    a row was refused; nothing is said of them. ``refused``: number of such rows,
    ``first_refused`` the first of them. ``remarks``: what a person should know.
    ``others``: names of the columns that nobody asked for, where they matter.
    """

    path: Path
    kind: str
    messages: dict[str, Mapping[str, object]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    refused: int = 0
    first_refused: Refused | None = None
    remarks: list[str] = field(default_factory=list)
    others: tuple[str, ...] = ()

    @property
    def counts(self) -> bool:
        """Whether figures are made of it; labels change none."""
        return self.kind != "labels"

    def refuse(
        self, row: Row, exc: InvalidInput, store_id: str | None, tell: OnRefused
    ) -> None:
        """Note a refused row, and the store it speaks of."""
        refused = Refused(self.path, row.line, exc.reason, str(exc), row.text)
        self.refused += 1
        self.first_refused = self.first_refused or refused
        if store_id is not None:
            self.broken.add(store_id)
        tell(refused)

    def leave_out(self, store_ids: set[str]) -> None:
        """Say nothing of some stores."""
        self.messages = {
            key: message
            for key, message in self.messages.items()
            if store_of(key) not in store_ids
        }

    @property
    def store_ids(self) -> list[str]:
        """The stores that something is said of, in order."""
        stores = dict.fromkeys(map(store_of, self.messages))
        return [store_id for store_id in stores if store_id != ALL_STORES]

    def columns(self) -> tuple[list[bytes], list[bytes]]:
        """Keys and values to publish."""
        return (
            [key.encode() for key in self.messages],
            [orjson.dumps(message) for message in self.messages.values()],
        )


def store_of(key: str) -> str:
    """The store id of a fact's key."""
    return key.partition("\0")[0]


def key_of(store_id: str, rest: str) -> str:
    """Key of a fact: a store id alone or with what it is about."""
    return f"{store_id}\0{rest}" if rest else store_id


def _store_id(text: str, of_all: bool) -> str:
    return ALL_STORES if of_all and text == ALL_STORES else check_store_id(text)


def _spoken_of(text: str, check: Callable[[str], str]) -> str | None:
    """The store that a line which is no row speaks of; None where nobody can say."""
    try:
        return check(text)
    except InvalidInput:
        return None


def taken(
    file: StoreFile,
    row: Row,
    header: Header,
    check: Callable[[str], str],
    read: Read,
    tell: OnRefused,
) -> tuple[str, Any] | None:
    """Store and value of a row; None for one that is refused, which the file notes.

    ``check``: of a store id. ``read``: of the cells after it.
    """
    store_id = None
    try:
        if isinstance(row.cells, InvalidInput):
            store_id = _spoken_of(seen_in(row, header, 0), check)
            raise row.cells
        store_id = check(row.cells[0])
        return store_id, read(row, row.cells[1:])
    except InvalidInput as exc:
        file.refuse(row, exc, store_id, tell)
        return None


def read_rows(
    file: StoreFile,
    columns: Columns,
    names: Mapping[str, str],
    read: Read,
    progress: Progress,
    tell: OnRefused,
    of_all: bool = False,
    with_others: bool = False,
) -> Iterator[tuple[str, Any]]:
    """Store and value of every row that is taken; the others are noted.

    ``columns``: those that must be there, and those that may. ``of_all``: whether a
    row may speak of all stores. ``with_others``: the cells of all other columns come
    behind those, and the names of these are the file's ``others``.
    """
    wanted, optional = columns
    with rows_in(file.path, wanted, names, progress, optional, with_others) as (
        header,
        blocks,
    ):
        known = len(wanted) + len(optional)
        file.remarks += misread(file.path, header, columns, names)
        file.others = tuple(header.names[at] for at in header.at[known:])
        check = functools.cache(functools.partial(_store_id, of_all=of_all))
        for row in (row for block in blocks for row in rows_of(block, header)):
            pair = taken(file, row, header, check, read, tell)
            if pair is not None:
                yield pair
