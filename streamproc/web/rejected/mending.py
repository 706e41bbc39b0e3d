"""Refused records sent again with another text, or let go. Pure: the plan of it."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from streamproc.errors import InvalidInput, as_refusal
from streamproc.rechecking import Check
from streamproc.rejected import Rejected
from streamproc.transport.topic import Topic

Edit = Callable[[bytes], bytes]

SHOWN = 3


@dataclass(frozen=True, slots=True)
class Ready:
    """A record that would be accepted now."""

    was: Rejected
    topic: Topic
    key: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be sent, and what would be refused again, by what is wrong with it."""

    ready: list[Ready] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)

    @property
    def examples(self) -> list[str]:
        """The first values that would be sent."""
        return [one.value.decode(errors="replace") for one in self.ready[:SHOWN]]


def plan(
    records: Sequence[Rejected], edit: Edit, checks: Sequence[tuple[Topic, Check]]
) -> Plan:
    """Each record as the edit makes it, by the rules of the topic it was meant for."""
    by_name = {topic.name: (topic, check) for topic, check in checks}
    found = Plan()
    for one in records:
        topic, check = by_name.get(one.topic, (None, None))
        if topic is None or check is None or one.value is None:
            found.refused["not of a topic that can be written here"] += one.count
            continue
        value = edit(one.value)
        try:
            found.ready.append(Ready(one, topic, check(one.key, value), value))
        except InvalidInput as exc:
            found.refused[str(exc)] += 1
        except Exception as exc:
            found.refused[str(as_refusal(exc))] += 1
    return found


def replacing(old: str, new: str) -> Edit:
    """An edit that puts one text in the place of another, everywhere in a value."""
    before, after = old.encode(), new.encode()
    return lambda value: value.replace(before, after) if before else value


def instead(text: str) -> Edit:
    """An edit that puts another value in the place of the whole."""
    return lambda _: text.encode()
