"""The topics: names, partitions, retention. See ``docs/topics.md``.

Keys are store ids, partitioned like Kafka's default partitioner does, so that a
store's polls, hours and zone meet on one worker.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from streamproc.report.messages import Identity, identity_of
from streamproc.rules.poll import ALL_STORES
from streamproc.rules.units import DAY_MS
from streamproc.settings import Settings
from streamproc.transport.columns import Headers
from streamproc.transport.partitioner import places_for
from streamproc.transport.topic import Topic

TO_ALL = "to-all"
"""Header of a record of all stores whose producer has put it onto every partition."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Records with the partition of each; those of all stores are on every one."""

    keys: list[bytes]
    values: list[bytes | None]
    partitions: list[int]
    headers: dict[int, Headers]


def placed(
    keys: Sequence[bytes],
    values: Sequence[bytes | None],
    partitions: int,
    origin: Headers = (),
) -> Placed:
    """Place facts, whose keys are a store id, alone or before a zero byte.

    ``origin``: headers of all of them, see ``streamproc.origin``.
    """
    found = Placed([], [], [], {})
    to_all = (*origin, (TO_ALL, b"1"))
    homes = places_for(keys, partitions).tolist()
    for key, value, home in zip(keys, values, homes, strict=True):
        of_all = key.partition(b"\0")[0] == ALL_STORES.encode()
        for partition in range(partitions) if of_all else (home,):
            if of_all or origin:
                found.headers[len(found.keys)] = to_all if of_all else origin
            found.keys.append(key)
            found.values.append(value)
            found.partitions.append(partition)
    return found


@dataclass(frozen=True, slots=True)
class Topics:
    """All topics but the tables' changelogs, which Faust names and creates."""

    polls: Topic
    hours: Topic
    zones: Topic
    special_hours: Topic
    exclusions: Topic
    labels: Topic
    rejected: Topic
    inbox: Topic
    orders: Topic
    uptime: Topic
    events: Topic

    @property
    def inputs(self) -> tuple[Topic, ...]:
        """What producers write: polls, and what is known of each store."""
        return (
            self.polls,
            self.hours,
            self.zones,
            self.special_hours,
            self.exclusions,
            self.labels,
        )

    def __iter__(self) -> Iterator[Topic]:
        return iter(
            (
                *self.inputs,
                self.rejected,
                self.inbox,
                self.orders,
                self.uptime,
                self.events,
            )
        )


def topics_for(settings: Settings) -> Topics:
    """The topics these settings ask for."""
    count, prefix = settings.partitions, settings.topic_prefix
    return Topics(
        polls=Topic(
            f"{prefix}store-polls",
            count,
            round(settings.polls_retention * DAY_MS),
            append_time=True,
        ),
        hours=Topic(f"{prefix}store-hours", count, compacted=True),
        zones=Topic(f"{prefix}store-zones", count, compacted=True),
        special_hours=Topic(f"{prefix}store-special-hours", count, compacted=True),
        exclusions=Topic(f"{prefix}store-exclusions", count, compacted=True),
        labels=Topic(f"{prefix}store-labels", count, compacted=True),
        rejected=Topic(
            f"{prefix}store-polls-rejected",
            count,
            round(settings.rejected_retention * DAY_MS),
        ),
        inbox=Topic(f"{prefix}{settings.app_id}-report-inbox", 1, DAY_MS),
        orders=Topic(f"{prefix}{settings.app_id}-report-orders", count, DAY_MS),
        uptime=Topic(f"{prefix}store-uptime", count, compacted=True),
        events=Topic(
            f"{prefix}store-events", count, round(settings.events_retention * DAY_MS)
        ),
    )


def identity_for(settings: Settings) -> Identity:
    """How messages of a worker with these settings are signed."""
    return identity_of(
        settings.app_id,
        settings.rules,
        settings.partitions,
        settings.bridge_us,
        settings.day_starts_s,
    )


def changelog(settings: Settings, table: str) -> str:
    """Name Faust gives a table's changelog topic."""
    return f"{settings.app_id}-{table}-changelog"
