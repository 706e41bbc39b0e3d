"""A report's rows: as columns, as pieces of a message each, as CSV. Pure."""

import csv
import functools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TextIO

import numpy as np
import numpy.typing as npt
import orjson

from streamproc.errors import InvalidInput, as_refusal
from streamproc.report.plain_csv import plain_csv
from streamproc.report.record import time_text
from streamproc.rules import packing, windows
from streamproc.rules.percent import percents
from streamproc.rules.uptime import Accounts
from streamproc.rules.windows import WINDOWS

Ints = npt.NDArray[np.int64]

HEADER = (
    "store_id",
    "uptime_last_hour(in minutes)",
    "uptime_last_day(in hours)",
    "uptime_last_week(in hours)",
    "downtime_last_hour(in minutes)",
    "downtime_last_day(in hours)",
    "downtime_last_week(in hours)",
)
"""Of ``combined_report.csv``, whatever windows there are: others build on it."""

_FIRST = ("hour", "day", "week")
"""The windows of those columns."""

_MORE = tuple(name for name in windows.NAMES if name not in _FIRST)


def _head(amount: str, window: str) -> str:
    return f"{amount}_last_{window}(in {windows.BY_NAME[window].unit})"


FULL_HEADER = (
    *HEADER,
    *(_head(amount, window) for amount in ("uptime", "downtime") for window in _MORE),
    *(
        _head(amount, window)
        for amount in ("unknown", "open")
        for window in windows.NAMES
    ),
    *(f"uptime_percent_last_{window}(of observed)" for window in windows.NAMES),
    "last_poll_utc",
    "last_status",
    *(_head("excluded", window) for window in windows.NAMES),
)
"""The columns of a full report: those of ``HEADER``, and then all there is."""

_ROWS_AT_ONCE = 20_000

ROWS_PER_PIECE = 2_000
"""Under 1 MB even with the longest ids, every character escaped."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows as columns.

    ``up``, ``down``, ``open`` and ``excluded``, which is part of it: shape
    (windows, n), microseconds. ``last``: the last packed poll of each store, or -1.
    """

    store_ids: list[str]
    up: Ints
    down: Ints
    open: Ints
    excluded: Ints
    last: Ints

    @property
    def unknown(self) -> Ints:
        """Business time that nothing is known of, shape (windows, n)."""
        return self.open - self.excluded - self.up - self.down

    def __len__(self) -> int:
        return len(self.store_ids)

    def __getitem__(self, part: slice | Ints) -> "Rows":
        """Some consecutive rows, or those at some positions."""
        if isinstance(part, slice):
            store_ids = self.store_ids[part]
        else:
            store_ids = [self.store_ids[row] for row in part.tolist()]
        up, down, opened, excluded = (
            each[:, part] for each in (self.up, self.down, self.open, self.excluded)
        )
        return Rows(store_ids, up, down, opened, excluded, self.last[part])

    @classmethod
    def join(cls, parts: Sequence["Rows"]) -> "Rows":
        """Rows after one another."""
        parts = [NO_ROWS, *parts]
        return cls(
            [store_id for part in parts for store_id in part.store_ids],
            np.concatenate([part.up for part in parts], axis=1),
            np.concatenate([part.down for part in parts], axis=1),
            np.concatenate([part.open for part in parts], axis=1),
            np.concatenate([part.excluded for part in parts], axis=1),
            np.concatenate([part.last for part in parts]),
        )


def rows_of(store_ids: Sequence[bytes], accounts: Accounts) -> Rows:
    """Rows of accounted stores, in the same order."""
    return Rows(
        [store_id.decode() for store_id in store_ids],
        accounts.up,
        accounts.down,
        accounts.open,
        accounts.excluded,
        accounts.last,
    )


_NO_AMOUNTS = np.zeros((len(WINDOWS), 0), np.int64)
NO_ROWS = Rows(
    [],
    _NO_AMOUNTS,
    _NO_AMOUNTS,
    _NO_AMOUNTS,
    _NO_AMOUNTS,
    np.zeros(0, np.int64),
)


def pieces(rows: Rows) -> Iterator[Rows]:
    """Cut rows into pieces that fit into one message."""
    for first in range(0, len(rows), ROWS_PER_PIECE):
        yield rows[first : first + ROWS_PER_PIECE]


_NUMBER = np.dtype("<i8")
_AMOUNTS = 4
"""Of each window: up, down, open, excluded."""


def encode_rows(rows: Rows) -> bytes:
    """A piece: a line with the ids as JSON, then all numbers, column by column.

    As text each of the numbers would be written and read digit by digit.
    """
    amounts = rows.up, rows.down, rows.open, rows.excluded
    numbers = np.concatenate([*amounts, rows.last[np.newaxis]]).astype(_NUMBER)
    return orjson.dumps(rows.store_ids) + b"\n" + numbers.tobytes()


