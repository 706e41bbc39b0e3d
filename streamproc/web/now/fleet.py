"""All stores now: every partition's owner is asked, and the answers joined."""

from dataclasses import asdict, dataclass

from streamproc.program import Program
from streamproc.web.cluster.peers import Cluster
from streamproc.web.cluster.remembered import Remembered
from streamproc.web.now.calls import NOW, StoreNow, Wanted
from streamproc.web.now.counts import Counts, added, added_by_value
from streamproc.web.now.states import STATES_NOW


@dataclass(frozen=True, slots=True)
class Found:
    """What was asked for, of all partitions; see ``calls.PartNow``."""

    as_of_us: int
    counts: Counts
    by: dict[str, Counts]
    total: int
    stores: list[StoreNow]


class LiveFleet:
    """What the stores of all workers are now."""

    def __init__(self, program: Program, cluster: Cluster) -> None:
        self._program = program
        self._cluster = cluster
        #: What all stores are, and were last of workers that do not answer.
        self.remembered = Remembered(cluster, STATES_NOW)

    def now_us(self) -> int:
        """As of when: the clock's now."""
        return self._program.now_us()

    async def find(self, wanted: Wanted) -> Found:
        """What is asked for; raises a 503 Refusal while a board is being built."""
        parts = await self._cluster.ask_all(
            NOW, self._program.settings.partitions, wanted=asdict(wanted)
        )
        stores = [store for part in parts for store in part.stores]
        return Found(
            wanted.as_of_us,
            added(part.counts for part in parts),
            added_by_value(part.by for part in parts),
            sum(part.total for part in parts),
            sorted(stores, key=lambda store: store.order),
        )
