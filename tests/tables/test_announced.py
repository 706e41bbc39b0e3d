"""What is kept of what was told: rows, and what a crash has left in them."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from streamproc.events import NO_STORE, Event, Suspect
from streamproc.rules.transitions import Mark, Said
from streamproc.settings import Settings
from tables.announced import decode, decode_row, encode
from tests.tables.fakes import PARTITION, Changelog, open_table, put
from tests.test_event_records import EVENTS

TIMES = st.integers(0, 10**16)
MARKS = st.none() | st.builds(Mark, TIMES, TIMES)
SAID = st.builds(Said, st.just(-1) | TIMES, MARKS, MARKS, st.integers(0, 99))


@given(SAID, st.lists(EVENTS, max_size=3))
def test_a_row_is_read_as_it_was_written(said: Said, meant: list[Event]) -> None:
    """What has been told, and what is about to be told, in its order."""
    row = encode(said, meant)
    assert decode(row) == said
    assert decode_row(row) == (said, meant)


async def test_what_a_crash_has_left_is_found_when_the_partition_comes(
    make_settings: Callable[..., Settings],
) -> None:
    """What has not ended, and what may not have been told; suspicions are neither."""
    table = await open_table(make_settings(), Changelog(), name="announced")
    event = Event("meant@7/down", "meant", "down", 7, 7)
    down, over = Said(7, Mark(7, 7)), Said(9)
    rows = {b"told": encode(down), b"meant": encode(down, [event]), b"up": encode(over)}
    await put(table, {**rows, b"over": encode(over, [event])})
    async with table.exclusive(PARTITION):
        await table.keep_suspects(PARTITION, [Suspect("*@1", 1, 1, 20, 0, 20)])
    assert table.read(PARTITION, NO_STORE) is not None
    left = table.left(PARTITION)
    assert left.open_ids == {b"told", b"meant"}
    assert left.meant == {b"meant": [event], b"over": [event]}