def decode_rows(value: bytes) -> Rows:
    """Rows of a piece; raises InvalidInput for what is none."""
    line, _, rest = value.partition(b"\n")
    try:
        store_ids = orjson.loads(line)
        numbers = np.frombuffer(rest, _NUMBER).astype(np.int64, copy=False)
        numbers = numbers.reshape(_AMOUNTS * len(WINDOWS) + 1, len(store_ids))
    except (TypeError, ValueError) as exc:
        raise as_refusal(exc, "bad-request") from exc
    if not isinstance(store_ids, list) or not all(
        isinstance(store_id, str) for store_id in store_ids
    ):
        raise InvalidInput("bad-request", "not rows: store_ids")
    up, down, opened, excluded = np.split(numbers[:-1], _AMOUNTS)
    return Rows(store_ids, up, down, opened, excluded, numbers[-1])


def join_rows(parts: Sequence[Rows]) -> Rows:
    """All rows, sorted by store id as text, bytewise.

    Python compares str by code point, which is the order of UTF-8's bytes.
    """
    rows = Rows.join(parts)
    return rows[order_of(rows.store_ids)]


def order_of(store_ids: Sequence[str]) -> Ints:
    """Positions of ids in their order as text, bytewise."""
    order = sorted(range(len(store_ids)), key=store_ids.__getitem__)
    return np.array(order, np.int64)


_FORMULA = re.compile(r"(^|[;,|\t\r\n])(?=[\s\ufeff\u200b\"]*[=+\-@＝＋－＠]|[\t\r])")
"""Where a cell begins that is a formula to somebody.

A spreadsheet may cut lines at semicolons, tabs or bars as well, pass over what is
blank, and take the full-width signs of East Asian keyboards for the narrow ones.
"""

_MAYBE_FORMULA = re.compile(r"\A[^\w']|[;,|\t\r\n]")
"""What few ids have, so that the others are told quickly."""


def safe_cell(text: str) -> str:
    """Text that no spreadsheet takes for a formula (OWASP, CSV injection)."""
    return _FORMULA.sub(r"\1'", text) if _MAYBE_FORMULA.search(text) else text


def _decimals(amount_us: Ints, unit_us: int) -> Ints:
    """Hundredths of the unit, half a hundredth rounded up."""
    return (amount_us * 200 + unit_us) // (2 * unit_us)


_LARGEST = max(100 * each.length_us // each.unit_us for each in WINDOWS)


@functools.cache
def _all_texts() -> list[str]:
    """Every amount with two decimals; made when somebody writes one."""
    return [f"{n // 100}.{n % 100:02d}" for n in range(_LARGEST + 1)]


def _texts(amount_us: Ints, unit_us: int) -> list[str]:
    """Amounts with two decimals; none is larger than its window."""
    texts = _all_texts()
    return [texts[n] for n in _decimals(amount_us, unit_us).tolist()]


def csv_rows(rows: Rows, full: bool = False) -> Iterator[Sequence[str]]:
    """Cells of each row, without the header."""
    columns = [[safe_cell(store_id) for store_id in rows.store_ids]]
    columns += _columns((rows.up, rows.down), _FIRST)
    if full:
        columns += _columns((rows.up, rows.down), _MORE)
        columns += _columns((rows.unknown, rows.open), windows.NAMES)
        columns += [percents(*both) for both in zip(rows.up, rows.down, strict=True)]
        columns += [
            [last_poll_text(poll) for poll in rows.last.tolist()],
            [last_status(poll) for poll in rows.last.tolist()],
        ]
        columns += _columns((rows.excluded,), windows.NAMES)
    return zip(*columns, strict=True)


def _columns(amounts: Iterable[Ints], names: Sequence[str]) -> list[list[str]]:
    """A column for each amount and window; ``amounts`` of shape (windows, n)."""
    return [
        _texts(amount[windows.NAMES.index(name)], windows.BY_NAME[name].unit_us)
        for amount in amounts
        for name in names
    ]


def last_poll_text(packed: int) -> str:
    """Time of a packed poll; empty for none."""
    return "" if packed < 0 else time_text(packing.time_of(packed))


def last_status(packed: int) -> str:
    """Status of a packed poll; empty for none."""
    if packed < 0:
        return ""
    return "active" if packing.is_active(packed) else "inactive"


def write_csv(stream: TextIO, rows: Rows, full: bool = False) -> None:
    """Write a report, header first."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(FULL_HEADER if full else HEADER)
    for first in range(0, len(rows), _ROWS_AT_ONCE):
        some = rows[first : first + _ROWS_AT_ONCE]
        lines = None if full else plain_csv(some.store_ids, _hundredths(some))
        if lines is None:
            writer.writerows(csv_rows(some, full))
        else:
            stream.write(lines)


def _hundredths(rows: Rows) -> list[Ints]:
    """The amounts of ``HEADER``, column by column."""
    return [
        _decimals(amount[windows.NAMES.index(name)], windows.BY_NAME[name].unit_us)
        for amount in (rows.up, rows.down)
        for name in _FIRST
    ]
