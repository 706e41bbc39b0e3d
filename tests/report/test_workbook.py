"""A report's CSV as a workbook: the same cells, each as what it is."""

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from streamproc.report.label_columns import label_columns
from streamproc.report.rows import FULL_HEADER
from streamproc.report.workbook import About, kind_of, main, write_workbook

ABOUT = About([("As of", "2026-11-24T00:00:00Z (UTC)"), ("Rule", "Hours count.")])
HEADER = "store_id,uptime_last_day(in hours),uptime_percent_last_day(of observed),last"
LINES = [
    f"{HEADER}\n",
    "007,23.50,99.99,2026-11-23T23:59:00Z\n",
    "12e3,0.00,,\n",
    '"a,b",1000.25,0.01,"x\ny"\n',
    "'=1+1,1.00,100.00,https://example.org\n",
]


def sheets(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Values of every sheet."""
    book = openpyxl.load_workbook(path)
    return {each.title: list(each.values) for each in book.worksheets}


def made(tmp_path: Path, lines: list[str] = LINES, **options: Any) -> Path:
    """A workbook of some lines."""
    path = tmp_path / "r.xlsx"
    write_workbook(path, lines, ABOUT, **options)
    return path


def test_ids_are_text_and_figures_are_numbers(tmp_path: Path) -> None:
    """A spreadsheet neither cuts 007 nor reads 12e3; percentages are real ones."""
    assert sheets(made(tmp_path))["Report"] == [
        tuple(HEADER.split(",")),
        ("007", 23.5, pytest.approx(0.9999), "2026-11-23T23:59:00Z"),
        ("12e3", 0, None, None),
        ("a,b", 1000.25, pytest.approx(0.0001), "x\ny"),
        ("'=1+1", 1, 1, "https://example.org"),
    ]


def test_percentages_look_like_percentages_and_the_header_stays(tmp_path: Path) -> None:
    """Format, frozen first row and column, filter over all rows."""
    sheet = openpyxl.load_workbook(made(tmp_path))["Report"]
    assert sheet["C2"].number_format == "0.00%"
    assert sheet["B2"].number_format == "#,##0.00"
    assert sheet.freeze_panes == "B2"
    assert sheet.auto_filter.ref == "A1:D5"
    assert all(each.hyperlink is None for row in sheet for each in row)


def test_a_second_sheet_says_as_of_when_and_by_which_rules(tmp_path: Path) -> None:
    """A label and a text in each line."""
    assert sheets(made(tmp_path))["About"] == list(map(tuple, ABOUT.lines))


@pytest.mark.parametrize(
    ("rows", "wanted"), [(0, [0]), (1, [1]), (3, [3]), (4, [3, 1]), (7, [3, 3, 1])]
)
def test_rows_that_a_sheet_cannot_hold_go_on_in_the_next(
    tmp_path: Path, rows: int, wanted: list[int]
) -> None:
    """Under the same header; none is lost, none is there twice."""
    lines = ["store_id\n", *(f"s{n}\n" for n in range(rows))]
    found = sheets(made(tmp_path, lines, per_sheet=3))
    del found["About"]
    assert [len(each) - 1 for each in found.values()] == wanted
    assert all(each[0] == ("store_id",) for each in found.values())
    ids = [row[0] for each in found.values() for row in each[1:]]
    assert ids == [f"s{n}" for n in range(rows)]


def test_every_column_of_the_full_report_is_what_its_name_says() -> None:
    """Amounts, percentages, and the three that are text."""
    kinds = {name: kind_of(name) for name in FULL_HEADER}
    assert [n for n in kinds if kinds[n] == "text"] == [
        "store_id",
        "last_poll_utc",
        "last_status",
    ]
    assert [n for n in kinds if kinds[n] == "percent"] == [
        f"uptime_percent_last_{w}(of observed)" for w in ("hour", "day", "week")
    ]


def test_amounts_show_the_decimals_that_the_csv_has(tmp_path: Path) -> None:
    """Hours of a period have four, those of the hourly report two."""
    lines = [
        "store_id,uptime(in hours),longest_incident(in minutes)\n",
        "a,1.2345,0.01",
    ]
    sheet = openpyxl.load_workbook(made(tmp_path, lines))["Report"]
    formats = [cell.number_format for cell in sheet[2][1:]]
    assert formats == ["#,##0.0000", "#,##0.00"]


def test_a_label_is_text_also_where_it_looks_like_a_figure(tmp_path: Path) -> None:
    """A spreadsheet would make 7 of 007, and 5 % of 5."""
    labels = ["code_s", "share_percent", "incidents", "floor(in hours)"]
    header = ",".join(["store_id", *label_columns(labels, ["store_id"])])
    lines = [f"{header}\n", "a,007,5,1e3,0.5\n"]
    rows = sheets(made(tmp_path, lines))["Report"]
    assert rows == [
        ("store_id", *(f"label {label}" for label in labels)),
        ("a", "007", "5", "1e3", "0.5"),
    ]


def test_what_is_no_number_in_a_column_of_figures_keeps_its_text(
    tmp_path: Path,
) -> None:
    """It is written as it stands."""
    lines = ["store_id,incidents\n", "a,many\n", "b,3\n"]
    assert sheets(made(tmp_path, lines))["Report"][1:] == [("a", "many"), ("b", 3)]


def test_the_same_report_is_the_same_bytes(tmp_path: Path) -> None:
    """So that it can be compared, and kept by its digest."""
    first, second = tmp_path / "1", tmp_path / "2"
    for folder in (first, second):
        folder.mkdir()
        made(folder)
    assert (first / "r.xlsx").read_bytes() == (second / "r.xlsx").read_bytes()


def test_a_file_that_cannot_be_written_is_an_oserror(tmp_path: Path) -> None:
    """For whoever says so in a line."""
    with pytest.raises(IsADirectoryError):
        write_workbook(tmp_path, LINES, ABOUT)


def test_as_a_process_it_writes_the_same_workbook(tmp_path: Path) -> None:
    """CSV in, workbook out, also of ids that are no ASCII and have line ends."""
    lines = [*LINES, '"ünï\nx",1.00,,\n']
    done = subprocess.run(
        [sys.executable, "-m", "streamproc.report.workbook", ABOUT.encode()],
        input="".join(lines).encode(),
        capture_output=True,
        check=True,
    )
    same = io.BytesIO()
    main(io.StringIO("".join(lines), newline=""), same, ABOUT.encode())
    assert done.stdout == same.getvalue()
    path = tmp_path / "p.xlsx"
    path.write_bytes(done.stdout)
    assert sheets(path)["Report"][-1][:2] == ("ünï\nx", 1)
