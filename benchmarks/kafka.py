"""``python -m benchmarks.kafka``: the program and its peers on one Kafka broker.

Interleaved, so that all suffer the same neighbours, and repeated where those took
too much; medians are shown. ``docs/performance.md`` says how each is set up.
"""

import asyncio
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import click
from aiokafka.admin import AIOKafkaAdminClient

from benchmarks import loads, variants
from benchmarks.measure import Measured, run, table
from benchmarks.peers import quix, streams
from benchmarks.program import load as settings_for
from benchmarks.variants import Run, Site, Variant
from tests.kafka import jars
from tests.kafka.broker import Cluster
from tests.kafka.records import committed, end_offsets

BROKER = {
    # Kafka's own defaults again, in place of those the tests prefer.
    "log.segment.bytes": 1 << 30,
    "log.index.size.max.bytes": 10 << 20,
    "log.cleaner.dedupe.buffer.size": 128 << 20,
    "num.network.threads": 3,
    "num.io.threads": 8,
    "background.threads": 10,
    # Workers of one run join at the same time.
    "group.initial.rebalance.delay.ms": 3000,
}
BROKER_JVM = "-Xmx1g -XX:-UseSerialGC -XX:+UseG1GC -XX:TieredStopAtLevel=4"
DISTURBED_CORES = 0.25
"""A run in which others used more than this is repeated; the calmest ones count."""

PATIENCE = 2
"""So many times the runs are made at most."""

SETTLE_S, CALM_S = 60.0, 2.0
"""How long calm is waited for before a run, and how long it must have lasted."""

_TICKS = os.sysconf("SC_CLK_TCK")
OURS = "this program, 1 worker"
OURS_2 = "this program, 2 workers"
STREAMS = "Kafka Streams, 1 thread"
STREAMS_2 = "Kafka Streams, 2 threads"
STREAMS_BARE = "Kafka Streams, 1 thread, cache off"


@dataclass(frozen=True, slots=True)
class Case:
    """One program on one load, so many times."""

    name: str
    start: Variant
    load: str
    count: int
    runs: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run came to; the broker's CPU seconds, and cores others used."""

    measured: Measured
    broker_s: float
    others: float


def cases(site: Site, runs: int, quick: bool) -> list[Case]:
    """What is measured; plain Faust on the beginning of each load only."""
    each = {
        OURS: variants.program,
        STREAMS: variants.kafka_streams(1, cached=True),
        OURS_2: variants.program_pair,
        STREAMS_2: variants.kafka_streams(2, cached=True),
        STREAMS_BARE: variants.kafka_streams(1, cached=False),
    }
    sizes = {"days": 1_000_000, "long": 5_000_000, "wide": 2_000_000}
    if quick:
        sizes = {"days": 500_000, "wide": 500_000}
    found = [
        Case(name, start, load, count, _often(name, load, runs))
        for load, count in sizes.items()
        for name, start in each.items()
    ]
    for load, count in sizes.items():
        if site.quix:
            polls = count // (5 if quick else 1)
            found.append(Case("Quix Streams", variants.quix, load, polls, 1))
        polls = 5_000 if quick else 20_000
        found.append(Case("plain Faust", variants.plain_faust, load, polls, 1))
    return found


def _wants_more(case: Case, found: list[Outcome]) -> bool:
    """Whether too many runs were disturbed, and there may be more."""
    calm = sum(each.others < DISTURBED_CORES for each in found)
    return calm < case.runs and len(found) < PATIENCE * case.runs


def _often(name: str, load: str, runs: int) -> int:
    """How many runs; the long ones less often."""
    if load == "days":
        return runs
    return min(runs, 1 if load == "long" and name == STREAMS_BARE else 2)


