"""Whether the ids of two files are the same ids."""

from pathlib import Path

import pytest

from streamproc.errors import LoadError
from streamproc.loading.joins import Join, refuse_cut_ids

IDS = [str(1481966498820158979 + n * 7919) for n in range(100)]


def join(kind: str, ours: list[str], theirs: list[str]) -> Join:
    """How two lists of ids meet."""
    return Join(kind, set(ours), set(theirs))


def test_a_join_says_how_many_stores_have_polls() -> None:
    """In one line; nothing more when most do."""
    found = join("hours", IDS[:60], IDS[20:])
    assert str(found) == "hours of 60 stores: 40 of them have polls"
    assert list(found.remarks()) == []
    assert not found.is_broken


def test_under_half_is_a_remark_with_three_examples_of_each_side() -> None:
    """So that a person sees what is different."""
    (said,) = join("zones", IDS[:50], IDS[40:]).remarks()
    assert said.startswith("zones of 50 stores: 10 of them have polls; only in the")
    for store_id in (*sorted(IDS[:40])[:3], *sorted(IDS[50:])[:3]):
        assert store_id in said


@pytest.mark.parametrize(
    ("joined", "broken"), [(0, True), (1, True), (2, False), (200, False)]
)
def test_under_one_in_a_hundred_they_are_not_the_same_ids(
    joined: int, broken: bool
) -> None:
    """Of 200 stores on either side."""
    ours = [f"a{n}" for n in range(200)]
    theirs = ours[:joined] + [f"b{n}" for n in range(200 - joined)]
    assert join("hours", ours, theirs).is_broken is broken


def test_polls_of_few_stores_join_when_all_of_them_do() -> None:
    """A sample of the polls beside the hours of the whole fleet."""
    assert not join("hours", IDS, IDS[:1]).is_broken
    assert not join("hours", [], IDS).is_broken
    assert not join("hours", IDS, []).is_broken


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("1001.0", "1001"), ("007", "7"), ("1001", "1001.00"), ("7", "0007")],
)
def test_numbers_written_in_two_ways_are_named(ours: str, theirs: str) -> None:
    """Also when all the others join."""
    (said,) = join("hours", [ours, *IDS], [theirs, *IDS]).remarks()
    assert f"{ours} in the hours, {theirs} in the polls" in said


@pytest.mark.parametrize(
    "cut",
    [
        lambda i: i[:15] + "0000",  # a spreadsheet
        lambda i: i[:16] + "000",  # JavaScript
        lambda i: i[:17] + "00",
        lambda i: i[:15] + "0",
        lambda i: i[:15] + "00",
    ],
)
def test_ids_that_were_rounded_are_refused_as_a_file(cut: object) -> None:
    """Nine in ten of the long ones; the short ones do not count."""
    ids = [cut(i) for i in IDS[:90]] + IDS[90:]  # type: ignore[operator]
    with pytest.raises(LoadError, match=r"hours\.csv: mangled-id: \d+ of 100 ids"):
        refuse_cut_ids(Path("hours.csv"), ids + ["7", "shop"] * 99)


@pytest.mark.parametrize(
    "ids",
    [
        IDS,
        [],
        [i[:15] + "0000" for i in IDS[:89]] + IDS[89:],
        [i[:15] + "0000" for i in IDS[:4]],
        [i[:14] + "0" for i in IDS],
        [i[:15] + "0000x" for i in IDS],
    ],
)
def test_other_ids_are_left_alone(ids: list[str]) -> None:
    """Under nine in ten, few, short, or no numbers."""
    refuse_cut_ids(Path("hours.csv"), ids)
