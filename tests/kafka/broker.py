"""A real Apache Kafka on 127.0.0.1: one broker, or a cluster to break.

``jars`` brings the program, ``security`` the certificates; ``records`` is what
tests do with a running cluster. Every wait here has a limit, and only processes
started here are ever signalled.
"""

import asyncio
import atexit
import base64
import shutil
import tempfile
import time
import uuid
from collections.abc import Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError
from aiokafka.protocol.metadata import MetadataRequest

from tests.kafka import security as secured
from tests.kafka.node import HOST, Broker, BrokerError
from tests.waiting import until_awaited

__all__ = ["Broker", "BrokerError", "Cluster"]

STEADY = {"broker.session.timeout.ms": "60000"}
"""Of a broker that no test kills: one that is starved for seconds is not given up."""

START_S = 240.0
STOP_S = 120.0
ASK_S = 5.0

_MB = 1024 * 1024
_COMMON = {
    "process.roles": "broker,controller",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "listener.security.protocol.map": (
        "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL"
    ),
    "auto.create.topics.enable": "false",
    "group.initial.rebalance.delay.ms": "0",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.num.partitions": "4",
    # A dead broker is noticed after 9 s, as ever; one that is busy is heard more often.
    "broker.session.timeout.ms": "9000",
    "broker.heartbeat.interval.ms": "500",
    # Small files, little memory, few threads.
    "log.segment.bytes": str(16 * _MB),
    "log.index.size.max.bytes": str(_MB),
    "log.segment.delete.delay.ms": "1000",
    "log.cleaner.dedupe.buffer.size": str(4 * _MB),
    "log.cleaner.io.buffer.size": str(_MB),
    "num.network.threads": "2",
    "num.io.threads": "4",
    "background.threads": "2",
}