class Bench:
    """A broker, the loads in it, and what was measured on it."""

    def __init__(self, cluster: Cluster, site: Site) -> None:
        self._cluster = cluster
        self._site = site
        self._number = 0
        self.outcomes: dict[Case, list[Outcome]] = {}

    def measure(self, chosen: list[Case]) -> None:
        """Run the cases of one load in turns."""
        for size in sorted({case.count for case in chosen}):
            self._fill(chosen[0].load, size)
        for turn in range(PATIENCE * max(case.runs for case in chosen)):
            for case in chosen:
                found = self.outcomes.setdefault(case, [])
                if turn < case.runs or _wants_more(case, found):
                    found.append(self._once(case))
        for case in chosen:
            calm = sorted(self.outcomes[case], key=lambda each: each.others)
            self.outcomes[case] = calm[: case.runs]
        for size in {case.count for case in chosen}:
            asyncio.run(self._forget(_prefix(chosen[0].load, size)))

    def _fill(self, load: str, count: int) -> None:
        url = f"kafka://{self._site.brokers}"
        made = settings_for(self._site.root, url, "fill", _prefix(load, count))
        asyncio.run(loads.fill(made, load, count))

    def _once(self, case: Case) -> Outcome:
        self._number += 1
        name = f"bench-{self._number}"
        one = Run(self._site, name, _prefix(case.load, case.count), case.count)
        _settle()
        broker_s, busy_s, began = self._broker_s(), _busy_s(), time.monotonic()
        measured = case.start(one)
        took_s, broker_s = time.monotonic() - began, self._broker_s() - broker_s
        others_s = _busy_s() - busy_s - broker_s - measured.cpu_s
        self._check(one, measured)
        shutil.rmtree(one.folder, ignore_errors=True)
        asyncio.run(self._forget(f"{name}-"))
        said = f"  {case.load}: {case.name}: {measured.rate:,.0f} polls/s"
        click.echo(f"{said}, others took {others_s / took_s:.2f} cores", err=True)
        return Outcome(measured, broker_s, others_s / took_s)

    def _check(self, one: Run, measured: Measured) -> None:
        """A figure counts only if all was consumed and committed."""
        ends = asyncio.run(end_offsets(self._site.brokers, one.topic))
        group = asyncio.run(committed(self._site.brokers, one.app_id))
        done = {partition: group.get((one.topic, partition)) for partition in ends}
        if measured.figures["polls"] != one.count or done != ends:
            raise RuntimeError(f"{measured.figures}, committed {done} of {ends}")

    def _broker_s(self) -> float:
        pid = self._cluster.brokers[1].pid
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    async def _forget(self, name: str) -> None:
        """Delete the topics with this in their name: compacting them takes time."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self._site.brokers)
        await admin.start()
        try:
            topics = await admin.list_topics()
            await admin.delete_topics([t for t in topics if name in t])
        finally:
            await admin.close()

    def recovery(self, count: int) -> Measured:
        """Time a worker whose tables were deleted after a load."""
        self._fill("wide", count)
        one = Run(self._site, "recovery", _prefix("wide", count), count)
        variants.program(one)
        shutil.rmtree(one.folder / "v1")
        names = (one.app_id, one.prefix)
        found = run("benchmarks.recovery", one.folder, one.url, *names)
        shutil.rmtree(one.folder)
        return found

    def latency(self, seconds: int, rate: int) -> Measured:
        """Time polls that come one by one."""
        one = Run(self._site, "latency", "latency-", 0)
        plan = (one.app_id, seconds, rate)
        return run("benchmarks.latency", one.folder, one.url, *plan)


def _prefix(load: str, count: int) -> str:
    return f"{load}-{count}-"


def _busy_s() -> float:
    """CPU seconds that all of this machine has spent."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    user, nice, system, _, _, irq, softirq, *_ = map(int, fields)
    return (user + nice + system + irq + softirq) / _TICKS


def _settle() -> None:
    """Wait until the machine has little else to do; not for ever."""
    give_up = time.monotonic() + SETTLE_S
    while time.monotonic() < give_up:
        before_s = _busy_s()
        time.sleep(CALM_S)
        if _busy_s() - before_s < DISTURBED_CORES * CALM_S:
            return


@contextmanager
def _broker() -> Iterator[Cluster]:
    """One broker as its authors would run it: the tests' have a lesser compiler."""
    option = "_JAVA_OPTIONS"
    before = os.environ.get(option)
    os.environ[option] = f"{before or ''} {BROKER_JVM}"
    try:
        cluster = Cluster(config=BROKER)
        with cluster:
            _restore(option, before)
            yield cluster
    finally:
        _restore(option, before)


