"""Batches of the embedded log that are compressed, and those that are not."""

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from streamproc.cells import Cells
from streamproc.transport.columns import Columns
from streamproc.transport.sqlite import codec
from streamproc.transport.sqlite.log import Append, Log
from streamproc.transport.tp import TP

TOPIC = "polls"


@pytest.mark.parametrize(
    ("values", "least", "most"),
    [
        ([b'{"store_id":"%d","status":"active"}' % n for n in range(2_000)], 0, 0.25),
        ([random.Random(n).randbytes(100) for n in range(2_000)], 0.9, 1.5),
        ([b"v" * 500], 1, 1.5),
    ],
    ids=["json", "noise", "short"],
)
def test_a_batch_is_compressed_where_that_makes_it_smaller(
    values: list[bytes], least: float, most: float
) -> None:
    """JSON to less than a quarter; what is short is not worth the time."""
    count, cells = len(values), Cells.of(values)
    numbers = np.arange(count)
    stored = codec.encode(Columns(numbers, numbers, Cells.of([b""] * count), cells, {}))
    assert least < len(stored) / sum(map(len, values)) < most
    assert list(codec.decode(stored, 0).values) == values


def test_a_log_of_the_version_that_compressed_nothing_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Old batches beside new ones; the version before refuses it from then on."""
    path = tmp_path / "log.db"
    sent = [b"k%d" % n for n in range(20)], [b"v" * 1_000] * 20
    with monkeypatch.context() as before:
        before.setattr(codec, "_WORTH_BYTES", 1 << 30)
        log = Log(path, "normal")
        log.create_topic(TOPIC, 1)
        log.append([Append(TOPIC, 0, *sent)])
        log.close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 2")
    log = Log(path, "normal")
    log.append([Append(TOPIC, 0, *sent)])
    found = log.read(TP(TOPIC, 0), 0, 100)
    assert found is not None
    assert (list(found.keys), list(found.values)) == tuple(each * 2 for each in sent)
    log.close()
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (3,)
        lengths = db.execute("SELECT length(body) FROM batch ORDER BY rowid").fetchall()
    assert lengths[0][0] > 10 * lengths[-1][0]
