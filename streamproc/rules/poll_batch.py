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
import orjson

from streamproc.cells import Bytes, Cells, Ints, group, leading
from streamproc.errors import InvalidInput, as_refusal
from streamproc.rules import packing
from streamproc.rules.fields import Flags, Words, are_plain, read_statuses
from streamproc.rules.poll import MAX_FUTURE_US, Poll, parse_poll
from streamproc.rules.timestamp import parse_timestamps

FIELDS = ("store_id", "timestamp_utc", "status")
_NAME_BYTES = 16

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
        packing.pack((poll.time_us, poll.active) for _, poll in found),
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
    packed = packing.packed_of(time_us, active)
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
        Words(_cells_between(cells.buffer, *quotes[at : at + 2]), _NAME_BYTES)
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


_HEAD, _MIDDLE, _ZONE = (
    np.frombuffer(text, np.uint8)[np.newaxis]
    for text in (b'{"store_id":', b',"timestamp_utc":"', b' UTC","status":')
)
_STATES = np.array([list(b'"inactive"}'), list(b'"active"}  ')], np.uint8)
_STATE_CHARS = np.array([11, 9])
_STAMP_CHARS = len("2023-01-25 18:13:22.479220")
_CHARS = {
    digits: np.frombuffer(
        b"".join(b"%0*d" % (digits, n) for n in range(10**digits)), np.uint8
    ).reshape(-1, digits)
    for digits in (2, 3)
}
"""Every number of two and of three digits, as characters."""

_SHOWN_DIGITS = np.array([len(f"{n:03d}".rstrip("0")) for n in range(1000)])
"""How many digits of a fraction's three are left without zeros at the end."""


def quoted(store_ids: Sequence[bytes]) -> Cells:
    """The ids as JSON writes them, for ``encode_polls``."""
    return Cells.of([orjson.dumps(store_id.decode()) for store_id in store_ids])


def encode_polls(store_ids: Cells, codes: Ints, packed: Ints) -> Cells:
    """Write polls as ``poll.encode_poll`` does, all at once.

    ``store_ids``: ``quoted`` ids; ``codes``: shape (n,), which of them each poll is of.
    """
    ids = store_ids[codes]
    active = packing.is_active(packed).astype(np.int64)
    stamps, stamp_chars = _stamps(packing.time_of(packed))
    text = [
        *(_HEAD, ids.chars(int(ids.lengths.max(initial=0)))),
        *(_MIDDLE, stamps),
        *(_ZONE, _STATES[active]),
    ]
    count, whole = len(codes), np.ones(len(codes), np.int64)
    shown = [
        *(whole * _HEAD.shape[1], ids.lengths),
        *(whole * _MIDDLE.shape[1], stamp_chars),
        *(whole * _ZONE.shape[1], _STATE_CHARS[active]),
    ]
    widths = [part.shape[1] for part in text]
    rows = np.concatenate(
        [np.broadcast_to(t, (count, w)) for t, w in zip(text, widths, strict=True)],
        axis=1,
    )
    kept = np.concatenate(
        [leading(chars, width) for width, chars in zip(widths, shown, strict=True)],
        axis=1,
    )
    return Cells.adjacent(rows[kept.view(np.bool_)].tobytes(), 0, np.sum(shown, axis=0))


def _stamps(time_us: Ints) -> tuple[Bytes, Ints]:
    """Times as ``timestamp_text`` writes them, and how many characters that takes.

    Shapes (n, 26) and (n,); the fraction's zeros at the end are there, but not counted.
    """
    seconds, micros = np.divmod(time_us, 1_000_000)
    days, second = np.divmod(seconds, 86_400)
    dates, number = np.unique(days, return_inverse=True)
    written = np.datetime_as_string(dates.astype("datetime64[D]")).astype("S10")
    stamps = np.empty((len(time_us), _STAMP_CHARS), np.uint8)
    stamps[:, :10] = written.view(np.uint8).reshape(-1, 10)[number]
    stamps[:, [10, 13, 16, 19]] = np.frombuffer(b" ::.", np.uint8)
    two, three = _CHARS[2], _CHARS[3]
    stamps[:, 11:13] = two[second // 3600]
    stamps[:, 14:16] = two[second // 60 % 60]
    stamps[:, 17:19] = two[second % 60]
    high, low = np.divmod(micros, 1000)
    stamps[:, 20:23], stamps[:, 23:26] = three[high], three[low]
    digits = np.where(low > 0, 3 + _SHOWN_DIGITS[low], _SHOWN_DIGITS[high])
    return stamps, 19 + digits + (digits > 0)
