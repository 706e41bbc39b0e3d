"""The workers: what each owns, and how it is doing."""

from dataclasses import dataclass

from streamproc.web.cluster.peers import Cluster
from streamproc.web.cluster.status import Status


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker at its URL; ``status`` is None when it does not answer."""

    url: str
    is_this: bool
    status: Status | None
    partitions: list[int]


async def workers(cluster: Cluster, table: str, partitions: int) -> list[Worker]:
    """All workers that own something, this one first; ``table``: whose partitions."""
    statuses = await cluster.statuses()
    owned: dict[str, list[int]] = {url: [] for url in statuses}
    for partition in range(partitions):
        owned.setdefault(cluster.owner(table, partition), []).append(partition)
    return [
        Worker(url, url == cluster.me, statuses.get(url), mine)
        for url, mine in owned.items()
    ]
