"""Timestamps: UTC microseconds of what producers write, one or a whole batch. Pure.

``parse_timestamp`` states the rules. ``parse_timestamps`` reads the usual forms only,
as a matrix of characters: each column is checked and converted at once.
"""

import re
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from streamproc.cells import Bytes, Cells, Ints
from streamproc.errors import InvalidPoll, shown

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_TIMESTAMP = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)"
    r"(?:(?<=:\d\d:\d\d)[.,](\d+))?"
    r" ?(?:(Z|UTC|GMT|[+-]00:?00 UTC)|([+-]\d\d(?::?[0-5]\d)?))?\Z",
    re.ASCII | re.IGNORECASE,
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d\Z", re.ASCII)
_LONGEST = 80

_EXPECTED = (
    "expected YYYY-MM-DD HH:MM:SS[.ffffff], in UTC unless Z, UTC, GMT or an offset"
    " such as +01:00 follows"
)
_HINTS = (
    (r"[+-]?\d{9,}(?:\.\d+)?\Z", "; a number of seconds since 1970 is not taken"),
    (r"[+-]?\d{5}(?:\.\d+)?\Z", "; a spreadsheet's number of days is not taken"),
    (r"\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}", "; day and month could be either way round"),
    (r"\d{4}-\d\d-\d\d\Z", "; the time of day is missing"),
)
"""What people write instead, and why it is not guessed at."""


def parse_timestamp(text: object, field: str = "timestamp_utc") -> int:
    """UTC microseconds of ``2023-01-25 18:13:22.47922 UTC`` or ISO 8601.

    Without a zone it is UTC, as the field's name says; seconds may be missing.
    Digits beyond microseconds are cut off. Raises InvalidPoll, which names ``field``.
    """
    match = None
    if isinstance(text, str) and len(text) < _LONGEST:
        match = _TIMESTAMP.match(text.strip())
    if match is None:
        raise _refused(text, field)
    day, clock, fraction, _, offset = match.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}{offset or '+00:00'}")
        time_us = (moment - _EPOCH) // _MICROSECOND
    except (ValueError, OverflowError) as exc:
        raise InvalidPoll("bad-timestamp", f"{field} is {shown(text)}: {exc}") from exc
    time_us += int((fraction or "0")[:6].ljust(6, "0"))
    if time_us < 0:
        raise InvalidPoll("bad-timestamp", f"{field} is {shown(text)}, before 1970")
    return time_us


def parse_as_of(text: object) -> int:
    """UTC microseconds of a time asked for; a date alone is its midnight, UTC.

    Raises InvalidPoll, which speaks of as_of.
    """
    if isinstance(text, str) and _DATE.match(text.strip()):
        text = f"{text.strip()} 00:00"
    return parse_timestamp(text, "as_of")


def _refused(text: object, field: str) -> InvalidPoll:
    hint = ""
    if isinstance(text, str | int | float) and not isinstance(text, bool):
        start = text[:_LONGEST].strip() if isinstance(text, str) else shown(text)
        hint = next((said for like, said in _HINTS if re.match(like, start)), "")
    return InvalidPoll("bad-timestamp", f"{field} is {shown(text)}, {_EXPECTED}{hint}")


def timestamp_text(time_us: int) -> str:
    """Write a time the way producers do; trailing zeros are trimmed."""
    moment = _EPOCH + time_us * _MICROSECOND
    text = moment.strftime("%Y-%m-%d %H:%M:%S")
    if moment.microsecond:
        text += f".{moment.microsecond:06d}".rstrip("0")
    return text + " UTC"


_WIDTH = 32  # YYYY-MM-DDTHH:MM:SS.ffffff+00:00
_ZONES = (" UTC", "Z", "+00:00")
_SECONDS = 19  # characters up to the fraction
_DIGITS = (0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18)
_MARKS = ((4, "-"), (7, "-"), (13, ":"), (16, ":"))
_MONTH_DAYS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], np.int64)


def parse_timestamps(stamps: Cells) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """UTC microseconds of each stamp, and which of them could be read.

    Reads ``YYYY-MM-DD HH:MM:SS[.ffffff]`` with a blank or a T in the middle, with up
    to 6 digits, and `` UTC``, ``Z``, ``+00:00`` or nothing after it; others are for
    ``parse_timestamp``.
    """
    # One row per character position: column work on contiguous memory.
    chars = stamps.chars(_WIDTH).T.copy()
    digits = chars - np.uint8(ord("0"))  # wraps above 9 for anything but a digit
    good = (digits[_DIGITS, :] <= 9).all(axis=0) & (stamps.lengths <= _WIDTH)
    good &= (chars[10] == ord(" ")) | (chars[10] == ord("T"))
    for position, mark in _MARKS:
        good &= chars[position] == ord(mark)
    micros, good_end = _end(chars, digits, stamps.lengths)
    seconds, good_date = _seconds(digits[:_SECONDS].astype(np.int64))
    time_us = seconds * 1_000_000 + micros
    return time_us, good & good_end & good_date & (time_us >= 0)


def _end(
    chars: Bytes, digits: Bytes, lengths: Ints
) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """Microseconds after the second, and whether all up to the zone is digits."""
    row = np.arange(len(lengths))
    last = np.clip(lengths - 1, _SECONDS, _WIDTH - 1)
    # Digits of the fraction; -1 when there is no point either.
    count = lengths - _SECONDS - 1
    for zone in _ZONES:
        here = chars[last, row] == ord(zone[-1])
        for back, letter in enumerate(reversed(zone)):
            if back and here.any():
                here &= chars[last - back, row] == ord(letter)
        count = np.where(here, count - len(zone), count)
    good = (count == -1) | ((count >= 1) & (chars[_SECONDS] == ord(".")))
    micros = np.zeros(len(lengths), np.int64)
    for place in range(6):
        digit = np.where(place < count, digits[_SECONDS + 1 + place], 0)
        good &= digit <= 9
        micros = micros * 10 + digit
    return micros, good & (count <= 6)


def _seconds(d: Ints) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """Seconds since 1970 of digits ``YYYY-MM-DD HH:MM:SS``, and their validity.

    Days by the civil calendar algorithm (years begin in March, so that the
    leap day is a year's last).
    """
    year = d[0] * 1000 + d[1] * 100 + d[2] * 10 + d[3]
    month, day = d[5] * 10 + d[6], d[8] * 10 + d[9]
    hour, minute, second = d[11] * 10 + d[12], d[14] * 10 + d[15], d[17] * 10 + d[18]
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    longest = _MONTH_DAYS[np.clip(month, 0, 12)] + (leap & (month == 2))
    good = (month >= 1) & (month <= 12) & (day >= 1) & (day <= longest)
    good &= (hour <= 23) & (minute <= 59) & (second <= 59)
    shifted = year - (month <= 2)
    era = shifted // 400
    year_of_era = shifted - era * 400
    day_of_year = (153 * (month + np.where(month > 2, -3, 9)) + 2) // 5 + day - 1
    day_of_era = year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year
    days = era * 146_097 + day_of_era - 719_468
    return days * 86_400 + hour * 3600 + minute * 60 + second, good
