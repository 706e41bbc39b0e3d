"""Where the wanted columns stand."""

from collections.abc import Callable
from pathlib import Path

import pytest

from streamproc.errors import LoadError, OptionNeededError
from streamproc.loading.dates import read_special_hours
from streamproc.loading.header import (
    EXCLUSIONS,
    EXCLUSIONS_ALSO,
    HOURS,
    HOURS_ALSO,
    LABELS,
    LABELS_ALSO,
    POLLS,
    Header,
    read_header,
)
from streamproc.loading.hours import read_hours
from streamproc.loading.labels import read_labels
from streamproc.loading.source import Block
from streamproc.loading.stores import StoreFile

PATH = Path("polls.csv")


def header_of(
    text: str, wanted: tuple[str, ...] = POLLS, names: dict[str, str] | None = None
) -> Header:
    """The header of a file that begins with this text."""
    return read_header(PATH, Block(text.encode(), 1), wanted, names or {})


@pytest.mark.parametrize(
    ("text", "separator", "at", "lines"),
    [
        ("store_id,status,timestamp_utc\n", ",", (0, 1, 2), 1),
        ("timestamp_utc,store_id,status\n", ",", (1, 2, 0), 1),
        ("Store_ID,STATUS,Timestamp_UTC\n", ",", (0, 1, 2), 1),
        ("store id, status ,timestamp-utc\n", ",", (0, 1, 2), 1),
        ("storeid,x,status,y,timestamputc\r\n", ",", (0, 2, 4), 1),
        ('"store_id","status","timestamp_utc"\n', ",", (0, 1, 2), 1),
        ("store_id;status;timestamp_utc\n", ";", (0, 1, 2), 1),
        ("store_id\tstatus\ttimestamp_utc\n", "\t", (0, 1, 2), 1),
        ("store_id|status|timestamp_utc\n", "|", (0, 1, 2), 1),
        ("store_id;status;timestamp_utc;a,b,c\n", ";", (0, 1, 2), 1),
        ("sep=;\nstore_id;status;timestamp_utc\n", ";", (0, 1, 2), 2),
        ("SEP=\t\nstore_id\tstatus\ttimestamp_utc\n", "\t", (0, 1, 2), 2),
        ("\n\nstore_id,status,timestamp_utc\n", ",", (0, 1, 2), 3),
    ],
)
def test_columns_are_found_in_any_order_case_and_separator(
    text: str, separator: str, at: tuple[int, ...], lines: int
) -> None:
    """With ``_``, a blank or nothing between the words; a sep= line is obeyed."""
    found = header_of(text)
    assert (found.separator, found.at, found.lines) == (separator, at, lines)


@pytest.mark.parametrize("day", ["day", "dayOfWeek", "day_of_week", "DAYOFWEEK"])
def test_a_weekday_may_be_called_day(day: str) -> None:
    """Both editions of the public data are read."""
    text = f"store_id,{day},start_time_local,end_time_local\n"
    assert header_of(text, HOURS).at == (0, 1, 2, 3)


def test_other_names_are_told() -> None:
    """And they go before ours; a file without them may still use ours."""
    names = {"store_id": "shop", "timestamp_utc": "Time Stamp"}
    assert header_of("shop,status,time_stamp\n", names=names).at == (0, 1, 2)
    assert header_of("store_id,status,time_stamp\n", names=names).at == (0, 1, 2)
    assert header_of("store_id,shop,status,timestamp\n", names=names).at == (1, 2, 3)


@pytest.mark.parametrize(
    ("wanted", "optional", "text", "twice"),
    [
        (HOURS, HOURS_ALSO, "valid_from,valid_from", "valid_from"),
        (EXCLUSIONS, EXCLUSIONS_ALSO, "from_utc,to_utc,From UTC", "from_utc"),
        (LABELS, LABELS_ALSO, "name,region,name", "name"),
    ],
)
def test_a_column_that_may_be_missing_is_not_there_twice(
    wanted: tuple[str, ...], optional: tuple[str, ...], text: str, twice: str
) -> None:
    """One of them would count, and nobody knows which."""
    block = Block(f"{','.join(wanted)},{text}\n".encode(), 1)
    with pytest.raises(LoadError, match=f"line 1: two columns are {twice}"):
        read_header(PATH, block, wanted, {}, optional)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("7,active,2023-01-25 10:00:00 UTC\n", "line 1: no header but '7,active,2023"),
        ("id,status,timestamp_utc\n", "no column store_id; there are: id, status"),
        ("id,status,timestamp_utc\n", "--map store_id=NAME"),
        ("store_id,Store ID,status,timestamp_utc\n", "two columns are store_id"),
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("sep=;\n", "is empty"),
        ("x" * 99_999, "no header but"),
    ],
)
def test_a_file_without_the_columns_is_an_error_that_shows_its_line(
    text: str, said: str
) -> None:
    """And says how other names are told."""
    with pytest.raises(LoadError, match=r"polls\.csv") as caught:
        header_of(text)
    assert said in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("text", "option", "value"),
    [
        ("shop,status,timestamp_utc\n", "names", "store_id=shop"),
        ("shop,status,timestamp_utc,by\n", "names", ""),
        ("shop,status,when\n", "names", ""),
        ("shop,state,when\n", "names", ""),
        ("store_id,timezone_str\n", "kind", "zones"),
        ("store_id,day,start_time_local,end_time_local\n", "kind", "hours"),
    ],
)
def test_what_answers_a_refused_header_is_told_only_where_it_is_sure(
    text: str, option: str, value: str
) -> None:
    """One column missing and one left; or all columns of one other kind of file."""
    with pytest.raises(OptionNeededError) as caught:
        header_of(text)
    assert (caught.value.option, caught.value.value) == (option, value)


WEEK = "store_id,day,start_time_local,end_time_local"


@pytest.mark.parametrize(
    ("reader", "header", "names", "said"),
    [
        (read_hours, f"{WEEK},valid_form", {}, "'valid_form' is not read; rename it"),
        (read_hours, f"{WEEK},Valid From", {}, ""),
        (read_hours, f"{WEEK},opened_by", {}, ""),
        (read_hours, f"{WEEK},since", {"valid_from": "sinc"}, "no column is called"),
        (read_hours, f"{WEEK},since", {"valid_from": "since"}, ""),
        (read_hours, WEEK, {"name": "title"}, ""),
        (read_labels, "store_id,traget", {}, "'traget' is not read; rename it"),
        (read_labels, "store_id,target,targets", {}, ""),
        (
            read_special_hours,
            "store_id,date,start_time_local,end_time_local,notes",
            *({}, "meant as note"),
        ),
    ],
)
def test_a_column_that_is_nearly_called_like_one_that_may_be_missing_is_told(
    tmp_path: Path,
    reader: Callable[..., StoreFile],
    header: str,
    names: dict[str, str],
    said: str,
) -> None:
    """Weeks whose dates are not read would be one week, and a wrong figure."""
    (tmp_path / "file.csv").write_text(f"{header}\n")
    file = reader(tmp_path / "file.csv", lambda count: None, [].append, names)
    assert len(file.remarks) == bool(said)
    assert said in "".join(file.remarks)
