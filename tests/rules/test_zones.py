"""The names of time zones, as people write them."""

from collections.abc import Callable

import pytest

from streamproc.errors import InvalidInput, InvalidZone
from streamproc.rules.zones import (
    check_zone,
    load_zone,
    zone_names,
    zone_or_none,
    zone_remark,
)


@pytest.mark.parametrize(
    "name", ["UTC", "America/Chicago", "Asia/Kolkata", "Etc/GMT-3"]
)
def test_a_zone_is_a_name_of_the_tz_database(name: str) -> None:
    """Its name is returned, and it can be loaded."""
    assert name in zone_names()
    assert name == check_zone(name) == load_zone(name).key


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("america/chicago", "America/Chicago"),
        (" America/Chicago ", "America/Chicago"),
        ("America/New York", "America/New_York"),
        ("AMERICA/NEW_YORK", "America/New_York"),
        ("utc", "UTC"),
        ("Central Standard Time", "America/Chicago"),
        ("w. europe standard time", "Europe/Berlin"),
        ("GTB Standard Time", "Europe/Bucharest"),
    ],
)
def test_a_zone_is_known_in_any_case_and_by_its_windows_name(
    written: str, meant: str
) -> None:
    """What comes out is the tz database's own spelling."""
    assert check_zone(written) == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("America/New Yrok", "America/New_York"),
        ("Chicago", "America/Chicago"),
        ("New York", "America/New_York"),
        ("Pacific Standard Tme", "America/Los_Angeles"),
        ("CST", "America/Chicago"),
        ("PT", "America/Los_Angeles"),
    ],
)
def test_a_name_nearly_right_gets_did_you_mean(written: str, meant: str) -> None:
    """It is refused all the same: nobody guesses at a store's zone."""
    with pytest.raises(InvalidZone, match=rf"did you mean {meant}\?"):
        check_zone(written)


@pytest.mark.parametrize("written", ["UTC+1", "GMT-5", "+01:00", "-0500"])
def test_an_offset_is_no_zone(written: str) -> None:
    """The sentence says why, and suggests no zone with the sign turned round."""
    with pytest.raises(InvalidZone, match="knows no summer time") as caught:
        check_zone(written)
    assert "did you mean" not in str(caught.value)


@pytest.mark.parametrize("name", ["EST", "MST", "HST"])
def test_an_abbreviation_without_summer_time_is_taken_with_a_remark(name: str) -> None:
    """The tz database knows them, but few mean them."""
    assert name in str(zone_remark(check_zone(name)))
    assert "no summer time" in str(zone_remark(name))
    assert zone_remark("America/New_York") is None


@pytest.mark.parametrize(
    "name",
    [
        *("", " ", "America", "CT", "zone.tab", "tzdata.zi", "Factory", "factory"),
        *("posix/America/Chicago", "right/UTC", "posixrules", "localtime"),
        *("/etc/localtime", "../zones", "America/../UTC", "UTC\0", "x" * 5_000),
        *("America\\Chicago", "America/Chi\u200bcago", "Amerıca/Chicago"),
    ],
    ids=lambda value: f"{value!a:.20}",
)
def test_an_unknown_zone_is_refused(name: str) -> None:
    """A path is no name, and what stands for no place is no zone."""
    with pytest.raises(InvalidZone, match="timezone_str") as caught:
        check_zone(name)
    assert caught.value.reason == "unknown-zone"
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize("name", ["", "america/chicago", "../zones", "x" * 5_000])
def test_only_the_database_s_own_spelling_is_loaded(name: str) -> None:
    """What stands in a table is canonical; nothing else ever becomes a path."""
    with pytest.raises(InvalidZone, match="timezone_str"):
        load_zone(name)


def test_a_zone_that_was_taken_once_can_still_be_loaded() -> None:
    """Tables may hold names that are refused today."""
    assert load_zone("Factory").key == "Factory"


@pytest.mark.parametrize("check", [check_zone, zone_or_none])
@pytest.mark.parametrize("name", [7, True, [], {}, ["UTC"], b"UTC"])
def test_a_zone_is_text(check: Callable[[object], object], name: object) -> None:
    """Any other type is refused."""
    with pytest.raises(InvalidInput, match="timezone_str"):
        check(name)


@pytest.mark.parametrize("name", [None, "", "  "])
def test_an_empty_zone_is_no_zone(name: str | None) -> None:
    """It forgets what was known, like null."""
    assert zone_or_none(name) is None
    assert zone_or_none("utc") == "UTC"


@pytest.mark.parametrize("name", ["Factory", "factory", "localtime", "posixrules"])
def test_what_is_no_zone_is_not_suggested(name: str) -> None:
    """Nobody is told to write what was just refused."""
    with pytest.raises(InvalidZone) as refused:
        check_zone(name)
    assert "did you mean" not in str(refused.value)