def _restore(option: str, before: str | None) -> None:
    if before is None:
        os.environ.pop(option, None)
    else:
        os.environ[option] = before


def _rate(outcomes: list[Outcome]) -> float:
    return median(each.measured.rate for each in outcomes)


def _show(load: str, outcomes: dict[Case, list[Outcome]]) -> None:
    """Print the table of one load, its ratios to one worker of ours."""
    mine = {case: found for case, found in outcomes.items() if case.load == load}
    base = next(_rate(found) for case, found in mine.items() if case.name == OURS)
    head = ("", "polls", "runs", "polls/s", "from", "to", "ratio")
    rows = [(*head, "CPU s", "broker CPU s", "peak MiB", "others' cores")]
    for case, found in mine.items():
        rates = [each.measured.rate for each in found]
        rows.append(
            (
                case.name,
                f"{case.count:,}",
                str(len(found)),
                f"{_rate(found):,.0f}",
                f"{min(rates):,.0f}",
                f"{max(rates):,.0f}",
                f"{_rate(found) / base:.3f}",
                f"{median(each.measured.cpu_s for each in found):.1f}",
                f"{median(each.broker_s for each in found):.1f}",
                f"{median(each.measured.peak_mib for each in found):,.0f}",
                f"{median(each.others for each in found):.2f}",
            )
        )
    table(f"Apache Kafka, load {load!r}: from the first poll to all committed", rows)


def _show_recovery(found: Measured) -> None:
    records, seconds = found.figures["records"], found.figures["seconds"]
    head = ("changelog records", "seconds", "records/s", "peak MiB")
    row = (f"{records:,.0f}", f"{seconds:.1f}", f"{records / seconds:,.0f}")
    table("Recovery of a lost disk", [head, (*row, f"{found.peak_mib:,.0f}")])


def _show_latency(found: Measured, rate: int) -> None:
    names = ("p50_ms", "p99_ms", "max_ms")
    row = [f"{found.figures[name]:.0f}" for name in names]
    head = ("polls", "p50 ms", "p99 ms", "max ms")
    title = f"From acknowledged to in the table, {rate:,} polls/s, one worker"
    table(title, [head, (f"{found.figures['polls']:,.0f}", *row)])


def missing() -> str | None:
    """Return why this cannot run on this machine, or None if it can."""
    return jars.missing() or streams.missing()


def _quix() -> Path | None:
    try:
        found = quix.python(jars.cache().parent)
    except OSError as exc:
        click.echo(f"Quix Streams is left out: {exc}")
        return None
    click.echo(f"Quix Streams {quix.version(found)}")
    return found


def bench(runs: int, quick: bool) -> None:
    """Measure everything, and print the tables."""
    click.echo(f"Apache Kafka and Kafka Streams {jars.version()}")
    with tempfile.TemporaryDirectory(prefix="streamproc-bench-") as folder:
        root = Path(folder)
        streams.build(root / "classes")
        with _broker() as cluster:
            site = Site(cluster.bootstrap, root, root / "classes", _quix())
            measuring = Bench(cluster, site)
            chosen = cases(site, runs, quick)
            for load in dict.fromkeys(case.load for case in chosen):
                measuring.measure([case for case in chosen if case.load == load])
                _show(load, measuring.outcomes)
            _show_recovery(measuring.recovery(200_000 if quick else 1_000_000))
            rate = 1_000
            _show_latency(measuring.latency(8 if quick else 30, rate), rate)


@click.command()
@click.option("--runs", default=3, show_default=True, help="Of each; of long ones 2.")
@click.option("--quick", is_flag=True, help="Small loads, once: about three minutes.")
def main(runs: int, quick: bool) -> None:
    """Time the program and its peers side by side on one Kafka broker."""
    reason = missing()
    if reason is not None:
        raise click.ClickException(reason)
    bench(1 if quick else runs, quick)


if __name__ == "__main__":
    sys.exit(main())
