"""Bodies of polls: cut into what was written, in bounded memory."""

import subprocess
import sys
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamproc.web.poll_bodies import MAX_MARKS, MAX_POLLS, split_polls
from streamproc.web.refusal import Refusal

JSON, NDJSON = "application/json", "application/x-ndjson"
MEBIBYTE = 1 << 20
MOST_GROWTH_MB = 400

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.sampled_from(['"', "\\", '\\"', "\\\\", "],[", "{,}", '\\"],"']),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(st.lists(values, max_size=8), st.sampled_from([0, orjson.OPT_INDENT_2]))
def test_an_array_is_cut_into_its_elements_as_they_were_written(
    rows: list[Any], option: int
) -> None:
    """Each piece reads as the element in its place: strings and depth are followed."""
    body = orjson.dumps(rows, option=option)
    pieces = split_polls(body, JSON)
    assert [orjson.loads(piece) for piece in pieces] == orjson.loads(body)
    assert all(piece in body for piece in pieces)


@given(st.lists(values, max_size=8))
def test_lines_are_cut_as_they_were_written(rows: list[Any]) -> None:
    """One poll a line, blank ones are nothing, with either kind of line end."""
    body = b"\r\n \n".join(orjson.dumps(row) for row in rows)
    pieces = split_polls(body, NDJSON)
    assert [orjson.loads(piece) for piece in pieces] == [
        orjson.loads(orjson.dumps(row)) for row in rows
    ]


@given(st.binary(max_size=60) | st.text('[]{},:"\\ 1', max_size=60).map(str.encode))
def test_what_is_no_json_is_refused_and_nothing_else(body: bytes) -> None:
    """The library that reads JSON has the word; no piece is made of a broken body."""
    try:
        expected = orjson.loads(body)
    except orjson.JSONDecodeError:
        with pytest.raises(Refusal, match="not JSON"):
            split_polls(body, JSON)
        return
    rows = expected if isinstance(expected, list) else [expected]
    assert [orjson.loads(piece) for piece in split_polls(body, JSON)] == rows


def test_a_value_that_cannot_be_written_again_stays_as_it_came() -> None:
    """Deeper than the encoder writes: it is cut out, not decoded and encoded."""
    deep = b'{"store_id":' + b"[" * 300 + b"]" * 300 + b"}"
    assert split_polls(b"[" + deep + b',{"a":1}]', JSON) == [deep, b'{"a":1}']


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"[" + b"0," * MAX_POLLS + b"0]", JSON),
        (b"0\n" * (MAX_POLLS + 1), NDJSON),
        (b"[[" + b"0," * MAX_MARKS + b"0]]", JSON),
        (b"[" + b"0," * MAX_MARKS + b"0]\n", NDJSON),
    ],
)
def test_a_body_of_too_many_things_is_refused(body: bytes, kind: str) -> None:
    """413: polls too many, or polls made of too many parts."""
    with pytest.raises(Refusal) as caught:
        split_polls(body, kind)
    assert (caught.value.status, caught.value.code) == (413, "too-many")


def test_as_many_polls_as_are_taken_are_taken() -> None:
    """The bound itself is within bounds, written as poll bodies are."""
    row = {"store_id": "a,b:[{", "status": "active", "timestamp_utc": "00:00:00"}
    rows = orjson.dumps([row] * MAX_POLLS)
    assert len(split_polls(rows, JSON)) == MAX_POLLS
    assert len(split_polls(orjson.dumps(row) + b"\n", NDJSON)) == 1


_CHILD = """
import resource, sys
from streamproc.rules.poll_batch import parse_polls
from streamproc.web.poll_bodies import split_polls
from streamproc.web.refusal import Refusal

resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

kind, size = sys.argv[1], 8 << 20
unit, start, end = (bytes(part, "utf-8") for part in sys.argv[2:])
body = start + unit * ((size - len(start) - len(end)) // len(unit)) + end
before = peak_mb()
try:
    parse_polls(split_polls(body, kind), 0)
except Refusal as exc:
    pass
print(peak_mb() - before)
"""


@pytest.mark.parametrize(
    ("kind", "unit", "start", "end"),
    [
        (JSON, "[],", "[", "0]"),
        (JSON, "{},", "[", "0]"),
        (JSON, "0,", "[", "0]"),
        (JSON, '{"a":1.5},', "[", "0]"),
        (JSON, "[],", '[{"store_id":[', "0]}]"),
        (JSON, '"\\\\",', "[", "0]"),
        (JSON, "[" * 100, "", ""),
        (JSON, " ", "", "{}"),
        (JSON, "x", '[{"status":"', '"}]'),
        (NDJSON, "{}\n", "", ""),
        (NDJSON, "\n", "", "{}"),
        (NDJSON, "[],", "[", "0]"),
    ],
)
def test_eight_megabytes_of_json_take_bounded_memory(
    kind: str, unit: str, start: str, end: str
) -> None:
    """Counted before anything is made of it: millions of elements are not built."""
    child = subprocess.run(
        [sys.executable, "-c", _CHILD, kind, unit, start, end],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert child.returncode == 0, child.stderr[-2_000:]
    assert int(child.stdout) < MOST_GROWTH_MB
