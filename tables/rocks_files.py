"""Whether a database's directory is the one that was last written here.

RocksDB checks what is inside of its files. It does not notice a directory that was
swapped for another one, nor a manifest or a write-ahead log that was cut between two
of its records: it then opens a database with a hole in it. So each database says in
keys of its own whose it is, and how long those files were at least.
"""

from collections.abc import Mapping
from pathlib import Path

import orjson

OWNER_KEY = b"__faust\0owner__"
LENGTHS_KEY = b"__faust\0lengths__"

_APPENDED_TO = ("MANIFEST-*", "*.log")


def owner(app_id: str, table: str, partition: int) -> bytes:
    """Value of ``OWNER_KEY``."""
    return orjson.dumps([app_id, table, partition])


def lengths(directory: Path) -> dict[str, int]:
    """Length in bytes of each file that RocksDB only ever appends to."""
    return {
        path.name: path.stat().st_size
        for pattern in _APPENDED_TO
        for path in directory.glob(pattern)
    }


def encode(lengths: Mapping[str, int]) -> bytes:
    """Value of ``LENGTHS_KEY``."""
    return orjson.dumps(lengths)


def decode(value: bytes | None) -> dict[str, int]:
    """Lengths of a value; none when none were noted."""
    noted: dict[str, int] = {} if value is None else orjson.loads(value)
    return noted


def wrong(
    mine: bytes, owner: bytes | None, found: Mapping[str, int], noted: Mapping[str, int]
) -> str | None:
    """What is wrong with a database; None: nothing.

    ``mine``, ``owner``: whose it should be and whose it says it is, None when it was
    never said. ``found``, ``noted``: lengths of its files before it was opened, and
    what they were at least. A file that is gone was superseded: others say so.
    """
    if owner is not None and owner != mine:
        return f"it is of {owner.decode(errors='replace')}, not of {mine.decode()}"
    for name, length in noted.items():
        if found.get(name, length) < length:
            return f"{name} was cut: {found[name]} of at least {length} bytes are left"
    return None
