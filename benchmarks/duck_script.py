"""``once`` as a DuckDB script: what somebody without this program would write.

``python -m benchmarks.duck_script POLLS HOURS ZONES OUT``: files in the usual form
only, as of the newest poll, a status holds 60 minutes. Nothing is checked.
"""

import csv
import sys
import time
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

from benchmarks.measure import tell

WINDOWS = {"hour": "1 hour", "day": "24 hours", "week": "168 hours"}
DAY = timedelta(days=1)

READ = """
CREATE TABLE polls AS SELECT DISTINCT
    store_id, strptime(replace(timestamp_utc, ' UTC', ''),
    ['%Y-%m-%d %H:%M:%S.%f', '%Y-%m-%d %H:%M:%S']) AS polled, status = 'active' AS up
FROM read_csv(?, header = true, all_varchar = true)
"""
SPANS = """
CREATE TABLE spans AS SELECT
    store_id, up, polled AS begin,
    least(lead(polled, 1, $now) OVER (PARTITION BY store_id ORDER BY polled),
          polled + INTERVAL 60 MINUTE) AS until
FROM polls WHERE polled < $now
"""
COVERED = """
sum(CASE WHEN {up} THEN greatest(0, epoch_us(least(until, closes)) - epoch_us(
    greatest(begin, opens, $now - INTERVAL {window}))) ELSE 0 END) AS {name}
"""
Week = tuple[tuple[int, str, str], ...]


def _clock(text: str) -> timedelta:
    hours, minutes, seconds = map(int, text.split(":"))
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def _opening(day: date, start: str, end: str, zone: ZoneInfo) -> list[datetime]:
    midnight = datetime.combine(day, datetime.min.time())
    opens = midnight + _clock(start)
    closes = midnight + (DAY if end >= "23:59" else _clock(end))
    if closes <= opens:
        closes += DAY
    return [
        moment.replace(tzinfo=zone).astimezone(UTC).replace(tzinfo=None)
        for moment in (opens, closes)
    ]


@cache
def _open_times(week: Week, zone_name: str, now: datetime) -> list[list[datetime]]:
    """Merged openings of the last week."""
    begin = now - 7 * DAY
    if not week:
        return [[begin, now]]
    zone = ZoneInfo(zone_name)
    days = [begin.date() + n * DAY for n in range(-2, 10)]
    found = sorted(
        _opening(day, start, end, zone)
        for day in days
        for weekday, start, end in week
        if day.weekday() == weekday
    )
    merged: list[list[datetime]] = []
    for opens, closes in found:
        opens, closes = max(opens, begin), min(closes, now)
        if closes > opens and merged and opens <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], closes)
        elif closes > opens:
            merged.append([opens, closes])
    return merged


def main(polls: str, hours: str, zones: str, out: str) -> None:
    """Read, compute, write; and say how long it took."""
    started = time.perf_counter()
    base = duckdb.connect()
    base.execute(READ, [polls])
    (now,) = base.execute("SELECT max(polled) FROM polls").fetchall()[0]
    weeks = defaultdict(list)
    with Path(hours).open(newline="") as stream:
        for store_id, day, start, end in list(csv.reader(stream))[1:]:
            weeks[store_id].append((int(day), start, end))
    with Path(zones).open(newline="") as stream:
        zone_of = dict(list(csv.reader(stream))[1:])
    openings = Path(out).with_suffix(".openings.csv")
    with openings.open("w", newline="") as stream:
        writer = csv.writer(stream)
        for (store_id,) in base.execute(
            "SELECT DISTINCT store_id FROM polls"
        ).fetchall():
            week = tuple(weeks.get(store_id, ()))
            zone = zone_of.get(store_id, "America/Chicago")
            writer.writerows([store_id, *each] for each in _open_times(week, zone, now))
    base.execute(SPANS, {"now": now})
    sums = [
        COVERED.format(up=up, window=window, name=f"{word}_{name}")
        for word, up in (("up", "up"), ("down", "NOT up"))
        for name, window in WINDOWS.items()
    ]
    base.execute(
        f"COPY (SELECT store_id, {', '.join(sums)} FROM spans JOIN read_csv("
        f"'{openings}', header = false, columns = {{'store_id': 'VARCHAR',"
        " 'opens': 'TIMESTAMP', 'closes': 'TIMESTAMP'}) USING (store_id)"
        " WHERE begin < closes AND until > opens GROUP BY ALL ORDER BY store_id)"
        f" TO '{out}' (HEADER)",
        {"now": now},
    )
    tell(seconds=time.perf_counter() - started)


if __name__ == "__main__":
    main(*sys.argv[1:])
