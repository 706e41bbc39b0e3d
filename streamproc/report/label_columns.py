"""What columns of labels are called, in every file that has some. Pure."""

from collections.abc import Collection, Iterable

from streamproc.report.rows import safe_cell
from streamproc.report.workbook import LABEL, kind_of


def label_columns(labels: Iterable[str], others: Collection[str]) -> list[str]:
    """The header of each label: its name, or ``label period`` where that is another's.

    ``others``: the file's own columns. No two labels get the same header, and a
    workbook takes none of them for a column of figures: labels are text, 007 stays so.
    """
    return [safe_cell(_called(label, others)) for label in labels]


def _called(label: str, others: Collection[str]) -> str:
    taken = label in others or label.startswith(LABEL) or kind_of(label) != "text"
    return f"{LABEL}{label}" if taken else label
