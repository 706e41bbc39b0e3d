"""When a position is believed, and what is known of where it was taken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamproc.transport.positions import Epochs, Log, Origin, went_back


@pytest.mark.parametrize(
    ("position", "origin", "log", "said"),
    [
        (10, Origin(), Log(0, 10), None),
        (10, Origin(), Log(0, 11), None),
        (11, Origin(), Log(0, 10), "up to offset 11, but it ends at offset 10"),
        (10, Origin("a"), Log(0, 10, "a"), None),
        (10, Origin("a"), Log(0, 50, "b"), "the topic was deleted and made again"),
        (0, Origin("a"), Log(0, 0, "b"), "the topic was deleted and made again"),
        (10, Origin("a"), Log(0, 10, None), None),
        (10, Origin(None), Log(0, 10, "b"), None),
        (10, Origin("a", 3), Log(0, 50, "a", 10), None),
        (10, Origin("a", 3), Log(0, 50, "a", 9), "all from offset 9 on was lost"),
        (3, Origin(), Log(7, 9), None),  # deleted, not gone back
    ],
)
def test_a_position_is_believed_in_its_own_log_only(
    position: int, origin: Origin, log: Log, said: str | None
) -> None:
    """Another topic, a log that is shorter, or one that was written anew."""
    found = went_back(position, origin, log)
    assert (found is None) if said is None else (said in (found or ""))


@given(
    topic_id=st.none() | st.from_regex("[0-9a-f]{32}", fullmatch=True),
    epoch=st.none() | st.integers(0, 2**31 - 1),
)
def test_an_origin_stands_beside_a_committed_offset(
    topic_id: str | None, epoch: int | None
) -> None:
    """It is read as it was written."""
    origin = Origin(topic_id, epoch)
    assert Origin.decode(origin.encode()) == origin


@pytest.mark.parametrize("text", [None, "", "/", "/x", "/-1", "/²"])
def test_what_others_have_committed_tells_no_origin(text: str | None) -> None:
    """An operator's tool writes nothing, or something else, beside an offset."""
    assert Origin.decode(text) == Origin()


def test_epochs_tell_who_led_before_a_position() -> None:
    """The record before a position counts, not the one at it."""
    epochs = Epochs()
    assert epochs.before(5) is None
    epochs.note(0, 0, 3)
    epochs.note(4, 4, 3)
    epochs.note(8, 8, 5)
    assert [epochs.before(at) for at in (0, 1, 8, 9)] == [None, 3, 3, 5]
    assert epochs.ended == {3: 8}


def test_an_epoch_that_ended_is_remembered_with_what_was_reached() -> None:
    """A log written anew begins its next epoch before that."""
    epochs = Epochs()
    epochs.note(0, 0, 1)
    epochs.note(107, 98, 2)  # the batch begins before the position: it was replaced
    assert epochs.ended == {1: 107}


def test_epochs_do_not_grow_for_ever() -> None:
    """A partition may change its leader every minute of a year."""
    epochs = Epochs()
    for number in range(100):
        epochs.note(number, number, number)
    assert epochs.before(100) == 99
    assert epochs.before(100 - Epochs.KEPT) is None
