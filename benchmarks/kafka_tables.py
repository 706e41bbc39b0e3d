"""The tables that the benchmark on Kafka prints."""

from collections.abc import Mapping
from statistics import median

from benchmarks.kafka_cases import OURS, Case, Outcome
from benchmarks.measure import Measured, table


def _rate(outcomes: list[Outcome]) -> float:
    return median(each.measured.rate for each in outcomes)


def show(load: str, outcomes: Mapping[Case, list[Outcome]]) -> None:
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


def show_recovery(found: Measured) -> None:
    records, seconds = found.figures["records"], found.figures["seconds"]
    head = ("changelog records", "seconds", "records/s", "peak MiB")
    row = (f"{records:,.0f}", f"{seconds:.1f}", f"{records / seconds:,.0f}")
    table("Recovery of a lost disk", [head, (*row, f"{found.peak_mib:,.0f}")])


def show_latency(found: Measured, rate: int) -> None:
    names = ("p50_ms", "p99_ms", "max_ms")
    row = [f"{found.figures[name]:.0f}" for name in names]
    head = ("polls", "p50 ms", "p99 ms", "max ms")
    title = f"From acknowledged to in the table, {rate:,} polls/s, one worker"
    table(title, [head, (f"{found.figures['polls']:,.0f}", *row)])
