"""Polls of the future, found and purged wherever they are, the archive as well."""

from collections.abc import Callable

import pytest

from streamproc.rules import history, packing
from streamproc.rules.units import DAY_US, HOUR_US
from streamproc.settings import Settings
from tables.future import ahead_of, purge
from tables.past import Past
from tests.tables.fakes import PARTITION
from tests.tables.test_archive import START_DAY, Polls, Tables

NOW_US = (START_DAY + 10) * DAY_US + 12 * HOUR_US


def hourly(store_id: bytes, first_us: int, hours: int) -> Polls:
    """Active polls, one an hour."""
    return [(store_id, first_us + hour * HOUR_US, True) for hour in range(hours)]


PAST = hourly(b"a", NOW_US - 10 * DAY_US, 10 * 24) + hourly(b"b", NOW_US - DAY_US, 24)
SOON = hourly(b"a", NOW_US + 40 * DAY_US, 30)
LATE = hourly(b"a", NOW_US + 80 * DAY_US, 30)


@pytest.fixture
async def tables(make_settings: Callable[..., Settings]) -> Tables:
    """Two weeks of the past, and a clock that ran ahead twice."""
    found = await Tables(make_settings(history_days=400)).open()
    for some in (PAST, SOON, LATE):
        await found.add(some)
    archived = {history.split_key(key)[1] for key, _ in found.histories.scan(0, b"\1")}
    assert min(archived) >= START_DAY + 9, "the first ones have left for the archive"
    return found


def packed(polls: Polls) -> set[tuple[bytes, int]]:
    """Polls as the tables hold them."""
    return {
        (store_id, int(packing.pack([(time_us, active)])[0]))
        for store_id, time_us, active in polls
    }


async def test_polls_of_the_future_are_found_in_the_archive_too(
    tables: Tables,
) -> None:
    """Those that left the eight days for others further ahead."""
    found = ahead_of(tables.histories, PARTITION, NOW_US)
    assert (found.polls, found.store_ids) == (60, {b"a"})
    assert found.newest_us == LATE[-1][1]
    assert ahead_of(tables.histories, PARTITION, LATE[0][1] - 1).polls == 30


async def test_a_purge_leaves_the_past_as_if_nothing_had_been_ahead(
    tables: Tables,
) -> None:
    """Also of a store whose past had all gone to the archive: it is at hand again."""
    assert (await purge(tables.histories, PARTITION, NOW_US)).polls == 60
    assert {*tables.polls()} == packed(PAST)
    assert ahead_of(tables.histories, PARTITION, NOW_US).polls == 0
    assert tables.histories.newest_us(PARTITION) == PAST[-1][1]
    (chunk,) = tables.histories.chunks(PARTITION, 10)
    assert chunk.store_ids == [b"a", b"b"]
    past = Past(tables.archive, PARTITION, NOW_US)
    for store_id in (b"a", b"b"):
        week = [poll for poll in PAST if poll[1] >= NOW_US - 7 * DAY_US]
        found = past.completed(store_id, tables.histories.polls_of(PARTITION, store_id))
        polls = {(store_id, poll) for poll in found.tolist()}
        assert polls >= packed([poll for poll in week if poll[0] == store_id])


async def test_a_purge_that_was_cut_short_is_done_again(tables: Tables) -> None:
    """After histories were written, and before the archive was."""
    log = tables.logs["archive"]
    log.fail = OSError("the log is gone")
    with pytest.raises(OSError, match="gone"):
        await purge(tables.histories, PARTITION, NOW_US)
    log.fail = None
    await purge(tables.histories, PARTITION, NOW_US)
    assert {*tables.polls()} == packed(PAST)
