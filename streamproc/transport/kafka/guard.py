"""Looks after a consumer's positions: whether the log is still the one they are of.

A position is looked at when it is sought, with what was written beside the committed
offset, and every few seconds while the partition is read. The consumer forgets those
that are found to mean nothing any more (see ``positions``).
"""

from collections import defaultdict
from collections.abc import Collection, Mapping

from aiokafka.client import AIOKafkaClient
from faust.types import TP

from streamproc.transport.kafka.requests import TopicFacts, epoch_ends, topic_facts
from streamproc.transport.positions import Epochs, Log, Origin, went_back


class Guard:
    """What is known of the logs of the partitions that a consumer reads."""

    def __init__(self) -> None:
        #: Why the positions of some partitions cannot be believed.
        self.suspects: dict[TP, str] = {}
        self._epochs: defaultdict[TP, Epochs] = defaultdict(Epochs)
        self._ids: dict[TP, str | None] = {}

    def note(self, tp: TP, position: int, offset: int, epoch: int) -> None:
        """A batch from ``offset`` on, of a leader's epoch, was read at a position."""
        if epoch >= 0:
            self._epochs[tp].note(position, offset, epoch)

    def origin(self, tp: TP, position: int) -> Origin:
        """The log that a position of this consumer was taken in."""
        return Origin(self._ids.get(tp), self._epochs[tp].before(position))

    def known(self, tp: TP, committed: Origin | None) -> Origin:
        """Where a committed offset is from; without one, where this consumer was."""
        return committed or Origin(self._ids.get(tp))

    def begin(self, tp: TP, position: int, origin: Origin) -> None:
        """Start anew from a position that was found good."""
        self.suspects.pop(tp, None)
        self._epochs[tp] = Epochs()
        self._ids[tp] = origin.topic_id
        if origin.epoch is not None and position > 0:
            self._epochs[tp].note(position, position - 1, origin.epoch)

    async def judge(
        self,
        client: AIOKafkaClient,
        positions: Mapping[TP, tuple[int, Origin]],
        begins: Mapping[TP, int],
        ends: Mapping[TP, int],
    ) -> tuple[dict[TP, str], dict[TP, str | None]]:
        """Why positions cannot be believed, of those; and every topic's id."""
        facts = await topic_facts(client, {tp.topic for tp in begins})
        ids = {tp: facts[tp.topic].id if tp.topic in facts else None for tp in begins}
        epochs = {
            tp: o.epoch for tp, (_, o) in positions.items() if o.epoch is not None
        }
        epoch_end = await epoch_ends(client, epochs, _leaders(facts, epochs))
        found = {}
        for tp, (position, origin) in positions.items():
            now = Log(begins[tp], ends[tp], ids[tp], epoch_end.get(tp))
            why = went_back(position, origin, now)
            if why is not None:
                found[tp] = why
        return found, ids

    async def look(
        self,
        client: AIOKafkaClient,
        assigned: Collection[TP],
        facts: Mapping[str, TopicFacts],
    ) -> None:
        """Look at partitions that are being read; fills ``suspects``."""
        for tp in assigned:
            known, now = self._ids.get(tp), facts.get(tp.topic)
            if known and now is not None and now.id and now.id != known:
                self.suspects[tp] = "the topic was deleted and made again"
        for tp, node in _leaders(facts, assigned).items():
            for epoch, reached in list(self._epochs[tp].ended.items()):
                end = await epoch_ends(client, {tp: epoch}, {tp: node})
                why = went_back(reached, Origin(), Log(0, reached, None, end.get(tp)))
                if why is not None:
                    self.suspects[tp] = why
                self._epochs[tp].ended.pop(epoch, None)


def _leaders(facts: Mapping[str, TopicFacts], tps: Collection[TP]) -> dict[TP, int]:
    """Node that leads each partition; without those that none leads just now."""
    leaders = {
        tp: facts[tp.topic].leaders.get(tp.partition, -1)
        for tp in tps
        if tp.topic in facts
    }
    return {tp: node for tp, node in leaders.items() if node >= 0}
