"""CSV files of polls, hours and zones, checked row by row. Pure but for reading.

Plain or .gz, with or without BOM, any column order, quoted or not. What is
refused is kept with its line and reason; the rest comes out as messages.
"""

import csv
import gzip
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import orjson

from streamproc.cells import Cells
from streamproc.errors import InvalidInput, InvalidPoll, LoadError, shown
from streamproc.rules.poll import (
    IN_THE_FUTURE,
    MAX_FUTURE_US,
    STATUS,
    check_store_id,
)
from streamproc.rules.schedule import parse_opening
from streamproc.rules.timestamp import parse_timestamp, parse_timestamps
from streamproc.rules.zones import check_zone

Progress = Callable[[int], None]
"""Called with the number of bytes read since the last call."""

POLL_COLUMNS = {
    "store_id": ("store_id",),
    "status": ("status",),
    "timestamp_utc": ("timestamp_utc",),
}
HOURS_COLUMNS = {
    "store_id": ("store_id",),
    "dayOfWeek": ("dayOfWeek", "day"),
    "start_time_local": ("start_time_local",),
    "end_time_local": ("end_time_local",),
}
ZONE_COLUMNS = {"store_id": ("store_id",), "timezone_str": ("timezone_str",)}

_BLOCK_ROWS = 20_000
_MANGLED = re.compile(r"[+-]?\d+(?:[.,]\d+)?E[+]?\d+\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that was not taken: where it stands, why, and what it says."""

    path: Path
    line: int
    reason: str
    message: str
    row: tuple[str, ...]


@dataclass(slots=True)
class Table:
    """What a file held: messages by key, in the order to publish them."""

    keys: list[bytes] = field(default_factory=list)
    values: list[bytes] = field(default_factory=list)


@contextmanager
def _opened(path: Path, progress: Progress) -> Iterator[Iterator[str]]:
    """Lines of a text file, unpacked when its name ends in .gz."""
    try:
        with path.open("rb") as raw:
            stream: IO[Any] = gzip.open(raw) if path.suffix == ".gz" else raw  # type: ignore[assignment]  # noqa: SIM115
            text = TextIOWrapper(stream, encoding="utf-8-sig", newline="")
            yield _counted(text, raw, progress)
    except OSError as exc:  # gzip.BadGzipFile is one
        raise LoadError(f"{path}: {exc.strerror or exc}") from exc
    except EOFError as exc:
        raise LoadError(f"{path}: ends in the middle; is it complete?") from exc
    except UnicodeDecodeError as exc:
        raise LoadError(f"{path}: not UTF-8 text: {exc}") from exc
    except csv.Error as exc:
        raise LoadError(f"{path}: not a CSV file: {exc}") from exc


def _counted(text: TextIOWrapper, raw: IO[bytes], progress: Progress) -> Iterator[str]:
    done = 0
    for number, line in enumerate(text):
        if number % _BLOCK_ROWS == 0:
            position = raw.tell()
            progress(position - done)
            done = position
        yield line
    progress(raw.tell() - done)


def _blocks(
    path: Path, names: Mapping[str, Sequence[str]], progress: Progress
) -> Iterator[tuple[list[int], list[list[str]], list[list[str]]]]:
    """Line numbers, the wanted columns, and the whole rows; block by block.

    A row that is too short has empty cells.
    """
    with _opened(path, progress) as lines:
        reader = csv.reader(lines)
        header = [name.strip() for name in next(reader, [])]
        at = [_column(path, header, names[name]) for name in names]
        while block := [
            (reader.line_num, row) for row in islice(reader, _BLOCK_ROWS) if row
        ]:
            numbers = [number for number, _ in block]
            rows = [row for _, row in block]
            width = max(at) + 1
            short = [row + [""] * (width - len(row)) for row in rows]
            yield numbers, [[row[i].strip() for row in short] for i in at], rows


def _column(path: Path, header: Sequence[str], names: Sequence[str]) -> int:
    for name in names:
        if name in header:
            return header.index(name)
    raise LoadError(
        f"{path}, line 1: no column {' or '.join(names)}; there are:"
        f" {', '.join(header) or 'none'}"
    )


def check_csv_id(text: str) -> str:
    """A store id as it must stand in a file; raises InvalidInput."""
    if _MANGLED.match(text):
        raise InvalidPoll(
            "mangled-id",
            f"store_id is {text}: a spreadsheet has rounded it, the digits are lost;"
            " export the file again with the column as text",
        )
    return check_store_id(text)


# -- polls ----------------------------------------------------------------------


class PollFile:
    """The polls of a file, as compact columns, in time order once read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.refused: list[Refused] = []
        self._number: dict[str, int] = {}
        self._times: list[npt.NDArray[np.int64]] = []
        self._codes: list[npt.NDArray[np.int32]] = []
        self._active: list[npt.NDArray[np.bool_]] = []
        self._valid_id: dict[str, InvalidInput | None] = {}

    def read(
        self, now_us: int, progress: Progress, on_refused: Callable[[Refused], None]
    ) -> None:
        """Read and check all rows; ``on_refused`` may raise to stop."""
        for lines, columns, rows in _blocks(self.path, POLL_COLUMNS, progress):
            self._take(lines, columns, rows, now_us, on_refused)

    def _take(
        self,
        lines: list[int],
        columns: list[list[str]],
        rows: list[list[str]],
        now_us: int,
        on_refused: Callable[[Refused], None],
    ) -> None:
        ids, statuses, stamps = columns
        encoded = [stamp.encode(errors="replace") for stamp in stamps]
        times, good = parse_timestamps(Cells.of(encoded))
        status = np.array([STATUS.get(text, -1) for text in statuses], np.int8)
        valid = np.array([self._id_error(text) is None for text in ids], bool)
        good &= (status >= 0) & valid & (times <= now_us + MAX_FUTURE_US)
        for row in np.flatnonzero(~good).tolist():
            try:
                times[row] = self._check(ids[row], statuses[row], stamps[row], now_us)
            except InvalidInput as exc:
                refused = Refused(
                    self.path, lines[row], exc.reason, str(exc), tuple(rows[row])
                )
                self.refused.append(refused)
                on_refused(refused)
            else:
                good[row] = True
        number = self._number
        codes = [
            number.setdefault(text, len(number)) if fine else -1
            for text, fine in zip(ids, good.tolist(), strict=True)
        ]
        self._codes.append(np.array(codes, np.int32)[good])
        self._times.append(times[good])
        self._active.append(status[good] == 1)

    def _id_error(self, text: str) -> InvalidInput | None:
        if text not in self._valid_id:
            try:
                check_csv_id(text)
            except InvalidInput as exc:
                self._valid_id[text] = exc
            else:
                self._valid_id[text] = None
        return self._valid_id[text]

    def _check(self, store_id: str, status: str, stamp: str, now_us: int) -> int:
        """The rules of one row, said in words; returns its time."""
        error = self._id_error(store_id)
        if error is not None:
            raise error
        if status not in STATUS:
            raise InvalidPoll(
                "unknown-status",
                f"status is {shown(status)}, expected active or inactive",
            )
        time_us = parse_timestamp(stamp)
        if time_us > now_us + MAX_FUTURE_US:
            raise InvalidPoll(IN_THE_FUTURE, f"timestamp_utc is {stamp}")
        return time_us

    def __len__(self) -> int:
        return sum(len(times) for times in self._times)

    def messages(self, count: int) -> Iterator[tuple[list[bytes], list[bytes]]]:
        """Keys and values of the polls in time order, ``count`` at a time."""
        if not self._times:
            return
        times = np.concatenate(self._times)
        codes = np.concatenate(self._codes)
        active = np.concatenate(self._active)
        self._times, self._codes, self._active = [times], [codes], [active]
        order = np.argsort(times, kind="stable")
        keys = [store_id.encode() for store_id in self._number]
        quoted = [orjson.dumps(store_id) for store_id in self._number]
        for first in range(0, len(order), count):
            rows = order[first : first + count]
            chosen = codes[rows].tolist()
            yield (
                [keys[code] for code in chosen],
                _poll_values(quoted, chosen, times[rows], active[rows].tolist()),
            )


def _poll_values(
    quoted: list[bytes],
    codes: list[int],
    times: npt.NDArray[np.int64],
    active: list[bool],
) -> list[bytes]:
    """JSON of each poll, as ``poll.encode_poll`` writes it."""
    stamps = np.datetime_as_string(times.view("datetime64[us]")).tolist()
    states = (b'"inactive"}', b'"active"}')
    return [
        b'{"store_id":%b,"timestamp_utc":"%b UTC","status":%b'
        % (
            quoted[code],
            (stamp[:10] + " " + stamp[11:].rstrip("0").rstrip(".")).encode()
            if stamp[-6:] != "000000"
            else (stamp[:10] + " " + stamp[11:19]).encode(),
            states[up],
        )
        for code, stamp, up in zip(codes, stamps, active, strict=True)
    ]


# -- hours and zones ------------------------------------------------------------


def read_hours(
    path: Path, progress: Progress, on_refused: Callable[[Refused], None]
) -> Table:
    """One store-hours message per store: its whole week."""
    weeks: dict[str, list[dict[str, object]]] = {}
    for lines, columns, rows in _blocks(path, HOURS_COLUMNS, progress):
        for line, row, cells in zip(
            lines, rows, zip(*columns, strict=True), strict=True
        ):
            store_id, day, start, end = cells
            try:
                check_csv_id(store_id)
                opening = parse_opening(day, start, end)
            except InvalidInput as exc:
                on_refused(Refused(path, line, exc.reason, str(exc), tuple(row)))
                continue
            weeks.setdefault(store_id, []).append(
                {
                    "dayOfWeek": opening.day,
                    "start_time_local": start,
                    "end_time_local": end,
                }
            )
    return _as_table({i: {"store_id": i, "hours": week} for i, week in weeks.items()})


def read_zones(
    path: Path, progress: Progress, on_refused: Callable[[Refused], None]
) -> Table:
    """One store-zones message per store; the last row of a store counts."""
    zones: dict[str, dict[str, object]] = {}
    for lines, columns, rows in _blocks(path, ZONE_COLUMNS, progress):
        for line, row, cells in zip(
            lines, rows, zip(*columns, strict=True), strict=True
        ):
            store_id, zone = cells
            try:
                check_csv_id(store_id)
                check_zone(zone)
            except InvalidInput as exc:
                on_refused(Refused(path, line, exc.reason, str(exc), tuple(row)))
                continue
            zones[store_id] = {"store_id": store_id, "timezone_str": zone}
    return _as_table(zones)


def _as_table(messages: Mapping[str, Mapping[str, object]]) -> Table:
    return Table(
        [store_id.encode() for store_id in messages],
        [orjson.dumps(message) for message in messages.values()],
    )
