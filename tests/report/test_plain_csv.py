"""Lines of CSV that are made all at once, against the csv module."""

import csv
import io

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streamproc.report.plain_csv import plain_csv
from streamproc.report.rows import HEADER, csv_rows
from tests.report.test_rows import QUICK, Table, csv_text, rows_from, some_rows, tables


@given(tables)
@QUICK
def test_a_report_is_the_same_text_as_the_csv_module_writes(table: Table) -> None:
    """With ids that are quoted, neutralised or plain."""
    rows = rows_from(table)
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerows([HEADER, *csv_rows(rows)])
    assert csv_text(rows) == stream.getvalue()


@given(st.lists(st.text("ab1é店_-' .", min_size=1), min_size=1, max_size=9))
@QUICK
def test_plain_ids_of_any_length_come_out_as_they_are(store_ids: list[str]) -> None:
    """Padding is nowhere in the text; what begins like a formula is left to others."""
    amounts = np.arange(len(store_ids)) * 8_888
    plain = all(each[0].isalnum() or each[0] == "_" for each in store_ids)
    lines = "".join(
        f"{each},{n // 100}.{n % 100:02d},0.07\n"
        for each, n in zip(store_ids, amounts.tolist(), strict=True)
    )
    found = plain_csv(store_ids, [amounts, np.full(len(amounts), 7)])
    assert found == (lines if plain else None)


def test_what_is_not_plain_is_left_to_the_csv_module() -> None:
    """Quotes, separators, control characters; no rows; an amount beyond the table."""
    none = [np.zeros(1, np.int64)]
    for store_id in ('a"b', "a,b", "a;b", "a|b", "a\tb", "a\rb", "a\nb", "a\0", "=a"):
        assert plain_csv([store_id], none) is None
    assert plain_csv([], []) is None
    assert plain_csv(["a"], [np.array([80_000])]) is None
    assert plain_csv(["a"], [np.array([79_999])]) == "a,799.99\n"


def test_one_id_that_is_not_plain_changes_nothing_for_the_others() -> None:
    """Rows come in their order, however many of them are written at once."""
    ids = [f"{n:05}" for n in range(45_000)]
    ids[30_000] = "30000,x"
    rows = list(csv.reader(io.StringIO(csv_text(some_rows(ids)), newline="")))
    assert [row[0] for row in rows[1:]] == ids
