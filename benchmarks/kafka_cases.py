"""What the benchmark on Kafka measures: programs, loads, and how often."""

from dataclasses import dataclass

from benchmarks import variants
from benchmarks.measure import Measured
from benchmarks.variants import Site, Variant

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


def _often(name: str, load: str, runs: int) -> int:
    """How many runs; the long ones less often."""
    if load == "days":
        return runs
    return min(runs, 1 if load == "long" and name == STREAMS_BARE else 2)
