"""Real business hours and zones, with polls that imitate the real ones.

Runs where the public data set lies beside the checkout; nothing depends on it.
"""

import csv
import gzip
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import numpy as np
import pytest

from streamproc.rules.timestamp import parse_timestamp
from tests.conftest import Run
from tests.reference import reference

DATA = Path(__file__).parents[3] / "shared" / "data"
SAMPLE = 300
END = datetime(2023, 1, 25, 18, 13, 22, 479220, tzinfo=UTC)

pytestmark = pytest.mark.skipif(
    not (DATA / "hours.csv.gz").exists(), reason="the public data set is not here"
)


def _rows(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", newline="") as stream:
        return list(csv.DictReader(stream))


def _stamp(moment: datetime) -> str:
    """As the real files write it: trailing zeros trimmed."""
    text = moment.strftime("%Y-%m-%d %H:%M:%S.%f").rstrip("0").rstrip(".")
    return f"{text} UTC"


def _write_polls(path: Path, store_ids: list[str]) -> dict[str, list[tuple[int, bool]]]:
    """A week of polls about every hour, in no order; a day without any."""
    draw = np.random.default_rng(20230125)
    polls = defaultdict(list)
    rows = []
    for store_id in store_ids:
        gaps = draw.choice([60.3, 8.7, 180, 600], 180, p=[0.93, 0.02, 0.04, 0.01])
        minutes = np.cumsum(gaps + draw.normal(0, 4, 180)).tolist()
        begin = END - timedelta(days=7)
        for minute, up in zip(minutes, (draw.random(180) < 0.9).tolist(), strict=True):
            moment = begin + timedelta(minutes=minute)
            if moment < END and moment.day != 23:
                stamp = _stamp(moment)
                rows.append((store_id, "active" if up else "inactive", stamp))
                polls[store_id].append((parse_timestamp(stamp), up))
    rows.append((store_ids[0], "active", _stamp(END)))
    polls[store_ids[0]].append((parse_timestamp(_stamp(END)), True))
    draw.shuffle(rows)
    with gzip.open(path, "wt", newline="", compresslevel=1) as stream:
        writer = csv.writer(stream)
        writer.writerow(("store_id", "status", "timestamp_utc"))
        writer.writerows(rows)
    return polls


def _text(amount_us: int, unit_us: int) -> str:
    exact = Decimal(amount_us) / Decimal(unit_us)
    return str(exact.quantize(Decimal("0.01"), ROUND_HALF_UP))


@pytest.mark.timeout(300)
def test_a_real_fleet_s_week_equals_the_reference(
    tmp_path: Path, streamproc: Run
) -> None:
    """14,000 stores, a week: ``once`` finishes, a sample of 300 is recomputed."""
    hours = defaultdict(list)
    for row in _rows(DATA / "hours.csv.gz"):
        row["dayOfWeek"] = int(row.pop("day"))  # type: ignore[assignment]
        hours[row.pop("store_id")].append(dict(row))
    zones = {r["store_id"]: r["timezone_str"] for r in _rows(DATA / "zones.csv.gz")}
    known = sorted(hours.keys() | zones.keys())
    polled = known[: 14_000 - 200] + [f"unheard-of-{n}" for n in range(200)]
    polls = _write_polls(tmp_path / "polls.csv.gz", polled)

    done = streamproc(
        *("once", "--polls", "polls.csv.gz", "--out", "out"),
        *("--hours", DATA / "hours.csv.gz", "--zones", DATA / "zones.csv.gz"),
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    with (tmp_path / "out" / "combined_report.csv").open(newline="") as stream:
        rows = list(csv.reader(stream))[1:]
    assert [row[0] for row in rows] == sorted({*known, *polled})

    as_of_us = parse_timestamp(_stamp(END))
    for cells_of_store in rows[:: len(rows) // SAMPLE]:
        store_id, *cells = cells_of_store
        figures = reference(
            polls.get(store_id, []),
            hours.get(store_id),
            zones.get(store_id),
            as_of_us,
            3_600_000_000,
            False,
        )
        units = {"hour": 60_000_000, "day": 3_600_000_000, "week": 3_600_000_000}
        assert cells == [
            _text(getattr(figures[window], f"{name}_us"), unit)
            for name in ("up", "down")
            for window, unit in units.items()
        ], store_id
