"""The polls of a body, each as the bytes it was written in. Pure.

They are counted before anything is made of them: eight megabytes of JSON may hold
four million objects, which would take a thousand times their length in memory.
"""

import io
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import orjson

from streamproc.web.refusal import Refusal, bad

MAX_POLLS = 10_000
MAX_MARKS = 100 * MAX_POLLS
"""Commas, colons and opening brackets: each stands for a value at most."""

NDJSON = ("application/x-ndjson", "application/ndjson", "application/jsonl")
_MARKS = (b",", b":", b"[", b"{")

Flags = npt.NDArray[np.bool_]


def split_polls(body: bytes, content_type: str) -> list[bytes]:
    """The polls of a body, each as JSON: one object, an array, or one a line.

    Raises a Refusal: 413 for too many, 400 for an array or object that is no JSON.
    """
    if sum(body.count(mark) for mark in _MARKS) > MAX_MARKS:
        raise _too_many(f"The body holds more than {MAX_MARKS} values")
    if content_type in NDJSON:
        return _lines(body)
    pieces = _elements(body) if body.lstrip()[:1] == b"[" else [body]
    _check(body)
    return pieces


def _too_many(what: str) -> Refusal:
    return Refusal(413, "too-many", f"{what}; at most {MAX_POLLS} polls at once.")


def _lines(body: bytes) -> list[bytes]:
    found: list[bytes] = []
    for line in io.BytesIO(body):
        if not line.strip():
            continue
        if len(found) == MAX_POLLS:
            raise _too_many("The body has more lines than that")
        found.append(line)
    return found


def _check(body: bytes) -> None:
    """Refuse what is not JSON from beginning to end."""
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError as exc:
        raise bad(
            "bad-json",
            f"The body is not JSON: {exc}. One poll a line goes as"
            " application/x-ndjson.",
        ) from exc


def _elements(body: bytes) -> list[bytes]:
    """An array's elements; of what is no JSON, some pieces."""
    cuts = _cuts(body)
    if len(cuts) - 1 > MAX_POLLS:
        raise _too_many(f"The array has {len(cuts) - 1} elements")
    pieces = [body[start + 1 : end] for start, end in pairwise(cuts)]
    return [] if len(pieces) == 1 and not pieces[0].strip() else pieces


def _cuts(body: bytes) -> list[int]:
    """Where the outermost array's brackets and commas stand."""
    # An escaped character is none that matters; the places stay the same.
    plain = body.replace(b"\\\\", b"__").replace(b'\\"', b"__")
    chars = np.frombuffer(plain, np.uint8)
    outside = ~np.logical_xor.accumulate(chars == ord('"'))
    opened = _any_of(chars, "[{") & outside
    closed = _any_of(chars, "]}") & outside
    depth = np.cumsum(opened.view(np.int8) - closed.view(np.int8), dtype=np.int32)
    outermost = ((depth == 1) & (opened | (outside & (chars == ord(","))))) | (
        (depth == 0) & closed
    )
    cuts: list[int] = np.flatnonzero(outermost).tolist()
    return cuts


def _any_of(chars: npt.NDArray[np.uint8], marks: str) -> Flags:
    first, second = map(ord, marks)
    found: Flags = (chars == first) | (chars == second)
    return found
