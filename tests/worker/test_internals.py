"""What the worker borrows from Faust and mode is there."""

import asyncio

import pytest
from faust.tables import TableManager
from mode import Worker as ModeWorker

from streamproc.errors import LibraryChangedError
from streamproc.transport.internals import require
from streamproc.worker import internals
from streamproc.worker.process import Worker


@pytest.mark.parametrize("name", internals.TABLES)
def test_every_borrowed_name_of_the_tables_exists(name: str) -> None:
    """A Faust that has renamed one is found out when a worker starts."""
    require(TableManager, name)
    with pytest.raises(LibraryChangedError, match=name):
        require(object, name)


@pytest.mark.parametrize("name", ["_gather_all", "_sentinel_task"])
def test_what_the_worker_replaces_exists(name: str) -> None:
    """Else it would wait again, a second each, and nobody would notice."""
    require(ModeWorker, name)
    assert getattr(Worker, name) is not getattr(ModeWorker, name)


def test_tasks_that_are_left_are_cancelled_and_waited_for() -> None:
    """None is destroyed while it is pending."""
    loop = asyncio.new_event_loop()
    ended: list[str] = []

    async def lasting() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    async def started() -> None:
        loop.create_task(lasting())  # noqa: RUF006
        await asyncio.sleep(0)

    loop.run_until_complete(started())
    worker = Worker.__new__(Worker)
    worker.loop = loop
    worker._gather_all()
    loop.close()
    assert ended == ["cancelled"]
