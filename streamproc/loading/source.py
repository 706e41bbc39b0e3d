"""The bytes of an input file as blocks of whole lines of UTF-8. Pure but for reading.

Plain or gzip, UTF-8 or UTF-16: the bytes tell, not the name. ``-`` is standard input;
pipes are read once. However long a line or large the file, memory is bounded.
"""

import codecs
import sys
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeVar

from streamproc.errors import LoadError

Item = TypeVar("Item")
Result = TypeVar("Result")
Progress = Callable[[int], None]
"""Called with the number of bytes read since the last call."""

STDIN = Path("-")
CHUNK_BYTES = 2 << 20
MAX_LINE_BYTES = 128 << 10

_GZIP_MAGIC = b"\x1f\x8b"
_GZIP = 31  # zlib's word for a gzip header and its checksum
_UTF8_BOM = codecs.BOM_UTF8
_UTF16_BOMS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_OTHERS = {
    b"PK\x03\x04": "a ZIP file or an Excel workbook; save it as CSV UTF-8",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook; save it as CSV UTF-8",
    b"\x28\xb5\x2f\xfd": "packed with zstd; unpack it first",
    b"BZh": "packed with bzip2; unpack it first",
    b"\xfd7zXZ": "packed with xz; unpack it first",
    b"PAR1": "a Parquet file; export it as CSV",
}


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines, each with its line feed, in UTF-8.

    ``line``: number of the first one, from 1. ``giant``: only the beginning of one
    line, which is longer than ``MAX_LINE_BYTES``.
    """

    text: bytes
    line: int
    giant: bool = False


@contextmanager
def opened(path: Path, progress: Progress) -> Iterator[Iterator[Block]]:
    """Blocks of a file, read ahead in a thread; raises LoadError in one line."""
    try:
        with _raw(path) as raw, ahead(_blocks(_text(raw, progress), path)) as blocks:
            yield blocks
    except OSError as exc:
        raise LoadError(f"{path}: {exc.strerror or exc}") from exc
    except EOFError as exc:
        raise LoadError(f"{path}: ends in the middle; is it complete?") from exc
    except zlib.error as exc:
        raise LoadError(f"{path}: damaged gzip data: {exc}; copy it again") from exc
    except _NoText as exc:
        raise LoadError(f"{path}: {exc}") from exc


class _NoText(Exception):
    """The bytes are no text that is understood here."""


def size_of(path: Path) -> int | None:
    """Bytes of a file; None for a pipe, of which nobody knows. Raises LoadError."""
    if path == STDIN:
        return None
    try:
        size = path.stat().st_size
    except OSError as exc:
        raise LoadError(f"{path}: {exc.strerror}") from exc
    if path.is_dir():
        raise LoadError(f"{path}: is a directory")
    return size if path.is_file() else None


def check_unpacked(path: Path, most_bytes: int) -> None:
    """Raise LoadError for a file that unpacks to more; damaged ones are read later."""
    with path.open("rb") as raw:
        chunks = _with_first(_chunks(raw, lambda _: None))
        first = next(chunks)
        if not first.startswith(_GZIP_MAGIC):
            return
        total = 0
        try:
            for piece in _unpacked(_prepend(first, chunks)):
                total += len(piece)
                if total > most_bytes:
                    raise LoadError(
                        f"{path}: unpacks to over {most_bytes >> 20} MB; split it, or"
                        " load it on the machine of a worker"
                    )
        except (EOFError, zlib.error):
            return  # whoever reads it says so, with what to do


@contextmanager
def _raw(path: Path) -> Iterator[IO[bytes]]:
    if path == STDIN:
        yield sys.stdin.buffer
        return
    with path.open("rb") as raw:
        yield raw


def _text(raw: IO[bytes], progress: Progress) -> Iterator[bytes]:
    """Pieces of UTF-8 text, without a byte order mark, with line feeds."""
    pieces = _with_first(_chunks(raw, progress))
    first = next(pieces)
    pieces = _prepend(first, pieces)
    if first.startswith(_GZIP_MAGIC):
        pieces = _with_first(_unpacked(pieces))
        first = next(pieces)
        pieces = _prepend(first, pieces)
    for magic, said in _OTHERS.items():
        if first.startswith(magic):
            raise _NoText(f"not text but {said}")
    if first.startswith(_UTF16_BOMS):
        pieces = _from_utf16(pieces)
    elif first.startswith(_UTF8_BOM):
        next(pieces)
        pieces = _prepend(first[len(_UTF8_BOM) :], pieces)
    return _with_line_feeds(pieces)


def _chunks(raw: IO[bytes], progress: Progress) -> Iterator[bytes]:
    while chunk := raw.read(CHUNK_BYTES):
        progress(len(chunk))
        yield chunk


def _with_first(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The pieces of a file; of an empty one, an empty piece."""
    yield next(pieces, b"")
    yield from pieces


