"""Polls a batch at a time: what is written in the usual form, all at once.

Pure. ``poll`` states the rules, one poll at a time. Here the same is done with
numpy for a batch of JSON objects that hold the three fields, in any order that most
have, compact or with a space after each mark, and nothing else::

    {"store_id":"42","timestamp_utc":"2025-05-06 11:00:00.5 UTC","status":"active"}

Every byte of them is looked at, and whatever differs is handed to ``poll``, so the
two never say different things.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from streamproc import history
from streamproc.cells import Bytes, Cells, Ints, group
from streamproc.errors import InvalidPoll
from streamproc.poll import MAX_FUTURE_US, MAX_STORE_ID_BYTES, Poll, parse_poll
from streamproc.timestamp import parse_timestamps

Flags = npt.NDArray[np.bool_]

FIELDS = ("store_id", "timestamp_utc", "status")
_NAME_BYTES = 16
_STATUS_BYTES = 8

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
    rejected: list[tuple[int, InvalidPoll]]

    def where(self, chosen: Flags) -> "PollBatch":
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
    usual = _read_usual(cells, now_us + MAX_FUTURE_US)
    if len(usual.rows) == len(cells):
        return _by_store(usual, [])
    unread = np.ones(len(cells), bool)
    unread[usual.rows] = False
    found: list[tuple[int, Poll]] = []
    rejected: list[tuple[int, InvalidPoll]] = []
    for row in np.flatnonzero(unread).tolist():
        try:
            found.append((row, parse_poll(cells[row], now_us)))
        except InvalidPoll as exc:
            rejected.append((row, exc))
    return _by_store(_with(usual, found), rejected)


def _with(usual: _Read, found: Sequence[tuple[int, Poll]]) -> _Read:
    """The polls that were read one way or the other, in the order of their rows."""
    packed = history.pack((poll.time_us, poll.active) for _, poll in found)
    ids = Cells.of([poll.store_id.encode() for _, poll in found])
    more = np.array([row for row, _ in found], np.int64)
    rows = np.concatenate((usual.rows, more))
    order = np.argsort(rows)
    return _Read(
        rows[order],
        Cells.join([usual.store_ids, ids]).take(order),
        np.concatenate((usual.packed, packed))[order],
    )


def _by_store(read: _Read, rejected: list[tuple[int, InvalidPoll]]) -> PollBatch:
    store_ids, order, codes = group(read.store_ids)
    return PollBatch(store_ids, codes, read.packed[order], read.rows[order], rejected)


def _read_usual(cells: Cells, latest_us: int) -> _Read:
    """The polls that are in the usual form, and accepted."""
    # With a margin, so that columns of characters may reach beyond the end.
    text = Cells(cells.buffer + bytes(256), cells.starts, cells.lengths)
    rows, fields = _fields(text)
    store_ids, stamps, statuses = fields
    time_us, good = parse_timestamps(stamps)
    active, known = _read_statuses(statuses)
    good &= known & _are_plain(store_ids) & (time_us <= latest_us)
    packed = time_us << history.FLAG_BITS | active
    if good.all():
        return _Read(rows, store_ids, packed)
    return _Read(rows[good], store_ids.take(np.flatnonzero(good)), packed[good])


def _fields(cells: Cells) -> tuple[Ints, list[Cells]]:
    """Rows in the usual form, and the values of their fields, as in ``FIELDS``."""
    text = np.frombuffer(cells.buffer, np.uint8)
    rows, quotes = _quotes(text, cells)
    good = _are_objects(text, cells.take(rows), quotes)
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
    """Short cells, to be compared with words of at most ``width`` bytes."""

    def __init__(self, cells: Cells, width: int) -> None:
        self._lengths = cells.lengths
        # Eight characters are one number.
        self._numbers = cells.chars(width).view(np.uint64).T

    def are(self, word: str) -> Flags:
        """Which cells are this word."""
        width = 8 * len(self._numbers)
        expected = np.frombuffer(word.encode().ljust(width, b"\0"), np.uint64)
        same: Flags = self._lengths == len(word)
        for found, number in zip(self._numbers, expected, strict=True):
            same &= found == number
        return same


def _read_statuses(statuses: Cells) -> tuple[Ints, Flags]:
    """1 for active, 0 for inactive; and which are one of the two."""
    words = _Words(statuses, _STATUS_BYTES)
    active = words.are("active")
    return active.astype(np.int64), active | words.are("inactive")


def _are_plain(store_ids: Cells) -> Flags:
    """Quick yes for the ids nearly everybody has; a no is not final.

    Printable ASCII without a backslash, which JSON would read as an escape, and
    not blank in the beginning.
    """
    lengths = store_ids.lengths
    good: Flags = (lengths >= 1) & (lengths <= MAX_STORE_ID_BYTES)
    width = min(int(lengths.max(initial=1)), MAX_STORE_ID_BYTES)
    chars = store_ids.chars(width)
    plain = (chars - np.uint8(0x20) <= 0x7E - 0x20) & (chars != ord("\\"))
    plain |= np.arange(width) >= lengths[:, np.newaxis]
    good &= plain.all(axis=1)
    good &= chars[:, 0] != ord(" ")
    return good
