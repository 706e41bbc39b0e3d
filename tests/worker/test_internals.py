"""What the worker borrows from Faust and mode is there."""

import asyncio
import gc
from collections.abc import Callable

import pytest
from faust import App
from faust.tables import TableManager
from faust.tables.recovery import Recovery, ServiceStopped
from mode import Worker as ModeWorker

from streamproc.errors import LibraryChangedError
from streamproc.settings import Settings
from streamproc.transport.internals import require
from streamproc.worker import app, internals
from streamproc.worker.process import Worker
from tables.fencing import PartitionLostError
from tests.waiting import LIMIT_S


@pytest.mark.parametrize("name", internals.TABLES)
def test_every_borrowed_name_of_the_tables_exists(name: str) -> None:
    """A Faust that has renamed one is found out when a worker starts."""
    require(TableManager, name)
    with pytest.raises(LibraryChangedError, match=name):
        require(object, name)


@pytest.mark.parametrize("name", internals.APP)
def test_every_borrowed_name_of_the_app_exists(name: str) -> None:
    """Of what hands out records, which stops before the tables do."""
    require(App, name)


async def test_tables_are_closed_side_by_side(
    make_settings: Callable[..., Settings],
) -> None:
    """One after another, a slow disk would be waited for ten times as long."""
    tables = app.build(make_settings()).app.tables
    all_stop = asyncio.Barrier(len(tables))
    for table in tables.values():
        table.stop = all_stop.wait
    async with asyncio.timeout(LIMIT_S):
        await tables.on_stop()
    assert len(tables) > 1


async def test_an_assignment_that_the_workers_stop_cuts_short_is_no_error(
    make_settings: Callable[..., Settings],
) -> None:
    """Nothing more is opened then; while the worker runs, it is one."""
    tables = app.build(make_settings()).app.tables
    tps = {table.changelog(0) for table in tables.values()}
    for table in tables.values():
        await table.data.stop()
    with pytest.raises(PartitionLostError):
        await tables.on_rebalance(tps, set(), tps)
    await tables.stop()
    await tables.on_rebalance(tps, set(), tps)
    assert not any(table.data._dbs for table in tables.values())


async def test_a_recovery_that_is_cut_short_is_no_lost_error(
    make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits any more when the worker stops, or when partitions move again."""
    loop, told = asyncio.get_running_loop(), list[str]()

    async def cut_short(*_: object) -> None:
        raise ServiceStopped

    loop.set_exception_handler(lambda _, about: told.append(about["message"]))
    monkeypatch.setattr(Recovery, "on_recovery_completed", cut_short)
    recovery = app.build(make_settings()).app.tables.recovery
    await asyncio.wait([asyncio.create_task(recovery.on_recovery_completed())])
    gc.collect()
    assert not told


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
