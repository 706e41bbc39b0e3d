"""Ids by number: whatever ids come, and however often."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streamproc.cells import Cells
from streamproc.loading import numbering
from streamproc.loading.numbering import Numbering

ids = st.binary(min_size=1, max_size=128).filter(lambda text: b"\0" not in text)
alike = st.text("ab", min_size=1, max_size=20).map(str.encode)


def check(numbers: Numbering, blocks: list[list[bytes]]) -> None:
    """Each id has the number at which it stands in ``ids``, and keeps it."""
    for block in blocks:
        codes = numbers.of(Cells.of(block)).tolist()
        assert [list(numbers.ids)[code] for code in codes] == block
    assert list(numbers.ids.values()) == list(range(len(numbers)))
    assert set(numbers.ids) == {each for block in blocks for each in block}


@settings(deadline=None)
@given(blocks=st.lists(st.lists(st.one_of(ids, alike), min_size=1), max_size=6))
def test_an_id_has_one_number_for_ever(blocks: list[list[bytes]]) -> None:
    """Short beside long ones, in blocks that widen and narrow."""
    check(Numbering(), blocks)


@settings(deadline=None)
@given(blocks=st.lists(st.lists(alike, min_size=1), max_size=6))
@example(blocks=[[b"a" * 8], [b"a" * 9, b"a" * 8]])
@example(blocks=[[b"a" * 9], [b"a" * 8], [b"a" * 17]])
def test_ids_that_share_a_slot_have_numbers_of_their_own(
    blocks: list[list[bytes]],
) -> None:
    """Though every id had the same slot: each byte is compared."""
    with pytest.MonkeyPatch.context() as patch:
        nothing = np.zeros_like(numbering._FACTORS)
        patch.setattr(numbering, "_FACTORS", nothing)
        check(Numbering(), blocks)


def test_known_ids_are_not_looked_at_one_by_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What makes it quick: only new ids take the slow way."""
    numbers, slow = Numbering(), []
    one_by_one = Numbering._one_by_one

    def noted(self: Numbering, cells: Cells) -> numbering.Codes:
        slow.append(len(cells))
        return one_by_one(self, cells)

    monkeypatch.setattr(Numbering, "_one_by_one", noted)
    block = [b"store-%d" % number for number in range(50)] * 20
    for _ in range(3):
        check(numbers, [block])
    assert slow == [1_000]
    more = [*block, b"a-new-one"]
    for _ in range(3):
        check(numbers, [more])
    assert slow == [1_000, 1]
    assert not numbers._is_outgrown(len(more))
