"""Where tests keep their files: in memory, where there is room for them.

Databases sync often, which a disk that others use takes long for. What tests kill are
processes, and not the machine: what those have written is there afterwards either way.
"""

import os
from pathlib import Path

import psutil  # type: ignore[import-untyped]

MEMORY = Path("/dev/shm")
ENOUGH = 4 << 30
"""Bytes, of which a run needs a small part."""


def folder(memory: Path = MEMORY, enough: int = ENOUGH) -> Path | None:
    """A file system in memory; None where it is missing, small, or not for programs."""
    if not os.access(memory, os.W_OK):
        return None
    told = os.statvfs(memory)
    free = min(told.f_bavail * told.f_frsize, psutil.virtual_memory().available)
    is_for_programs = not told.f_flag & os.ST_NOEXEC
    return memory if free >= enough and is_for_programs else None
