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
from pathlib import Path

import click
from aiokafka.admin import AIOKafkaAdminClient

from benchmarks import loads, machine, variants
from benchmarks.kafka_cases import Case, Outcome, cases
from benchmarks.kafka_tables import show, show_latency, show_recovery
from benchmarks.measure import Measured, run
from benchmarks.peers import quix, streams
from benchmarks.program import load as settings_for
from benchmarks.variants import Run, Site
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
PATIENCE = 2
"""So many times the runs are made at most."""


def _wants_more(case: Case, found: list[Outcome]) -> bool:
    """Whether too many runs were disturbed, and there may be more."""
    calm = sum(each.others < machine.DISTURBED_CORES for each in found)
    return calm < case.runs and len(found) < PATIENCE * case.runs


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
        machine.settle()
        broker_s, busy_s, began = self._broker_s(), machine.busy_s(), time.monotonic()
        measured = case.start(one)
        took_s, broker_s = time.monotonic() - began, self._broker_s() - broker_s
        others_s = machine.busy_s() - busy_s - broker_s - measured.cpu_s
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
        assert pid is not None  # it runs
        return machine.cpu_s(pid)

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
                show(load, measuring.outcomes)
            show_recovery(measuring.recovery(200_000 if quick else 1_000_000))
            rate = 1_000
            show_latency(measuring.latency(8 if quick else 30, rate), rate)


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
