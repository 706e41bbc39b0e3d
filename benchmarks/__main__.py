"""``python -m benchmarks``: on the embedded log, then on Kafka; see ``--help``."""

import asyncio
import platform
import shutil
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import click

from benchmarks import files, kafka, loads
from benchmarks.measure import Measured, run, table
from streamproc import settings

_PACKAGES = ("faust-streaming", "aiokafka", "rocksdict", "numpy", "orjson")


@click.command()
@click.option("--polls", default=1_000_000, show_default=True)
@click.option(
    "--plain-polls", default=30_000, show_default=True, help="For plain Faust."
)
@click.option("--stores", default=1_000_000, show_default=True, help="Largest report.")
@click.option(
    "--runs", default=3, show_default=True, help="Of each; medians are shown."
)
def main(polls: int, plain_polls: int, stores: int, runs: int) -> None:
    """Time the program and plain Faust side by side, then on Kafka with its peers."""
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    click.echo(f"Python {platform.python_version()}, {packages}")
    with tempfile.TemporaryDirectory(prefix="streamproc-bench-") as folder:
        root = Path(folder)
        _ingest(root, polls, plain_polls, runs)
        _reports(root, stores)
        _board(stores)
        _recovery(root, polls)
        files.make_apart(root)
        files.bench(root, runs)
    reason = kafka.missing()
    if reason is None:
        kafka.bench(runs, quick=False)
    else:
        click.echo(f"\nThe part on Apache Kafka is left out: {reason}")


def _median(measured: list[Measured]) -> Measured:
    return sorted(measured, key=lambda each: each.rate)[len(measured) // 2]


def _filled(root: Path, name: str, load: str, polls: int) -> tuple[Path, str]:
    """A data directory whose log holds a load; and its broker URL."""
    data_dir = root / name
    broker = f"sqlite://{data_dir}/log.db"
    made = settings.load({"data_dir": data_dir, "broker": broker}, {})
    asyncio.run(loads.fill(made, load, polls))
    return data_dir, broker


def _ingest(root: Path, polls: int, plain_polls: int, runs: int) -> None:
    ours, plain, wide = [], [], []
    for number in range(runs):
        data_dir, broker = _filled(root, f"ours-{number}", "days", polls)
        ours.append(run("benchmarks.program", data_dir, broker))
        shutil.rmtree(data_dir)
        data_dir, broker = _filled(root, f"plain-{number}", "days", plain_polls)
        plain.append(run("benchmarks.plain_faust", data_dir, broker, plain_polls))
        shutil.rmtree(data_dir)
    data_dir, broker = _filled(root, "wide", "wide", 2 * polls)
    wide.append(run("benchmarks.program", data_dir, broker))
    shutil.rmtree(data_dir)
    base = _median(plain).rate
    table(
        "Polls per second, from the first consumed to everything committed",
        [
            ("", "polls", "polls/s", "ratio", "CPU s", "peak MiB"),
            _row("this program", _median(ours), base),
            _row("this program, every poll another store", _median(wide), base),
            _row("plain Faust", _median(plain), base),
        ],
    )


def _row(name: str, one: Measured, base: float) -> tuple[str, ...]:
    return (
        name,
        f"{one.figures['polls']:,.0f}",
        f"{one.rate:,.0f}",
        f"{one.rate / base:.1f}",
        f"{one.cpu_s:.1f}",
        f"{one.peak_mib:,.0f}",
    )


def _reports(root: Path, most: int) -> None:
    rows = [("stores (30 polls each)", "first, s", "next, s", "hourly, s", "peak MiB")]
    for stores in sorted({14_000, most}):
        data_dir = root / f"report-{stores}"
        one = run("benchmarks.report_time", data_dir, stores, limit_s=1800)
        first, next_, hourly = (
            f"{one.figures[name]:.2f}" for name in ("first", "seconds", "hourly")
        )
        rows.append((f"{stores:,}", first, next_, hourly, f"{one.peak_mib:,.0f}"))
        shutil.rmtree(data_dir)
    table("A report, from request to file", rows)


def _board(most: int) -> None:
    rows = [("stores", "states, ms", "a batch of 50,000, ms", "looked up, s", "MiB")]
    for stores in sorted({14_000, most}):
        one = run("benchmarks.board", stores)
        told = one.figures
        rows.append(
            (
                f"{stores:,}",
                f"{told['states'] * 1e3:.1f}",
                f"{told['folded'] * 1e3:.0f}",
                f"{told['built']:.1f}",
                f"{one.peak_mib:,.0f}",
            )
        )
    table("What all stores are now, from memory", rows)


def _recovery(root: Path, polls: int) -> None:
    data_dir, broker = _filled(root, "recovery", "wide", polls)
    run("benchmarks.program", data_dir, broker)
    shutil.rmtree(data_dir / "v1")
    one = run("benchmarks.recovery", data_dir, broker)
    records, seconds = one.figures["records"], one.figures["seconds"]
    table(
        "Recovery of a lost table directory",
        [
            ("changelog records", "seconds", "records/s", "peak MiB"),
            (
                f"{records:,.0f}",
                f"{seconds:.1f}",
                f"{records / seconds:,.0f}",
                f"{one.peak_mib:,.0f}",
            ),
        ],
    )


if __name__ == "__main__":
    sys.exit(main())
