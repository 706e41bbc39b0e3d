"""A report of files alone, held against a worker that was told the same."""

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from streamproc.batch.report import make_report
from streamproc.cli.load import publish
from streamproc.cli.progress import Progress
from streamproc.clock import wall_clock_us
from streamproc.loading.loader import Loader
from streamproc.loading.options import Files, Reading
from streamproc.report.request import new_request
from streamproc.report.rows import Rows
from streamproc.rules import history, packing
from streamproc.settings import Settings
from tests.system.harness import report

NEWEST = datetime(2026, 3, 10, 13, 37, 11, 250_001, UTC)
"""Two days after the clocks have changed in New York."""

ZONES = ("America/New_York", "Asia/Kolkata", "UTC", "Pacific/Apia", "")


def poll_lines(draw: random.Random) -> Iterator[str]:
    """Twelve days of 30 stores; some by the minute, some contradicting each other."""
    for number in range(30):
        step = timedelta(minutes=draw.choice((1, 7, 55, 90, 1_500)))
        at = NEWEST - timedelta(days=draw.choice((0.4, 3, 12)))
        while at <= NEWEST:
            yield f"s{number},{draw.choice(('active', 'inactive'))},{at:%F %T.%f} UTC"
            if draw.random() < 0.02:
                yield f"s{number},inactive,{at:%F %T.%f} UTC"
            at += step * draw.uniform(0.2, 1.8)
    yield f"s0,active,{NEWEST:%F %T.%f} UTC"


def write_files(folder: Path, draw: random.Random) -> Files:
    """All kinds of files; some stores are known from one of them only."""
    polls = list(poll_lines(draw))
    draw.shuffle(polls)
    stores = [f"s{number}" for number in range(34)]
    texts = {
        "polls": ["store_id,status,timestamp_utc", *polls],
        "hours": [
            "store_id,day,start_time_local,end_time_local,valid_from",
            *(
                f"{store},{day},{draw.randrange(24)}:00,{draw.randrange(24)}:30,{since}"
                for store in stores[::2]
                for since in ("", "2026-03-07")[: draw.choice((1, 2))]
                for day in range(draw.choice((5, 7)))
            ),
        ],
        "zones": [
            "store_id,timezone_str",
            *(f"{store},{draw.choice(ZONES)}" for store in stores[::3]),
        ],
        "special_hours": [
            "store_id,date,start_time_local,end_time_local,note",
            "*,2026-03-09,closed,closed,holiday",
            "s2,2026-03-09,10:00,16:00,",
            "s33,2026-03-08,10:00,16:00,",
        ],
        "exclusions": [
            "store_id,id,kind,from_utc,to_utc,from_local,to_local,note",
            "*,m,maintenance,2026-03-10 12:50 UTC,2026-03-10 13:10 UTC,,,router",
            "s4,c,correction-down,,,2026-03-10 08:00,2026-03-10 09:00,",
            "s6,u,correction-unknown,2026-03-05 00:00 UTC,2026-03-06 00:00 UTC,,,",
        ],
        "labels": ["store_id,name,region", "s1,Main St,West"],
    }
    for name, lines in texts.items():
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")
    return Files.of({name: folder / f"{name}.csv" for name in texts})


def batch(files: Files, settings: Settings, as_of: str, as_polled: bool) -> Rows:
    """What comes of the files alone."""
    now_us = wall_clock_us()
    loader = Loader(now_us, Progress, Path(), Reading())
    loader.read(files)
    assert loader.polls is not None
    request = new_request(as_of, now_us, as_polled=as_polled)
    made = (request, loader.polls.by_store(), loader.stores, settings.rules, now_us)
    return make_report(*made)[1]


def check_equal(rows: Rows, expected: Rows) -> None:
    """Every figure is the same; the last poll, too, but where a table thinned it out.

    Then the one before it, of the same status, stands for it.
    """
    assert rows.store_ids == expected.store_ids
    for name in ("up", "down", "open", "excluded"):
        assert (getattr(rows, name) == getattr(expected, name)).all(), name
    exact = (expected.last < 0) | ~packing.is_thinned(expected.last)
    assert (rows.last == expected.last)[exact].all()
    same = packing.is_active(rows.last) == packing.is_active(expected.last)
    gap_us = packing.time_of(rows.last) - packing.time_of(expected.last)
    assert (same & (gap_us >= 0) & (gap_us < history.THIN_GAP_US)).all()


@pytest.mark.parametrize(
    ("seed", "options"),
    [
        (1, {}),
        (2, {"hold": "none", "backfill": "on"}),
        (3, {"hold": "7", "partitions": "1"}),
    ],
)
async def test_once_says_what_a_worker_says(
    tmp_path: Path, start_program: Callable[..., Any], seed: int, options: Any
) -> None:
    """Of the same files, to the microsecond, as of the newest poll and of before."""
    files = write_files(tmp_path, random.Random(seed))
    async with start_program(**options) as program:
        loader = Loader(wall_clock_us(), Progress, tmp_path, Reading())
        loader.read(files)
        await publish(program.settings, loader, files)
        for as_of, as_polled in (
            ("latest", False),
            ("latest", True),
            ("2026-03-09T20:30:00.000001Z", False),
        ):
            expected = await report(program.settings, as_of, as_polled=as_polled)
            assert len(expected) == 33
            check_equal(batch(files, program.settings, as_of, as_polled), expected)
