"""A lost table directory: ``python -m benchmarks.recovery DATA_DIR BROKER``
``[APP_ID PREFIX]``.

Run on a data directory whose tables were deleted after a load; timed from the
start of the recovery until the tables are complete.
"""

import asyncio
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.measure import tell
from benchmarks.program import load
from streamproc.program import Program
from streamproc.worker import app, process


def main() -> None:
    """Run a worker until it has recovered; tell records and seconds."""
    data_dir, broker, *names = sys.argv[1:]
    program = app.build(load(Path(data_dir), broker, *names))
    started: list[float] = []
    records = 0
    apply = program.histories.apply_changelog_batch

    def counted(batch: Iterable[Any]) -> None:
        nonlocal records
        if not started:
            started.append(time.perf_counter())
        events = list(batch)
        records += sum(len(event.value) for event in events)
        apply(events)

    program.histories.apply_changelog_batch = counted  # type: ignore[method-assign]

    async def accompany(running: Program) -> None:
        await running.until_ready()
        await asyncio.sleep(0)
        tell(records=records, seconds=time.perf_counter() - started[0])

    sys.exit(process.run(program, accompany))


if __name__ == "__main__":
    main()
