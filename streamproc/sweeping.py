"""Asking every partition's owner for polls of the future, or to purge them."""

import secrets
import time
from dataclasses import dataclass

from faust.types import TP

from streamproc.errors import ReportFailedError
from streamproc.report.messages import Sweep, Swept
from streamproc.report.wire import encode, overheard
from streamproc.settings import Settings
from streamproc.topics import identity_for, topics_for
from streamproc.transport.client import Client

_POLL_S = 0.5


@dataclass
class Sweeper:
    """Sends a sweep to all partitions and waits for what they found."""

    settings: Settings
    client: Client

    async def run(self, now_us: int, purge: bool) -> list[Swept]:
        """What each partition had, in their order.

        Raises ReportFailedError when no worker runs, when a partition does not answer
        within ``report_timeout``, or when its worker's clock says another time.
        """
        if await self.client.has_worker() is False:
            raise ReportFailedError("no worker runs; start it: streamproc worker")
        topics = topics_for(self.settings)
        await self.client.create_topics([topics.inbox, topics.orders])
        positions = await self.client.end_offsets(topics.inbox)
        sweep = Sweep(f"sweep-{secrets.token_hex(8)}", now_us, purge)
        sent = encode(sweep, identity_for(self.settings))
        count = topics.orders.partitions
        await self.client.publish(
            topics.orders,
            [sent.key] * count,
            [sent.value] * count,
            dict.fromkeys(range(count), sent.headers),
            range(count),
        )
        found = await self._answers(sweep.report_id, positions, count)
        for swept in found:
            if swept.refused is not None:
                raise ReportFailedError(f"nothing was done: {swept.refused}")
        return found

    async def _answers(
        self, report_id: str, positions: dict[TP, int], count: int
    ) -> list[Swept]:
        found: dict[int, Swept] = {}
        deadline = time.monotonic() + self.settings.report_timeout
        while len(found) < count:
            for batch in await self.client.read(positions, _POLL_S):
                positions[TP(batch.topic, batch.partition)] = batch.offset + 1
                for row, value in enumerate(batch.values):
                    headers = batch.record_headers.get(row, ())
                    swept = overheard(headers, value, self.settings.app_id)
                    if isinstance(swept, Swept) and swept.report_id == report_id:
                        found[swept.partition] = swept
            if time.monotonic() > deadline:
                missing = sorted(set(range(count)) - found.keys())
                raise ReportFailedError(f"partitions {missing} did not answer")
        return [found[partition] for partition in sorted(found)]
