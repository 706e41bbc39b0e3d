"""The bytes of a file become blocks of whole lines, whatever they are packed in."""

import gzip
import os
import threading
import tracemalloc
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamproc.errors import LoadError
from streamproc.loading import source
from streamproc.loading.source import Block, opened, size_of, worked_ahead

TEXT = "store_id,status\n7,active\né,inactive\n"
HALVES = (TEXT[:20], TEXT[20:])
LONG = b"".join(b"%x" % (n**7) for n in range(2_000))


def blocks(path: Path) -> list[Block]:
    """All blocks of a file."""
    with opened(path, lambda count: None) as found:
        return list(found)


def text_of(path: Path) -> str:
    """All lines of a file, as one text."""
    return b"".join(block.text for block in blocks(path)).decode()


@pytest.mark.parametrize(
    "packed",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("utf-16"),
        b"\xfe\xff" + TEXT.encode("utf-16-be"),
        gzip.compress(TEXT.encode(), mtime=0),
        gzip.compress(TEXT.encode("utf-16"), mtime=0),
        gzip.compress(TEXT[:20].encode(), mtime=0)
        + gzip.compress(TEXT[20:].encode(), mtime=0),
        gzip.compress(TEXT.encode(), mtime=0) + bytes(512),
        TEXT.rstrip("\n").encode(),
    ],
)
@pytest.mark.parametrize("name", ["polls.csv", "polls.csv.gz", "polls"])
def test_the_bytes_tell_how_a_file_is_packed(
    packed: bytes, name: str, tmp_path: Path
) -> None:
    """Gzip and UTF-16 are known by how they begin, not by the file's name."""
    (tmp_path / name).write_bytes(packed)
    assert text_of(tmp_path / name) == TEXT


def test_lone_carriage_returns_end_lines_when_there_is_nothing_else(
    tmp_path: Path,
) -> None:
    """As old Macs write them."""
    (tmp_path / "mac.csv").write_bytes(TEXT.replace("\n", "\r").encode())
    assert text_of(tmp_path / "mac.csv") == TEXT


def test_an_empty_file_has_no_lines(tmp_path: Path) -> None:
    """Packed or not."""
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "packed").write_bytes(gzip.compress(b"", mtime=0))
    assert blocks(tmp_path / "empty") == blocks(tmp_path / "packed") == []


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"a,b\n1,2\n3,\xe9\n", r"line 3: not UTF-8 text \(byte 0xE9\); save the file"),
        (b"\xff\xfea\x00\x00\xd8", "not UTF-16, as its byte order mark says"),
        (b"PK\x03\x04....", "Excel workbook; save it as CSV"),
        (gzip.compress(b"PK\x03\x04....", mtime=0), "Excel workbook"),
        (gzip.compress(LONG, mtime=0)[: len(LONG) // 4], "ends in the middle"),
        (gzip.compress(TEXT.encode(), mtime=0)[:-4] + b"\1\2\3\4", "damaged gzip data"),
        (gzip.compress(TEXT.encode(), mtime=0) + b"junk", "damaged gzip data"),
        (b"\x1f\x8b\x08\x00" + b"\x00" * 6 + b"\xff" * 99, "damaged gzip data"),
    ],
)
def test_what_is_no_text_is_one_line_that_names_the_file(
    raw: bytes, said: str, tmp_path: Path
) -> None:
    """And says what to do, where that is known."""
    (tmp_path / "polls.csv").write_bytes(raw)
    with pytest.raises(LoadError, match=said) as caught:
        blocks(tmp_path / "polls.csv")
    assert "polls.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_directory_are_errors(tmp_path: Path) -> None:
    """Before anything is read."""
    with pytest.raises(LoadError, match="No such file"):
        size_of(tmp_path / "missing.csv")
    with pytest.raises(LoadError, match="is a directory"):
        size_of(tmp_path)


def test_a_pipe_is_read_once_and_its_size_is_not_known(tmp_path: Path) -> None:
    """As ``<(...)`` and /dev/stdin are."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert size_of(pipe) is None
    writer = threading.Thread(target=pipe.write_bytes, args=(TEXT.encode(),))
    writer.start()
    assert text_of(pipe) == TEXT
    writer.join()


@given(
    lines=st.lists(st.text("ab\r,", max_size=30), max_size=20),
    size=st.integers(1, 40),
)
def test_blocks_are_whole_lines_however_the_pieces_fall(
    lines: list[str], size: int
) -> None:
    """Each line is in one block, with its number."""
    raw = "".join(line + "\n" for line in lines).encode()
    pieces = iter([raw[at : at + size] for at in range(0, len(raw), size)])
    found = list(source._blocks(pieces, Path("x")))
    assert b"".join(block.text for block in found) == raw
    number = 1
    for block in found:
        assert block.line == number
        assert block.text.endswith(b"\n")
        number += block.text.count(b"\n")


def test_a_giant_line_costs_its_line_and_no_memory(tmp_path: Path) -> None:
    """A packed line of 200 MB is one refused line; the next has its own number."""
    packer = zlib.compressobj(wbits=31)
    packed = packer.compress(b"first\n")
    for _ in range(200):
        packed += packer.compress(b"x" * 1_000_000)
    packed += packer.compress(b"\nlast\n") + packer.flush()
    (tmp_path / "giant.gz").write_bytes(packed)
    tracemalloc.start()
    found = blocks(tmp_path / "giant.gz")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [(block.line, block.giant) for block in found] == [
        (1, False),
        (2, True),
        (3, False),
    ]
    assert found[-1].text == b"last\n"
    assert peak < 40_000_000


def test_work_ahead_keeps_the_order_and_says_what_failed() -> None:
    """Two at a time; what a later one raises comes when its turn has come."""
    first_may_end = threading.Event()

    def work(number: int) -> int:
        if number == 0:
            assert first_may_end.wait(10)
        elif number == 1:
            first_may_end.set()
        elif number == 3:
            raise LoadError("three")
        return number * 10

    with worked_ahead(work, iter(range(9))) as results:
        assert [next(results), next(results), next(results)] == [0, 10, 20]
        with pytest.raises(LoadError, match="three"):
            next(results)
    with worked_ahead(work, iter(range(3))) as results:
        assert list(results) == [0, 10, 20]


def test_blocks_are_read_ahead_one_at_a_time() -> None:
    """While one is worked on the next is fetched, and no more than that."""
    fetched: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(9):
            fetched.append(number)
            yield number

    with source.ahead(numbers()) as items:
        assert next(items) == 0
        assert next(items) == 1
    assert fetched in ([0, 1], [0, 1, 2])