def _prepend(first: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from pieces


def _unpacked(packed: Iterator[bytes]) -> Iterator[bytes]:
    """What gzip has packed, in one member or several, a bounded piece at a time."""
    member = zlib.decompressobj(_GZIP)
    for piece in packed:
        while piece:
            if member.eof:
                piece = piece.lstrip(b"\0")  # padding, as tapes and some tools have it
                if not piece:
                    break
                member = zlib.decompressobj(_GZIP)
            yield member.decompress(piece, CHUNK_BYTES)
            piece = member.unused_data if member.eof else member.unconsumed_tail
    while not member.eof:
        rest = member.decompress(b"", CHUNK_BYTES)
        if not rest and not member.eof:
            raise EOFError
        yield rest


def _from_utf16(pieces: Iterator[bytes]) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder("utf-16")()
    try:
        for piece in pieces:
            yield decoder.decode(piece).encode()
        yield decoder.decode(b"", final=True).encode()
    except UnicodeError as exc:
        raise _NoText(f"not UTF-16, as its byte order mark says: {exc}") from exc


def _with_line_feeds(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The pieces with line feeds for carriage returns alone, as old Macs write them."""
    first = next(pieces, b"")
    if b"\r" in first and b"\n" not in first:
        return (piece.replace(b"\r", b"\n") for piece in _prepend(first, pieces))
    return _prepend(first, pieces)


def _blocks(pieces: Iterator[bytes], path: Path) -> Iterator[Block]:
    """Cut pieces at line feeds; of a line that is too long only the head is kept."""
    rest, line, skipping = b"", 1, False
    for piece in pieces:
        if skipping:
            _, found, piece = piece.partition(b"\n")
            skipping = not found
            line += bool(found)
        text = rest + piece
        cut = text.rfind(b"\n") + 1
        if cut:
            yield _checked(Block(text[:cut], line), path)
            line += text.count(b"\n", 0, cut)
        rest = text[cut:]
        if len(rest) > MAX_LINE_BYTES:
            yield Block(rest[:200], line, giant=True)
            rest, skipping = b"", True
    if rest:
        yield _checked(Block(rest + b"\n", line), path)


def _checked(block: Block, path: Path) -> Block:
    """The block, when it is UTF-8; raises LoadError that names the line."""
    if block.text.isascii():
        return block
    try:
        block.text.decode()
    except UnicodeDecodeError as exc:
        line = block.line + block.text.count(b"\n", 0, exc.start)
        raise LoadError(
            f"{path}, line {line}: not UTF-8 text (byte 0x{block.text[exc.start]:02X});"
            " save the file as CSV UTF-8, or convert it: iconv -f WINDOWS-1252 -t UTF-8"
        ) from exc
    return block


@contextmanager
def ahead(items: Iterator[Item]) -> Iterator[Iterator[Item]]:
    """Some items, each fetched in a thread while the one before is worked on."""
    with ThreadPoolExecutor(1) as pool:

        def each() -> Iterator[Item]:
            coming = pool.submit(next, items, None)
            while (item := coming.result()) is not None:
                coming = pool.submit(next, items, None)
                yield item

        yield each()


@contextmanager
def worked_ahead(
    work: Callable[[Item], Result], items: Iterator[Item], threads: int = 2
) -> Iterator[Iterator[Result]]:
    """What comes of each item, in order, worked out in threads some items ahead."""
    with ThreadPoolExecutor(threads) as pool:

        def each() -> Iterator[Result]:
            coming: deque[Future[Result]] = deque()
            for item in items:
                coming.append(pool.submit(work, item))
                if len(coming) > threads:
                    yield coming.popleft().result()
            while coming:
                yield coming.popleft().result()

        yield each()
