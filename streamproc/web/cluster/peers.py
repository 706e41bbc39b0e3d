"""Asking the owner of a partition, whoever it is.

Any worker answers anything: what it does not own it asks the owner for, over
HTTP. Such a request is signed with a secret that only the workers share, and so
is its answer; no user's token ever leaves the worker it was given to, and
nothing but reading can be asked for. While a partition moves, or when its owner
does not answer, the reader gets a 503, never a zero.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, TypeVar

import orjson
from aiohttp import web
from faust.types import TP

from streamproc.errors import ReportFailedError, as_refusal
from streamproc.program import Program
from streamproc.transport.partitioner import partition_for
from streamproc.web.app_thread import AppThread
from streamproc.web.bodies import body_of
from streamproc.web.cluster import signing, status
from streamproc.web.cluster.calls import Call, scan_of, table_named
from streamproc.web.cluster.post import Post
from streamproc.web.cluster.scans import Scans
from streamproc.web.cluster.status import NO_STATUS, Status
from streamproc.web.late import MOST, Late, StillMakingError
from streamproc.web.refusal import Refusal, bad, moving

T = TypeVar("T")

log = logging.getLogger(__name__)

STATUS = "status"
CATCH_UP_S = 5.0
MAX_QUESTION = 1 << 20

PEER_PATIENCE_S = 5.0
"""How long an answer to another worker is waited for, before it has to ask again."""

PEER_KEPT_S = 60.0
NOT_YET = b""
"""What a worker says that is still reading; what is read in steps is never empty."""


class Cluster:
    """This worker among its peers."""

    def __init__(
        self, program: Program, calls: Iterable[Call[Any]], app: AppThread
    ) -> None:
        self.program = program
        self._app = app
        self.me = program.settings.advertised_url
        settings = program.settings
        self._key = signing.key_of(settings.web_cluster_secret or settings.api_token)
        self._calls = {call.name: call for call in calls}
        #: What this worker tells of itself; see ``status``.
        self.status: Callable[[], Status] = lambda: NO_STATUS
        self._scans = Scans()
        self._post = Post(self._key)
        # A question about all stores comes once for each partition that is here.
        self._late: Late[bytes, Any] = Late(
            PEER_PATIENCE_S, PEER_KEPT_S, MOST * settings.partitions
        )

    async def close(self) -> None:
        """Let go of the connections to other workers."""
        await self._post.close()
        await self._scans.close()

    # -- who owns what -----

    def require_ready(self) -> None:
        """Raise a 503 Refusal while tables recover or partitions move."""
        if not self.program.is_ready():
            raise moving("The tables are being recovered or handed over.")

    def home(self, store_id: str) -> int:
        """The partition that has a store, which need not be a known one."""
        return partition_for(store_id.encode(), self.program.settings.partitions)

    def owner(self, table_name: str, partition: int) -> str:
        """URL of the partition's owner; raises a 503 Refusal while it moves."""
        self.require_ready()
        program = self.program
        table = table_named(program, table_name)
        assert table is not None  # names are checked at the door
        if table.owns(partition):
            return self.me
        tp = TP(table.changelog_topic.get_topic_name(), partition)
        url: str | None = program.app.assignor._tps_url.get(tp)
        if not url or url.rstrip("/") == self.me:
            raise moving(f"Partition {partition} of {table_name} is changing hands.")
        return url.rstrip("/")

    def owner_or_none(self, table_name: str, partition: int) -> str | None:
        """URL of the partition's owner; None while it moves."""
        try:
            return self.owner(table_name, partition)
        except Refusal:
            return None

    def members(self) -> list[str]:
        """URLs of all workers that own something; this one comes first."""
        urls = {url.rstrip("/") for url in self.program.app.assignor._tps_url.values()}
        return [self.me, *sorted(urls - {self.me, ""})]

    # -- asking -----

    async def ask(self, call: Call[T], partition: int, **args: Any) -> T:
        """Ask the partition's owner; raises a 503 Refusal when nobody answers."""
        args["partition"] = partition
        owner = self.owner(call.table or args["table"], partition)
        if owner == self.me:
            return await self._run(call, args)
        try:
            answer = await self._asked(call, owner, args)
        except Refusal as exc:
            raise moving(f"Partition {partition}: {exc.message}") from exc
        return call.decode(answer)

    async def _asked(self, call: Call[T], owner: str, args: dict[str, Any]) -> bytes:
        question = {"call": call.name, "args": args}
        while True:
            answer = await self._post.send(owner, question)
            if call.steps is None or answer != NOT_YET:
                return answer
            # It has waited for a while; the same question will find the answer.

    async def ask_all(self, call: Call[T], partitions: int, **args: Any) -> list[T]:
        """Ask the owners of partitions 0 to ``partitions``, all at once."""
        return await self.ask_some(call, range(partitions), **args)

    async def ask_some(
        self, call: Call[T], partitions: Iterable[int], **args: Any
    ) -> list[T]:
        """Ask the owners of some partitions, all at once."""
        return await asyncio.gather(
            *(self.ask(call, partition, **args) for partition in partitions)
        )

    async def statuses(self) -> dict[str, Status | None]:
        """What each worker tells of itself, by URL; None where none answers."""

        async def one(url: str) -> Status | None:
            if url == self.me:
                return self.status()
            try:
                return status.decode(await self._post.send(url, {"call": STATUS}))
            except Refusal:
                return None

        urls = self.members()
        return dict(zip(urls, await asyncio.gather(*map(one, urls)), strict=True))

    async def _run(self, call: Call[T], args: dict[str, Any]) -> T:
        """Answer here; a table closed in mid-read means that it moved away."""
        try:
            if args.get("current"):
                await self._until(self.program.catch_up(args["partition"]))
            if call.after is not None:
                await self._until(call.after(self.program, args))
            if call.quick(args):
                return call.run(self.program, args)
            if call.whole:
                steps = scan_of(call, self.program, args)
                return await self._scans.run(steps, args.get("at_leisure", False))
            return await asyncio.to_thread(call.run, self.program, args)
        except Exception as exc:
            self._require(call, args, exc)
            raise

    async def _until(self, in_place: Coroutine[Any, Any, None]) -> None:
        try:
            async with asyncio.timeout(CATCH_UP_S):
                await self._app.run(in_place)
        except TimeoutError as exc:
            raise moving("What has been accepted is still being read.") from exc

    def _require(
        self, call: Call[Any], args: dict[str, Any], cause: Exception | None = None
    ) -> None:
        table = table_named(self.program, call.table or args["table"])
        if (
            table is None
            or not self.program.is_ready()
            or not table.owns(args["partition"])
        ):
            raise moving(
                f"Partition {args['partition']} is not here (any more)."
            ) from cause

    # -- being asked -----

    async def answer(self, request: web.Request) -> web.Response:
        """Answer another worker's question, whose header has been checked."""
        body, told = body_of(request), self._announced(request)
        if not told.is_of(body):
            raise Refusal(401, "not-signed", "The body is not the one signed for.")
        code = 200
        try:
            found = await self._found(body)
        except ReportFailedError as exc:
            code, found = 422, str(exc).encode()
        header = signing.answer_header(self._key, told.nonce, code, found)
        return web.Response(body=found, status=code, headers={signing.HEADER: header})

    async def _found(self, body: bytes) -> bytes:
        """The answer to a question; raises a Refusal when it is not one of ours."""
        try:
            question = orjson.loads(body)
            if question["call"] == STATUS:
                return status.encode(self.status())
            call, args = self._calls[question["call"]], question["args"]
            self._require(call, args)
            if call.steps is None:
                return call.encode(await self._run(call, args))
            found = await self._late.get(body, lambda: self._run(call, args))
            return call.encode(found)
        except StillMakingError:
            return NOT_YET
        except (KeyError, TypeError, ValueError, AttributeError) as exc:
            refusal = as_refusal(exc)
            log.warning("A worker of another version asks: %s", refusal)
            raise bad(
                "bad-question", f"No question of this version: {refusal}."
            ) from exc

    def check_header(self, request: web.Request) -> None:
        """Refuse what was not signed for this worker, just now; reads no body."""
        self._announced(request)

    def _announced(self, request: web.Request) -> signing.Announced:
        header = request.headers.get(signing.HEADER, "")
        told = signing.read_question(self._key, self.me, header, time.time())
        if told is None:
            raise Refusal(401, "not-signed", "Only workers of this program may ask.")
        return told
