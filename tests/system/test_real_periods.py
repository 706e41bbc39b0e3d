"""A month of real business hours and zones, with polls that imitate the real ones.

Runs where the public data set lies beside the checkout; nothing depends on it.
"""

import csv
from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import Run
from tests.reference import (
    NO_ZONE,
    Poll,
    SliceFigures,
    date_edge,
    open_spans,
    slice_figures,
)
from tests.rules.test_reference import utc
from tests.system.test_real_data import DATA, _rows

STORES = 1_500
SAMPLE = 300
DAYS = 70
HOUR_US = 3_600_000_000
BEGIN_US = utc("2022-11-16 12:00")
AS_OF_US = BEGIN_US + DAYS * 24 * HOUR_US
DECEMBER = range(19_327, 19_359)
"""Its dates, and the first one after it."""

pytestmark = pytest.mark.skipif(
    not (DATA / "hours.csv.gz").exists(), reason="the public data set is not here"
)


def _write_polls(path: Path, store_ids: list[str]) -> dict[str, list[Poll]]:
    """Seventy days of polls about every hour, whole seconds, in no order."""
    draw = np.random.default_rng(70)
    polls: dict[str, list[Poll]] = {}
    rows = [(store_ids[0], AS_OF_US, True)]
    for store_id in store_ids:
        gaps = draw.choice([60.3, 8.7, 180, 600], 24 * DAYS, p=[0.93, 0.02, 0.04, 0.01])
        minutes = np.cumsum(gaps + draw.normal(0, 4, len(gaps)))
        seconds = BEGIN_US // 1_000_000 + (minutes * 60).astype(np.int64)
        seconds = seconds[seconds < AS_OF_US // 1_000_000]
        up = draw.random(len(seconds)) < 0.9
        times = (seconds * 1_000_000).tolist()
        polls[store_id] = list(zip(times, up.tolist(), strict=True))
        rows += [(store_id, time, active) for time, active in polls[store_id]]
    with path.open("w") as stream:
        stream.write("store_id,status,timestamp_utc\n")
        for row in draw.permutation(len(rows)).tolist():
            store_id, time, active = rows[row]
            moment = np.datetime64(time // 1_000_000, "s")
            status = "active" if active else "inactive"
            stream.write(f"{store_id},{status},{str(moment).replace('T', ' ')} UTC\n")
    return polls


def _hours(amount_us: int) -> str:
    exact = Decimal(amount_us) / HOUR_US
    return str(exact.quantize(Decimal("0.0001"), ROUND_HALF_UP))


def _walked(
    polls: list[Poll], hours: list[dict[str, Any]] | None, zone: str | None
) -> list[SliceFigures]:
    """The store's days of December."""
    edges = [date_edge(zone or NO_ZONE, day, 0) for day in DECEMBER]
    found = []
    for begin_us, end_us in pairwise(edges):
        opened = open_spans(hours, zone, begin_us, end_us)
        near = [p for p in polls if begin_us - 2 * HOUR_US <= p[0] < end_us + HOUR_US]
        found.append(
            slice_figures(
                *(near, opened, opened, (begin_us, end_us), AS_OF_US),
                *(HOUR_US, False, HOUR_US // 6),
            )
        )
    return found


@pytest.mark.timeout(300)
def test_a_month_of_a_real_fleet_equals_the_reference(
    tmp_path: Path, streamproc: Run
) -> None:
    """By day: ``once --period`` has a row for each; a sample of 300 is recomputed."""
    hours: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in _rows(DATA / "hours.csv.gz"):
        day = int(row.pop("day"))
        hours[row.pop("store_id")].append({**row, "dayOfWeek": day})
    zones = {r["store_id"]: r["timezone_str"] for r in _rows(DATA / "zones.csv.gz")}
    known = sorted(hours.keys() | zones.keys())
    polled = [*known[:: len(known) // (STORES - 50)], *(f"new-{n}" for n in range(50))]
    polls = _write_polls(tmp_path / "polls.csv", polled)
    done = streamproc(
        *("once", "--polls", "polls.csv", "--out", "out"),
        *("--hours", DATA / "hours.csv.gz", "--zones", DATA / "zones.csv.gz"),
        *("--period", "month:2022-12", "--by", "day"),
        timeout=250,
    )
    assert done.returncode == 0, done.stderr
    rows: defaultdict[str, list[dict[str, str]]] = defaultdict(list)
    with (tmp_path / "out" / "period_report.csv").open(newline="") as stream:
        for row in csv.DictReader(stream):
            rows[row["store_id"]].append(row)
    assert list(rows) == sorted({*known, *polled})
    assert {len(days) for days in rows.values()} == {31}
    for store_id in polled[:: len(polled) // SAMPLE]:
        told = _walked(polls[store_id], hours.get(store_id), zones.get(store_id))
        for row, walked in zip(rows[store_id], told, strict=True):
            figures = walked.figures
            assert [row[f"{name}(in hours)"] for name in ("uptime", "downtime")] == [
                _hours(figures.up_us),
                _hours(figures.down_us),
            ], (store_id, row["period"])
            assert row["unknown(in hours)"] == _hours(figures.unknown_us)
            assert row["open(in hours)"] == _hours(figures.open_us)
            assert int(row["incidents"]) == walked.incidents, (store_id, row["period"])
