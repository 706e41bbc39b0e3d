"""The topic ``store-uptime``: each row of the hourly report as JSON. Pure.

Made column by column: numbers become text by orjson, a whole column at a time, and
each row is one template filled in.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import orjson

from streamproc.cells import Ints
from streamproc.report.record import time_text
from streamproc.report.rows import Rows, last_poll_text
from streamproc.rules import packing, windows

_SECOND_US = 1_000_000
_AFTER_9999_US = 253_402_300_800_000_000
_NULL = b"null"


def uptime_json(rows: Rows, as_of_us: int) -> list[bytes]:
    """The value of each row; amounts in seconds."""
    amounts = {
        f"{name}_{window}_s": amount[i]
        for name, amount in (
            ("up", rows.up),
            ("down", rows.down),
            ("unknown", rows.unknown),
            ("open", rows.open),
            ("excluded", rows.excluded),
        )
        for i, window in enumerate(windows.NAMES)
    }
    row = b'{"store_id":%%b,"as_of":"%b",%b,"last_poll":%%b,"last_status":%%b}' % (
        time_text(as_of_us).encode(),
        b",".join(b'"%b":%%b' % name.encode() for name in amounts),
    )
    columns: list[Sequence[bytes]] = [
        _strings(rows.store_ids),
        *map(_seconds, amounts.values()),
        _last_polls(rows.last),
        _last_statuses(rows.last),
    ]
    return [row % cells for cells in zip(*columns, strict=True)]


def _strings(texts: Sequence[str]) -> list[bytes]:
    """Each text as JSON."""
    joined = orjson.dumps(texts)[1:-1].split(b",")
    if len(joined) == len(texts):
        return joined
    return [orjson.dumps(text) for text in texts]  # a comma in one of them, or none


def _seconds(amounts_us: Ints) -> list[bytes]:
    """Each amount in seconds as JSON."""
    if not len(amounts_us):
        return []
    seconds = np.ascontiguousarray(amounts_us / _SECOND_US)
    return orjson.dumps(seconds, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1].split(b",")


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


def _last_statuses(packed: Ints) -> list[bytes]:
    """Status of each packed poll as JSON; null for none."""
    words = np.where(packing.is_active(packed), b'"active"', b'"inactive"')
    return _or_null(packed, words.tolist())


def _or_null(packed: Ints, texts: Iterable[bytes]) -> list[bytes]:
    """The text of each poll, null for none."""
    known = (packed >= 0).tolist()
    return [text if yes else _NULL for yes, text in zip(known, texts, strict=True)]
