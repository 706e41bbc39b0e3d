"""Months, and the keys of archived segments."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from streamproc.rules.months import (
    archive_key,
    first_day_of,
    month_of,
    month_prefix,
    split_archive_key,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAYS = st.integers(0, 60_000)
STORES = st.text("abc19-", min_size=1, max_size=6).map(str.encode)


@given(DAYS)
def test_a_month_is_that_of_the_calendar(day: int) -> None:
    """Its first day is in it, the day before is not."""
    then = EPOCH + timedelta(days=day)
    assert month_of(day) == then.year * 12 + then.month - 1
    first = first_day_of(month_of(day))
    assert first == (then.replace(day=1) - EPOCH).days
    assert month_of(first - 1) == month_of(day) - 1


@given(STORES, DAYS)
def test_an_archived_key_is_read_back(store_id: bytes, day: int) -> None:
    """Store and day; the last byte is the day of the month."""
    key = archive_key(store_id, day)
    assert split_archive_key(key) == (store_id, day)
    assert key[-1] == (EPOCH + timedelta(days=day)).day


@given(st.lists(st.tuples(STORES, DAYS), unique=True, max_size=30))
def test_keys_stand_by_month_then_store_then_day(rows: list[tuple[bytes, int]]) -> None:
    """A month of all stores is one run, and so are a store's days in it."""
    keys = sorted(archive_key(*row) for row in rows)
    assert [split_archive_key(key) for key in keys] == sorted(
        rows, key=lambda row: (month_of(row[1]), row[0] + b"\0", row[1])
    )
    for key in keys:
        month = month_of(split_archive_key(key)[1])
        assert month_prefix(month) < key < month_prefix(month + 1)


@given(DAYS)
def test_no_month_reaches_the_tables_own_keys(day: int) -> None:
    """2034-08 in two bytes reads ``__``, as Faust's key for the offset begins."""
    august_2034 = 2034 * 12 + 7
    assert august_2034.to_bytes(2, "big") == b"__"
    assert month_prefix(month_of(day) + 1) < b"__faust\0"
