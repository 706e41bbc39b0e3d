"""What a broker refuses, in words: its errors become ours, with what is to be done.

Every error of aiokafka that ends something passes through ``translated``: where the
topic or the group is known, and once more at the top of the worker and the commands.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    InconsistentGroupProtocolError,
    InvalidTimestampError,
    KafkaError,
    TopicAuthorizationFailedError,
)

from streamproc.errors import (
    AccessDeniedError,
    BrokerError,
    ClockError,
    DamagedRecordsError,
    ForeignConsumerError,
    StreamprocError,
)
from streamproc.transport.kafka.records import Damage


def translated(exc: KafkaError, *, topic: str = "", group: str = "") -> StreamprocError:
    """The error as a person needs it: one line with topic or group, and the remedy.

    ``topic``, ``group``: what was asked for, where the error does not say it.
    """
    for each in (exc, exc.__cause__):  # aiokafka wraps what ends its group's routine
        for kind, words in _WORDS.items():
            if isinstance(each, kind):
                return words(each, topic, group)
    where = " and ".join(
        f"{kind} {name}" for kind, name in (("topic", topic), ("group", group)) if name
    )
    cause = exc.__cause__
    return BrokerError(
        f"the broker refuses {where or 'a request'}: {exc}"
        + (f" ({type(cause).__name__}: {cause})" if cause is not None else "")
    )


def is_denied(exc: KafkaError) -> bool:
    """Whether nothing but a permission helps."""
    return isinstance(translated(exc), AccessDeniedError)


def _topic_denied(exc: KafkaError, topic: str, _: str) -> StreamprocError:
    names = _named(exc) or [topic]
    return AccessDeniedError(
        f"topic {', '.join(names)}: the broker does not let this user in; it needs"
        f" READ, WRITE, DESCRIBE and DESCRIBE_CONFIGS there: kafka-acls.sh --add"
        f" --topic {names[0]} (docs/kafka.md, Security)"
    )


def _group_denied(exc: KafkaError, _: str, group: str) -> StreamprocError:
    name = (_named(exc) or [group])[0]
    return AccessDeniedError(
        f"group {name}: the broker does not let this user in; it needs READ and"
        f" DESCRIBE there: kafka-acls.sh --add --group {name} (docs/kafka.md, Security)"
    )


def _cluster_denied(exc: KafkaError, topic: str, _: str) -> StreamprocError:
    return AccessDeniedError(
        f"{f'topic {topic}: ' if topic else ''}the broker does not let this user write"
        " idempotently: kafka-acls.sh --add --cluster --operation IdempotentWrite"
    )


def _foreign_consumer(_: KafkaError, __: str, group: str) -> StreamprocError:
    return ForeignConsumerError(
        f"group {group}: a consumer of another program is in it; stop that one"
        " (kafka-consumer-groups.sh --describe --members names it), or set another"
        " app_id"
    )


def _wrong_clock(_: KafkaError, topic: str, __: str) -> StreamprocError:
    return ClockError(
        f"topic {topic}: the broker does not take records of"
        f" {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC, the time on this machine's clock:"
        " set the clock right, or else the broker's"
    )


def _damage(exc: KafkaError, _: str, __: str) -> StreamprocError:
    assert isinstance(exc, Damage)
    assert exc.tp is not None  # set where it is raised
    topic, partition = exc.tp
    return DamagedRecordsError(
        f"topic {topic}, partition {partition}: the records from offset {exc.first} to"
        f" {exc.end - 1} cannot be read ({exc.why}); restore them from a replica, or go"
        f" past them: streamproc skip {topic} {partition} {exc.first} {exc.end}"
        " (docs/operations.md, Damaged records)",
        exc.first,
        exc.end,
    )


_WORDS: dict[type[KafkaError], Callable[[KafkaError, str, str], StreamprocError]] = {
    TopicAuthorizationFailedError: _topic_denied,
    GroupAuthorizationFailedError: _group_denied,
    ClusterAuthorizationFailedError: _cluster_denied,
    InconsistentGroupProtocolError: _foreign_consumer,
    InvalidTimestampError: _wrong_clock,
    Damage: _damage,
}


def _named(exc: KafkaError) -> list[str]:
    """The topics or the group that aiokafka names: one, or a set of them."""
    if not exc.args or not exc.args[0]:
        return []
    named = exc.args[0]
    names: Iterable[object] = [named] if isinstance(named, str) else named
    return sorted(map(str, names))
