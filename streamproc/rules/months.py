"""Months of UTC, and the keys of archived segments. Pure.

A key of the archive is ``\\1``, the month (2 bytes, big-endian, year * 12 + month - 1),
the store id, a NUL byte and the day of the month (1 byte): a month of all stores is one
run of keys. Without the ``\\1`` a month's keys could touch those that begin with
``__faust``, and deleting the month would delete those.
"""

from collections.abc import Iterable
from datetime import date
from functools import lru_cache

from streamproc.rules.days import date_of, day_of_date

_BEGIN = b"\1"
_MONTH_BYTES = 2
LAST_MONTH = 0xFFFF
"""After every month that a key can have."""
_BEFORE_ID = len(_BEGIN) + _MONTH_BYTES


@lru_cache(maxsize=4096)
def month_of(day: int) -> int:
    """Month of a day (days since 1970-01-01), as year * 12 + month - 1."""
    then = date_of(day)
    return then.year * 12 + then.month - 1


@lru_cache(maxsize=4096)
def first_day_of(month: int) -> int:
    """The first day of a month."""
    return day_of_date(date(month // 12, month % 12 + 1, 1))


def month_prefix(month: int) -> bytes:
    """What the keys of a month begin with; that of the next month ends them."""
    return _BEGIN + month.to_bytes(_MONTH_BYTES, "big")


def store_prefix(month: int, store_id: bytes) -> bytes:
    """What the keys of a store's days in a month begin with."""
    return month_prefix(month) + store_id + b"\0"


def archive_key(store_id: bytes, day: int) -> bytes:
    """Key of the archived segment of a store and day."""
    month = month_of(day)
    return store_prefix(month, store_id) + bytes([day - first_day_of(month) + 1])


def split_archive_key(key: bytes) -> tuple[bytes, int]:
    """Return store id and day of an archived segment's key."""
    month = int.from_bytes(key[len(_BEGIN) : _BEFORE_ID], "big")
    return key[_BEFORE_ID:-2], first_day_of(month) + key[-1] - 1


def stores_of(keys: Iterable[bytes]) -> list[bytes]:
    """Store id of each of many keys."""
    return [key[_BEFORE_ID:-2] for key in keys]
