"""What is borrowed from Faust's consumer although Faust does not offer it.

Nothing else reads or sets these names. Each is looked for when a consumer is made,
so that a Faust that has renamed one is found out at the start.
"""

from typing import Any

from faust.types import TP

from streamproc.errors import LibraryChangedError

CONSUMER = (
    "_acked",
    "_acked_index",
    "_committed_offset",
    "_read_offset",
    "_unacked_messages",
)
CONSUMER_METHODS = ("_add_gap", "_getmany", "_new_offset", "_to_message")


def require(owner: object, *names: str) -> None:
    """Raise LibraryChangedError when an object or class lacks one of its names."""
    missing = sorted(set(names) - set(dir(owner)))
    if missing:
        kind = owner if isinstance(owner, type) else type(owner)
        raise LibraryChangedError(
            f"{kind.__module__}.{kind.__qualname__} has no {', '.join(missing)}:"
            f" this version of {kind.__module__.partition('.')[0]} is not supported;"
            " pip install -c constraints.txt brings one that is"
        )


def check(consumer: Any) -> None:
    """Look for all that is borrowed from a Faust consumer."""
    require(consumer, *CONSUMER, *CONSUMER_METHODS)


def take_acked(consumer: Any, tp: TP) -> int | None:
    """The newest offset acked since it was asked last; None for none."""
    acked: list[int] = consumer._acked[tp]
    newest = max(acked, default=None)
    acked.clear()
    consumer._acked_index[tp].clear()
    return newest


def is_dealt_with(consumer: Any, tp: TP) -> bool:
    """Whether all that was handed to an agent has been acked."""
    now = consumer.app.consumer_generation_id
    return not any(
        message.tp == tp and message.generation_id == now and not message.acked
        for message in list(consumer._unacked_messages)
    )


def forget(consumer: Any, tp: TP, position: int) -> None:
    """Believe nothing of a partition any more but that it is read from a position."""
    take_acked(consumer, tp)
    consumer._committed_offset[tp] = position or None
    consumer._read_offset[tp] = position or None


def unrecovered(consumer: Any) -> list[TP]:
    """Changelog partitions with records to go, of which all that came is applied."""
    recovery = consumer.app.tables.recovery
    if not recovery.in_recovery:
        return []
    found = []
    for tp, highwater in recovery.active_highwaters.items():
        applied, delivered = recovery.active_offsets[tp], delivered_offset(consumer, tp)
        if highwater is None or applied is None or applied >= highwater:
            continue
        if delivered is None or delivered <= applied:
            found.append(tp)
    return found


def count_as_recovered(consumer: Any, tp: TP, position: int) -> None:
    """Have the recovery of a changelog end where it was read to its end.

    Faust waits for a record at the last offset, where there may be none: a
    transaction's marker stands there.
    """
    recovery = consumer.app.tables.recovery
    if position > recovery.active_highwaters[tp]:
        recovery.active_offsets[tp] = recovery.active_highwaters[tp]


def committed_offset(consumer: Any, tp: TP) -> int | None:
    """The offset this worker has committed or found committed; None for none."""
    offset: int | None = consumer._committed_offset.get(tp)
    return offset


def delivered_offset(consumer: Any, tp: TP) -> int | None:
    """The offset last handed to an agent, or sought; None for none."""
    offset: int | None = consumer._read_offset.get(tp)
    return offset
