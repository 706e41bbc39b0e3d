"""What the program counts and times, as Prometheus metrics."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from streamproc.rejected import Rejected


class Metrics:
    """One program's metrics, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.polls = Counter(
            "streamproc_polls",
            "Polls consumed, by what became of them:"
            " accepted, rejected, rerouted, late, expired.",
            ["outcome"],
            registry=self.registry,
        )
        self.rejected = Counter(
            "streamproc_rejected",
            "Rejected records by door (topic or gateway), topic and reason.",
            ["door", "topic", "reason"],
            registry=self.registry,
        )
        self.foreign = Counter(
            "streamproc_foreign_messages",
            "Messages of another app, or of a worker that counts by other rules.",
            ["app", "rules"],
            registry=self.registry,
        )
        self._add_durations()
        self._add_events()

    def _add_durations(self) -> None:
        self.batch_polls = Histogram(
            "streamproc_batch_polls",
            "Polls per batch.",
            buckets=(1, 10, 100, 1_000, 5_000, 10_000, 20_000, 50_000),
            registry=self.registry,
        )
        self.batch_seconds = Histogram(
            "streamproc_batch_seconds",
            "Seconds from a batch's arrival to its durable state.",
            registry=self.registry,
        )
        self.report_seconds = Histogram(
            "streamproc_report_seconds",
            "Seconds from a report's request to its end.",
            ["state"],
            buckets=(0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300),
            registry=self.registry,
        )

    def _add_events(self) -> None:
        self.events = Counter(
            "streamproc_events",
            "Events told, by kind: down, up, silent, heard, retracted, suspect.",
            ["kind"],
            registry=self.registry,
        )
        self.webhook_posts = Counter(
            "streamproc_webhook_posts",
            "Posts of events by the webhook: delivered or failed.",
            ["outcome"],
            registry=self.registry,
        )
        self.webhook_given_up = Counter(
            "streamproc_webhook_given_up",
            "Events that the webhook has given up.",
            registry=self.registry,
        )
        self.webhook_lag = Gauge(
            "streamproc_webhook_lag_events",
            "Events that the webhook has not delivered yet, on the worker that posts.",
            registry=self.registry,
        )

    def count_rejected(self, records: Iterable[Rejected]) -> None:
        """Count what was refused, at whichever door."""
        for one in records:
            self.rejected.labels(one.door, one.topic, one.reason).inc(one.count)
