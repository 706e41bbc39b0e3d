"""The topic ``store-uptime``: each row of the hourly report as JSON. Pure.

Made column by column, see ``text_rows``, in the very form that orjson gives a row.
"""

import functools
from collections.abc import Sequence
from itertools import chain

import numpy as np
import numpy.typing as npt
import orjson

from streamproc.cells import Cells, Ints
from streamproc.report.record import time_text
from streamproc.report.rows import Rows, last_poll_text
from streamproc.report.text_rows import Texts, cells_of
from streamproc.rules import packing, windows
from streamproc.rules.windows import LONGEST_US

_SECOND_US = 1_000_000
_AFTER_9999_US = 253_402_300_800_000_000
_ROWS_AT_ONCE = 2_000
"""What is made of so many stays in the processor's cache."""


def uptime_json(rows: Rows, as_of_us: int) -> Cells:
    """The value of each row; amounts in seconds."""
    parts = [
        cells_of(_columns(rows[first : first + _ROWS_AT_ONCE], as_of_us))
        for first in range(0, len(rows), _ROWS_AT_ONCE)
    ]
    return Cells.join(parts)


_NAMES = [
    f"{name}_{window}_s".encode()
    for name in ("up", "down", "unknown", "open", "excluded")
    for window in windows.NAMES
]


def _columns(rows: Rows, as_of_us: int) -> list[bytes | Texts]:
    """What a row is put together of: names, punctuation, values."""
    amounts_us = rows.up, rows.down, rows.unknown, rows.open, rows.excluded
    seconds = _seconds(np.concatenate(amounts_us))
    return [
        *(b'{"store_id":', np.array(_strings(rows.store_ids))),
        b',"as_of":"%b"' % time_text(as_of_us).encode(),
        *chain.from_iterable(
            (b',"%b":' % name, texts)
            for name, texts in zip(_NAMES, seconds, strict=True)
        ),
        *(b',"last_poll":', np.array(_last_polls(rows.last))),
        *(b',"last_status":', _last_statuses(rows.last), b"}"),
    ]


def _strings(texts: Sequence[str]) -> list[bytes]:
    """Each text as JSON."""
    joined = orjson.dumps(texts)[1:-1].split(b",")
    if len(joined) == len(texts):
        return joined
    return [orjson.dumps(text) for text in texts]  # a comma in one of them


_TINY_US = 10
"""From here on, amounts are written without an exponent."""


def _seconds(amounts_us: Ints) -> Texts:
    """Each amount in seconds as JSON, in the same shape.

    They are put together of four groups of up to three digits.
    """
    seconds, below = np.divmod(amounts_us, _SECOND_US)
    thousands, ones = np.divmod(seconds, 1_000)
    millis, micros = np.divmod(below, 1_000)
    first, second, third, fourth = _groups()
    groups = (
        first[thousands],
        second[ones + 1_000 * (thousands > 0)],
        third[millis + 1_000 * (micros > 0)],
        fourth[micros],
    )
    texts: Texts = np.stack(groups, axis=-1).view("S16")[..., 0]
    for at in np.argwhere((amounts_us > 0) & (amounts_us < _TINY_US)).tolist():
        texts[*at] = orjson.dumps(int(amounts_us[*at]) / _SECOND_US)
    return texts


@functools.cache
def _groups() -> list[npt.NDArray[np.uint32]]:
    """The texts of each group of digits; the second half: where more digits follow.

    Those are the thousands of seconds, the seconds, and their fraction in two parts.
    """
    full = [f"{number:03}" for number in range(1_000)]
    short = [digits.rstrip("0") for digits in full]
    return [
        _as_numbers(texts)
        for texts in (
            ["", *map(str, range(1, LONGEST_US // _SECOND_US // 1_000 + 1))],
            [*map(str, range(1_000)), *full],
            [*(f".{digits or 0}" for digits in short), *(f".{each}" for each in full)],
            short,
        )
    ]


def _as_numbers(texts: Sequence[str]) -> npt.NDArray[np.uint32]:
    """Texts of up to four characters; TypeError for a longer one."""
    return np.array(texts, bytes).astype("S4", casting="safe").view(np.uint32)


_NULL = b"null"
_TIME = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z


def _last_polls(packed: Ints) -> list[bytes]:
    """Time of each packed poll as JSON; null for none."""
    times_us = packing.time_of(np.maximum(packed, 0))
    if (times_us >= _AFTER_9999_US).any():
        return _or_null(packed, _strings([last_poll_text(p) for p in packed.tolist()]))
    times = np.ascontiguousarray(times_us).view("datetime64[us]")
    texts = orjson.dumps(times, option=_TIME)[1:-1].split(b",")
    for row in np.flatnonzero(times_us % 10 == 0).tolist():  # few: zeros at the end
        if b"." in texts[row]:
            texts[row] = texts[row][:-2].rstrip(b"0") + b'Z"'
    return _or_null(packed, texts[: len(packed)])


def _last_statuses(packed: Ints) -> Texts:
    """Status of each packed poll as JSON; null for none."""
    texts = np.array([_NULL, b'"inactive"', b'"active"'])
    known = 1 + packing.is_active(packed).astype(np.int64)
    return texts[np.where(packed < 0, 0, known)]


def _or_null(packed: Ints, texts: Sequence[bytes]) -> list[bytes]:
    """The text of each poll, null for none."""
    known = (packed >= 0).tolist()
    return [text if yes else _NULL for yes, text in zip(known, texts, strict=True)]
