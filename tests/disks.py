"""Disks that fail: full ones, and those that turn bits over."""

import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest


@contextmanager
def small_disk(path: Path, mib: int) -> Iterator[Path]:
    """A file system of so many MiB on a new directory.

    Skips the test where mounting is not allowed.
    """
    path.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", str(path)]
    try:
        done = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        done = False
    if not done:
        pytest.skip("needs the right to mount")
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


def fill(disk: Path, left: int = 0) -> Path:
    """Fill a disk up to some bytes; return the file to be removed."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as stream, suppress(OSError):
        while shutil.disk_usage(disk).free > left:
            stream.write(bytes(4096))
    return filler


def flip(file: Path) -> None:
    """Flip a bit in every 1,000 bytes of a file that is open, in its place."""
    with file.open("r+b") as stream:
        for at in range(10, file.stat().st_size, 1_000):
            stream.seek(at)
            byte = stream.read(1)[0]
            stream.seek(at)
            stream.write(bytes([byte ^ 4]))


def flip_record(log: Path, topic: str) -> None:
    """Flip a bit of the first batch of an embedded log's topic."""
    with closing(sqlite3.connect(log)) as db, db:
        rowid, body = db.execute(
            "SELECT batch.rowid, body FROM batch JOIN topic ON topic.id = topic_id"
            " WHERE name = ? ORDER BY last_offset LIMIT 1",
            (topic,),
        ).fetchone()
        changed = body[:-20] + bytes([body[-20] ^ 1]) + body[-19:]
        db.execute("UPDATE batch SET body = ? WHERE rowid = ?", (changed, rowid))