class Cluster:
    """Kafka brokers 1 to n, each broker and controller in one; n is 1 or 3.

    ``kafka``: their version, by default the pom's; ``host``: where they listen.

    A context manager: it starts on entry, and on exit it is killed and its
    folder removed. ``nodes`` left out below means all that it can be done to.
    """

    def __init__(
        self,
        nodes: int = 1,
        *,
        security: secured.Security | None = None,
        config: Mapping[str, object] | None = None,
        kafka: str = "",
        host: str = HOST,
    ) -> None:
        self.security = security
        self.folder = Path(tempfile.mkdtemp(prefix="kafka-"))
        self._listeners = ("PLAINTEXT", *(secured.LISTENERS if security else ()))
        listeners = (*self._listeners, "CONTROLLER")
        self.brokers = {
            n: Broker(n, self.folder / f"node-{n}", listeners, host=host, kafka=kafka)
            for n in range(1, nodes + 1)
        }
        self._config = config or {}
        atexit.register(self.close)
        try:
            self._format(self._config)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def bootstrap(self) -> str:
        """The addresses for clients; those of SASL_SSL if the cluster has it."""
        return self.addresses("SASL_SSL" if self.security else "PLAINTEXT")

    def addresses(self, listener: str) -> str:
        """Return ``host:port,...`` of PLAINTEXT, SASL_SSL or SSL.

        PLAINTEXT is there in a secured cluster, too, for the test's own use.
        """
        return ",".join(b.address(listener) for b in self.brokers.values())

    @property
    def alive(self) -> set[int]:
        """The nodes whose process lives, paused or not."""
        return {n for n, b in self.brokers.items() if b.running}

    @property
    def running(self) -> set[int]:
        """The nodes that live and are not paused."""
        return {n for n in self.alive if not self.brokers[n].paused}

    def start(self, *nodes: int) -> None:
        """Launch nodes and block until the cluster is ready."""
        self.launch(*nodes)
        _run(self.ready())

    def launch(self, *nodes: int) -> None:
        """Launch nodes without waiting; they keep data and ports."""
        for node in nodes or set(self.brokers) - self.alive:
            self.brokers[node].launch()

    async def ready(self, limit_s: float = START_S) -> None:
        """Wait until the running nodes agree that they can be used.

        Each answers and names all others; they are in sync in every partition
        they hold, and one of them leads it. After ``kill`` or ``pause`` this
        waits for the others to take over.
        """
        try:
            await until_awaited(self._is_ready, limit_s=limit_s)
        except TimeoutError:
            tails = "\n".join(
                f"node {n}:\n{self.brokers[n].tail()}" for n in self.running
            )
            raise BrokerError(f"not ready after {limit_s} s\n{tails}") from None

    def kill(self, *nodes: int) -> None:
        """End nodes at once (SIGKILL)."""
        for node in nodes or self.alive:
            self.brokers[node].kill()

    def stop(self, *nodes: int) -> None:
        """Shut nodes down in order (SIGTERM) and block until they have ended."""
        chosen = nodes or tuple(self.alive)
        for node in chosen:
            self.brokers[node].terminate()
        give_up = time.monotonic() + STOP_S
        for node in chosen:
            self.brokers[node].ended(max(give_up - time.monotonic(), 0.0))

    def pause(self, *nodes: int) -> None:
        """Freeze nodes (SIGSTOP)."""
        for node in nodes or self.running:
            self.brokers[node].pause()

    def resume(self, *nodes: int) -> None:
        """Let frozen nodes go on (SIGCONT); ``ready`` tells when they do."""
        for node in nodes or self.alive:
            self.brokers[node].resume()

    def replace(self) -> None:
        """Put another cluster, with an id of its own and empty, at these addresses."""
        self.kill()
        for broker in self.brokers.values():
            shutil.rmtree(broker.folder)
        self._format(self._config)
        self.start()

    def close(self) -> None:
        """Kill every node and remove the folder; more than once is fine."""
        for broker in self.brokers.values():
            broker.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        atexit.unregister(self.close)

    def _format(self, config: Mapping[str, object]) -> None:
        """Make every node's data folder; two at a time, as each is a process."""
        arguments = ["-t", _cluster_id()]
        if self.security:
            self.security.create()
            arguments += self.security.format_arguments()
        given = {key: str(value) for key, value in config.items()}
        with ThreadPoolExecutor(max_workers=2) as pool:
            jobs = [
                pool.submit(broker.format, self._settings(broker) | given, arguments)
                for broker in self.brokers.values()
            ]
        for job in jobs:
            job.result()

    def _settings(self, broker: Broker) -> dict[str, str]:
        """Return a node's settings."""
        listeners = [f"{n}://{broker.address(n)}" for n in self._listeners]
        controller = f"CONTROLLER://{broker.address('CONTROLLER')}"
        voters = (f"{n}@{b.address('CONTROLLER')}" for n, b in self.brokers.items())
        return {
            **_COMMON,
            **_replication(len(self.brokers)),
            **(self.security.properties() if self.security else {}),
            "node.id": str(broker.node),
            "controller.quorum.voters": ",".join(voters),
            "listeners": ",".join([*listeners, controller]),
            "advertised.listeners": ",".join(listeners),
            "log.dirs": str(broker.folder / "data"),
        }

    async def _is_ready(self) -> bool:
        for broker in self.brokers.values():
            if broker.crashed:
                raise BrokerError(f"node {broker.node} ended:\n{broker.tail()}")
        running = self.running
        for node in running:
            if not await _agrees(
                node, self.brokers[node].address("PLAINTEXT"), running
            ):
                return False
        return True


def _cluster_id() -> str:
    # A first byte of 0: a leading dash would be taken for an option.
    return base64.urlsafe_b64encode(b"\0" + uuid.uuid4().bytes[1:]).decode().rstrip("=")


def _replication(nodes: int) -> dict[str, str]:
    """Return how often Kafka keeps its own topics, and every topic's minimum."""
    copies, least = str(min(nodes, 3)), str(max(min(nodes, 3) - 1, 1))
    return {
        "offsets.topic.replication.factor": copies,
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": least,
        "min.insync.replicas": least,
    }


def _run(work: Coroutine[Any, Any, None]) -> None:
    """Run to the end, even if this thread already has a running loop."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        pool.submit(asyncio.run, work).result()


async def _agrees(node: int, address: str, running: set[int]) -> bool:
    """Return whether this node, by itself, sees the running nodes ready."""
    client = AIOKafkaClient(
        bootstrap_servers=address, request_timeout_ms=int(ASK_S * 1000)
    )
    try:
        await client.bootstrap()
        answer = await client.send(node, MetadataRequest(None))
    except (KafkaError, OSError, TimeoutError):
        return False
    finally:
        await client.close()
    view = answer.to_object()
    named = {broker["node_id"] for broker in view["brokers"]}
    return running <= named and not any(
        _behind(partition, running)
        for topic in view["topics"]
        for partition in topic["partitions"]
    )


def _behind(partition: Mapping[str, Any], running: set[int]) -> bool:
    """Return whether a running node holds the partition, but not in sync."""
    holders = running & set(partition["replicas"])
    good = holders <= set(partition["isr"]) and partition["leader"] in running
    return bool(holders) and not good
