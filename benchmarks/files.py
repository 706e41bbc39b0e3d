"""Files in, report out: ``once`` and ``load`` beside a DuckDB script of the same job.

``python -m benchmarks.files``; the script needs ``pip install -e '.[bench]'``.
"""

import csv
import importlib.util
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from benchmarks.measure import table
from streamproc.simulation.fleet import Fleet

STORES, POLLS = 13_559, 1_897_856
NEWEST_US = 1_674_670_402_479_220
_HOUR_US = 3_600_000_000
_LATE_US = 300_000_000


@dataclass(frozen=True, slots=True)
class Took:
    """What a whole process took, start and end included."""

    wall_s: float
    cpu_s: float
    peak_mib: float


def make(folder: Path, stores: int = STORES, polls: int = POLLS) -> None:
    """Files of a generated fleet: polls about every hour, in random order."""
    fleet, draw = Fleet(stores, seed=7), np.random.default_rng(7)
    with (folder / "hours.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("store_id", "day", "start_time_local", "end_time_local"))
        for store in fleet.stores:
            for row in store.hours or ():
                writer.writerow((store.store_id, *map(_full, row.values())))
    with (folder / "zones.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("store_id", "timezone_str"))
        writer.writerows((s.store_id, s.zone) for s in fleet.stores if s.zone)
    each = -(-polls // stores)
    phase = draw.integers(0, _HOUR_US, (stores, 1))
    times = NEWEST_US - phase - np.arange(each) * _HOUR_US
    times = np.minimum(
        times + draw.integers(-_LATE_US, _LATE_US, times.shape), NEWEST_US
    )
    chosen = draw.permutation(times.size)[:polls]
    stamps = np.datetime_as_string(
        times.ravel()[chosen].view("datetime64[us]")
    ).tolist()
    active = (draw.random(polls) < 0.93).tolist()
    with (folder / "polls.csv").open("w") as text:
        text.write("store_id,status,timestamp_utc\n")
        text.writelines(
            f"{fleet.stores[at // each].store_id},{'active' if up else 'inactive'},"
            f"{stamp.replace('T', ' ')} UTC\n"
            for at, up, stamp in zip(chosen.tolist(), active, stamps, strict=True)
        )


def make_apart(folder: Path) -> None:
    """The same in a process of its own: a child begins with its parent's peak."""
    process = multiprocessing.get_context("spawn").Process(target=make, args=(folder,))
    process.start()
    process.join()


def _full(value: object) -> object:
    """Times with seconds, which is all that the script reads."""
    return f"{value}:00" if isinstance(value, str) and len(value) == 5 else value


def timed(*command: str, folder: Path) -> Took:
    """Run a command to its end; raises RuntimeError when it fails."""
    environment = os.environ | {"PYTHONPATH": os.getcwd()}
    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command} ended with {process.returncode}")
    return Took(
        time.perf_counter() - started,
        usage.ru_utime + usage.ru_stime,
        usage.ru_maxrss / 1024,
    )


def difference(folder: Path) -> float:
    """Largest difference of the two reports, in hundredths of their units."""
    unit_us = [6e7, 3.6e9, 3.6e9] * 2
    with (folder / "script.csv").open(newline="") as stream:
        script = {i: list(map(float, c)) for i, *c in list(csv.reader(stream))[1:]}
    most = 0.0
    with (folder / "out" / "combined_report.csv").open(newline="") as stream:
        for store_id, *cells in list(csv.reader(stream))[1:]:
            expected = script.get(store_id, [0.0] * 6)
            for cell, amount, unit in zip(cells, expected, unit_us, strict=True):
                most = max(most, abs(float(cell) - amount / unit) * 100)
    return most


def bench(folder: Path, runs: int) -> None:
    """Run all in turns and print the medians."""
    files = [f"--{kind}={kind}.csv" for kind in ("polls", "hours", "zones")]
    program = (sys.executable, "-m", "streamproc")
    took: dict[str, list[Took]] = {"once": [], "load": [], "the DuckDB script": []}
    for _ in range(runs):
        took["once"].append(timed(*program, "once", *files, "--out=out", folder=folder))
        took["load"].append(
            timed(*program, "load", files[0], "--data-dir=data", folder=folder)
        )
        shutil.rmtree(folder / "data")
        if importlib.util.find_spec("duckdb"):
            script = (sys.executable, "-m", "benchmarks.duck_script")
            names = ("polls.csv", "hours.csv", "zones.csv", "script.csv")
            took["the DuckDB script"].append(timed(*script, *names, folder=folder))
    _print(took)
    if took["the DuckDB script"]:
        most = difference(folder)
        click.echo(f"  largest difference of the reports: {most:.2f} hundredths")


def _print(took: dict[str, list[Took]]) -> None:
    rows = [("", "seconds", "polls/s", "CPU s", "peak MiB")]
    for name, all_runs in took.items():
        if all_runs:
            one = sorted(all_runs, key=lambda each: each.wall_s)[len(all_runs) // 2]
            rate = f"{POLLS / one.wall_s:,.0f}"
            cpu, peak = f"{one.cpu_s:.1f}", f"{one.peak_mib:,.0f}"
            rows.append((name, f"{one.wall_s:.1f}", rate, cpu, peak))
    table(f"Files of {POLLS:,} polls of {STORES:,} stores, whole processes", rows)


@click.command()
@click.option("--runs", default=3, show_default=True, help="Of each, in turns.")
def main(runs: int) -> None:
    """Time once and load, and a DuckDB script where duckdb is installed."""
    with tempfile.TemporaryDirectory(prefix="streamproc-bench-") as folder:
        make_apart(Path(folder))
        bench(Path(folder), runs)


if __name__ == "__main__":
    main()
