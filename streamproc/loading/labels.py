"""Files of labels: a row per store, whose further columns are its labels."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from streamproc.errors import InvalidInput, LoadError, shown
from streamproc.loading.header import LABELS, LABELS_ALSO
from streamproc.loading.refused import OnRefused
from streamproc.loading.rows import Row
from streamproc.loading.source import Progress
from streamproc.loading.stores import Cells, StoreFile, read_rows
from streamproc.rules.labels import parse_labels

Message = dict[str, object]


def read_labels(
    path: Path, progress: Progress, tell: OnRefused, names: Mapping[str, str]
) -> StoreFile:
    """One store-labels message per store; the last row of a store counts."""
    file = StoreFile(path, "labels")

    def read(row: Row, cells: Cells) -> Message:
        name, target, *others = cells
        known = _labels(file, others)
        labels = parse_labels({"name": name, "target": target, "labels": known})
        message: Message = {"labels": labels.labels}
        if labels.name is not None:
            message["name"] = labels.name
        if labels.target is not None:
            message["target"] = labels.target
        return message

    columns = LABELS, LABELS_ALSO
    for store_id, message in read_rows(
        file, columns, names, read, progress, tell, with_others=True
    ):
        _refuse_twice(file)
        file.messages[store_id] = {"store_id": store_id, **message}
    file.leave_out(file.broken)
    return file


def _labels(file: StoreFile, cells: Cells) -> dict[str, str]:
    """A row's labels; a column without a name may stand there as long as it is empty.

    Spreadsheets write such columns behind the last one.
    """
    labels = dict(zip(file.others, cells, strict=True))
    for name, text in zip(file.others, cells, strict=True):
        if not name and text:
            raise InvalidInput(
                "bad-labels",
                f"{shown(text)} stands in a column that has no name in the header; a"
                " label needs one",
            )
    labels.pop("", None)
    return labels


def _refuse_twice(file: StoreFile) -> None:
    named = Counter(filter(None, file.others)).most_common(1)
    name, count = named[0] if named else ("", 1)
    if count > 1:
        raise LoadError(f"{file.path}: {count} columns are {shown(name)}")
