"""Polls a batch at a time: what is written in the usual form, all at once.

Pure. ``poll`` states the rules, one poll at a time. Here the same is done with
numpy for a batch of JSON objects that hold the three fields, in any order that most
have, compact or with a space after each mark, and nothing else::

    {"store_id":"42","timestamp_utc":"2025-05-06 11:00:00.5 UTC","status":"active"}

Every byte of them is looked at. Objects that are written otherwise are decoded one
by one, and their fields read all at once; what is not accepted then is handed to
``poll``, so the two never say different things.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import orjson

from streamproc.cells import Bytes, Cells, Ints, group
from streamproc.errors import InvalidInput, as_refusal
from streamproc.rules import history
from streamproc.rules.poll import MAX_FUTURE_US, MAX_STORE_ID_BYTES, Poll, parse_poll
from streamproc.rules.timestamp import parse_timestamps

Flags = npt.NDArray[np.bool_]

FIELDS = ("store_id", "timestamp_utc", "status")
_NAME_BYTES = 16
_STATUS_BYTES = 8
_CASE_BITS = 0x2020202020202020
"""What a small letter has and a capital one lacks, for eight characters."""

_QUOTES = 12
"""Two around each of three names and three values."""

_MARKS = np.array([list(b":,:,:")], np.uint8).T
"""What stands between one quoted string and the next."""


@dataclass(frozen=True, slots=True)
class PollBatch:
    """The polls of a batch.

    ``store_ids``: the distinct ids, in their order as bytes. ``codes`` and
    ``packed``: shape (m,), the store's number in there, ascending, and the packed
    poll. ``rows``: shape (m,), the position in the batch; a store's are ascending.
    ``rejected``: positions that were refused, with the reason.
    """

    store_ids: Cells
    codes: Ints
    packed: Ints
    rows: Ints
    rejected: list[tuple[int, InvalidInput]]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, chosen: Flags) -> "PollBatch":
        """Some of the polls; those that were refused stay."""
        codes, packed, rows = (c[chosen] for c in (self.codes, self.packed, self.rows))
        return PollBatch(self.store_ids, codes, packed, rows, self.rejected)


@dataclass(frozen=True, slots=True)
class _Read:
    """Polls in the order of their rows; like the columns of ``PollBatch``."""

    rows: Ints
    store_ids: Cells
    packed: Ints


def parse_polls(values: Sequence[bytes | None], now_us: int) -> PollBatch:
    """Parse a batch of polls, all rules checked."""
    cells = Cells.of(values)
    latest_us = now_us + MAX_FUTURE_US
    read = [_accepted(*_fields(cells), latest_us)]
    rejected: list[tuple[int, InvalidInput]] = []
    if len(unread := _unread(cells, read)):
        read.append(_accepted(*_decoded(cells, unread), latest_us))
        one_by_one, rejected = _by_the_rules(cells, _unread(cells, read), now_us)
        read.append(one_by_one)
    return _by_store(read, rejected)


def _unread(cells: Cells, read: Sequence[_Read]) -> Ints:
    """The rows that nobody has read."""
    unread = np.ones(len(cells), bool)
    for part in read:
        unread[part.rows] = False
    return np.flatnonzero(unread)


def _by_the_rules(
    cells: Cells, rows: Ints, now_us: int
) -> tuple[_Read, list[tuple[int, InvalidInput]]]:
    """Read rows one by one; and the reasons for those that are refused."""
    found: list[tuple[int, Poll]] = []
    rejected: list[tuple[int, InvalidInput]] = []
    for row in rows.tolist():
        try:
            found.append((row, parse_poll(cells[row], now_us)))
        except Exception as exc:
            rejected.append((row, as_refusal(exc)))
    read = _Read(
        np.array([row for row, _ in found], np.int64),
        Cells.of([poll.store_id.encode() for _, poll in found]),
        history.pack((poll.time_us, poll.active) for _, poll in found),
    )
    return read, rejected


def _by_store(
    read: Sequence[_Read], rejected: list[tuple[int, InvalidInput]]
) -> PollBatch:
    """What was read in one way or another, sorted by store and row."""
    rows = np.concatenate([part.rows for part in read])
    packed = np.concatenate([part.packed for part in read])
    store_ids = Cells.join([part.store_ids for part in read])
    if len(read) > 1:
        order = np.argsort(rows)
        rows, packed, store_ids = rows[order], packed[order], store_ids[order]
    distinct, order, codes = group(store_ids)
    return PollBatch(distinct, codes, packed[order], rows[order], rejected)


def _accepted(rows: Ints, fields: Sequence[Cells], latest_us: int) -> _Read:
    """The polls that are accepted, of rows whose fields are given."""
    store_ids, stamps, statuses = fields
    time_us, good = parse_timestamps(stamps)
    active, known = read_statuses(statuses)
    good &= known & are_plain(store_ids) & (time_us <= latest_us)
    packed = history.packed_of(time_us, active)
    chosen = slice(None) if good.all() else np.flatnonzero(good)
    return _Read(rows[chosen], store_ids[chosen], packed[chosen])


def _decoded(cells: Cells, rows: Ints) -> tuple[Ints, list[Cells]]:
    """Rows whose fields are text, however they are written; and their values."""
    found = []
    texts: list[list[bytes]] = [[], [], []]
    for row in rows.tolist():
        try:
            poll = orjson.loads(cells[row] or b"")
            fields = [poll[field].encode() for field in FIELDS]
        except Exception:
            continue  # the rules will say what is wrong
        found.append(row)
        for column, text in zip(texts, fields, strict=True):
            column.append(text)
    return np.array(found, np.int64), [Cells.of(column) for column in texts]


def _fields(cells: Cells) -> tuple[Ints, list[Cells]]:
    """Rows in the usual form, and the values of their fields, as in ``FIELDS``."""
    # With a margin, so that columns of characters may reach beyond the end.
    cells = Cells(cells.buffer + bytes(256), cells.starts, cells.lengths)
    text = np.frombuffer(cells.buffer, np.uint8)
    rows, quotes = _quotes(text, cells)
    good = _are_objects(text, cells[rows], quotes)
    names = [
        _Words(_cells_between(cells.buffer, *quotes[at : at + 2]), _NAME_BYTES)
        for at in (0, 4, 8)
    ]
    values = []
    for field in FIELDS:
        # In the place where most have it; the others are few, and read one by one.
        found = [name.are(field) for name in names]
        place = int(np.argmax([np.count_nonzero(here) for here in found]))
        good &= found[place]
        values.append(quotes[4 * place + 2 : 4 * place + 4])
    chosen = slice(None) if good.all() else np.flatnonzero(good)
    return rows[chosen], [
        _cells_between(cells.buffer, *value[:, chosen]) for value in values
    ]


def _quotes(text: Bytes, cells: Cells) -> tuple[Ints, Ints]:
    """Rows that hold as many quotes as they should, and where, shape (12, rows)."""
    found = np.flatnonzero(text == ord('"'))
    found = np.append(found, np.full(_QUOTES + 1, len(text)))
    first = np.searchsorted(found, cells.starts)
    ends = cells.starts + cells.lengths
    rows = np.flatnonzero(
        (found[first + _QUOTES - 1] < ends) & (found[first + _QUOTES] >= ends)
    )
    return rows, found[first[rows] + np.arange(_QUOTES)[:, np.newaxis]]


def _are_objects(text: Bytes, cells: Cells, quotes: Ints) -> Flags:
    """Whether all around the quoted strings is what makes a flat JSON object."""
    good: Flags = (text[cells.starts] == ord("{")) & (quotes[0] == cells.starts + 1)
    last = quotes[-1]
    good &= (text[last + 1] == ord("}")) & (cells.starts + cells.lengths == last + 2)
    left, right = quotes[1:-1:2], quotes[2:-1:2]
    gap = right - left
    spaced = (gap == 3) & (text[left + 2] == ord(" "))
    apart = (text[left + 1] == _MARKS) & ((gap == 2) | spaced)
    good &= apart.all(axis=0)
    return good


def _cells_between(buffer: bytes, left: Ints, right: Ints) -> Cells:
    return Cells(buffer, left + 1, right - left - 1)


class _Words:
    """Short cells, to be compared with words of at most ``width`` bytes.

    ``fold``: letters in any case are the same.
    """

    def __init__(self, cells: Cells, width: int, fold: bool = False) -> None:
        self._lengths = cells.lengths
        self._bit = np.uint64(_CASE_BITS if fold else 0)
        # Eight characters are one number.
        self._numbers = cells.chars(width).view(np.uint64).T | self._bit

    def are(self, word: str) -> Flags:
        """Which cells are this word."""
        width = 8 * len(self._numbers)
        expected = np.frombuffer(word.encode().ljust(width, b"\0"), np.uint64)
        same: Flags = self._lengths == len(word)
        for found, number in zip(self._numbers, expected | self._bit, strict=True):
            same &= found == number
        return same


def read_statuses(statuses: Cells) -> tuple[Ints, Flags]:
    """1 for active, 0 for inactive; and which are one of the two."""
    words = _Words(statuses, _STATUS_BYTES, fold=True)
    active = words.are("active")
    return active.astype(np.int64), active | words.are("inactive")


def are_plain(store_ids: Cells) -> Flags:
    """Quick yes for the ids nearly everybody has; a no is not final.

    Printable ASCII without a backslash, which JSON would read as an escape, no blank
    at either end, and not a number as a spreadsheet writes it.
    """
    lengths = store_ids.lengths
    good: Flags = (lengths >= 1) & (lengths <= MAX_STORE_ID_BYTES)
    width = min(int(lengths.max(initial=1)), MAX_STORE_ID_BYTES)
    chars = store_ids.chars(width)
    plain = (chars - np.uint8(0x20) <= 0x7E - 0x20) & (chars != ord("\\"))
    plain |= np.arange(width) >= lengths[:, np.newaxis]
    good &= plain.all(axis=1)
    last = np.clip(lengths, 1, width) - 1
    good &= (chars[:, 0] != ord(" ")) & (chars[np.arange(len(chars)), last] != ord(" "))
    return good & ~_may_be_mangled(chars)


def _may_be_mangled(chars: Bytes) -> Flags:
    """Which ids hold an E and a mark of ``1.02E+18``; the marks are rare."""
    marks = chars - np.uint8(ord("+")) <= ord(".") - ord("+")
    found: Flags = np.zeros(len(chars), bool)
    if marks.any():
        marks &= chars != ord("-")
        rows = np.flatnonzero(marks.any(axis=1))
        found[rows] = ((chars[rows] | 0x20) == ord("e")).any(axis=1)
    return found
