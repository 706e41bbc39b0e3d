"""The Faust tables, asked of whoever owns their partitions."""

import heapq
from itertools import islice

from faust.types import TP

from streamproc.program import Program
from streamproc.web.app_thread import AppThread
from streamproc.web.cluster.calls import table_named
from streamproc.web.cluster.peers import Cluster
from streamproc.web.refusal import unknown
from streamproc.web.tables.answers import Partition, Table
from streamproc.web.tables.calls import ITEMS, PARTITION_INFO
from streamproc.web.tables.entries import Entry, entry_of
from tables.batch_table import BatchTable


class Tables:
    """All tables, with all their partitions."""

    def __init__(self, program: Program, cluster: Cluster, app: AppThread) -> None:
        self._program = program
        self._cluster = cluster
        self._app = app

    def find(self, name: str) -> BatchTable:
        """A table by its name; raises a 404 Refusal."""
        table = table_named(self._program, name)
        if table is None:
            raise unknown("table", name)
        return table

    async def all(self) -> list[Table]:
        """What each is for, in the order of their making."""
        return [await self.describe(name) for name in self._program.app.tables]

    async def describe(self, name: str) -> Table:
        """What a table is for, its partitions and who owns them."""
        table, cluster = self.find(name), self._cluster
        topic = table.changelog_topic.get_topic_name()
        infos = await cluster.ask_all(PARTITION_INFO, table.partitions, table=name)
        ends = await self._app.run(self._ends(topic, table.partitions))
        partitions = [
            Partition(
                number,
                cluster.owner(name, number),
                info.keys,
                info.changelog_offset,
                ends.get(number),
                info.newest_us,
            )
            for number, info in enumerate(infos)
        ]
        keys = sum(info.keys for info in infos)
        return Table(name, table.help, topic, keys, partitions)

    async def _ends(self, topic: str, partitions: int) -> dict[int, int]:
        """The changelog's end, where this worker's consumer can tell."""
        tps = [TP(topic, number) for number in range(partitions)]
        found = await self._program.app.consumer.highwaters(*tps)
        return {tp.partition: end for tp, end in found.items() if end is not None}

    async def entries(
        self, name: str, prefix: str, after: str, limit: int
    ) -> tuple[list[Entry], bool]:
        """A page of keys in order over all partitions, and whether there are more."""
        table, wanted = self.find(name), prefix.encode()
        start = bytes.fromhex(after) + b"\0" if after else wanted
        found = await self._cluster.ask_all(
            ITEMS, table.partitions, table=name, start=start.hex(), limit=limit + 1
        )
        merged = heapq.merge(
            *(
                [(key, number, value) for key, value in items if key.startswith(wanted)]
                for number, items in enumerate(found)
            )
        )
        page = [entry_of(name, *item) for item in islice(merged, limit + 1)]
        return page[:limit], len(page) > limit
