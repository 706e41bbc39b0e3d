"""The files that were uploaded: few, for a while, in the data directory."""

import asyncio
import secrets
import shutil
import tempfile
from collections import OrderedDict
from pathlib import Path

from streamproc.web.refusal import unknown
from streamproc.web.uploads.parts import Sent
from streamproc.web.uploads.upload import PUBLISHING, SWELLS, Upload

MOST_KEPT = 4
"""Files that are kept until they are published or forgotten; the oldest goes."""

KEPT_S = 3_600.0
"""So long one is kept that nobody touches."""

DIRECTORY = "uploads"


class Uploads:
    """Each in a directory of its own; what an earlier worker has left there goes.

    ``most_bytes``: of a body, and so of each file.
    """

    def __init__(self, data_dir: Path, most_bytes: int) -> None:
        self._root = data_dir / DIRECTORY
        self._most_bytes = most_bytes
        self._uploads: OrderedDict[str, Upload] = OrderedDict()
        self._ends: dict[str, asyncio.TimerHandle] = {}
        shutil.rmtree(self._root, ignore_errors=True)

    def add(self, sent: Sent, kind: str, by: str) -> Upload:
        """Keep a file; the oldest of too many goes. Raises OSError."""
        self._root.mkdir(parents=True, exist_ok=True)
        directory = Path(tempfile.mkdtemp(dir=self._root))
        token = secrets.token_urlsafe(12)
        most = SWELLS * self._most_bytes
        upload = Upload(token, sent.name, kind, directory, most, by)
        upload.path.write_bytes(sent.content)
        self._uploads[token] = upload
        self.touch(token)
        for old in list(self._uploads)[:-MOST_KEPT]:
            self.forget(old)
        return upload

    def find(self, token: str) -> Upload:
        """One of those that are kept; raises a 404 Refusal."""
        if token not in self._uploads:
            raise unknown("upload", token)
        return self._uploads[token]

    def touch(self, token: str) -> None:
        """Keep it for a while from now on."""
        if token in self._ends:
            self._ends[token].cancel()
        loop = asyncio.get_running_loop()
        self._ends[token] = loop.call_later(KEPT_S, self._expire, token)

    def _expire(self, token: str) -> None:
        if not self.forget(token):
            self.touch(token)

    def forget(self, token: str) -> bool:
        """Let go of it, unless it is being published; whether it is gone."""
        if self._uploads[token].state == PUBLISHING:
            return False
        self._ends.pop(token).cancel()
        self._uploads.pop(token).forget()
        return True

    def close(self) -> None:
        """Let go of all of them."""
        for end in self._ends.values():
            end.cancel()
        shutil.rmtree(self._root, ignore_errors=True)
