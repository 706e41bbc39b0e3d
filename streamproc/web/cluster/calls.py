"""A question that one worker asks another; a partition's owner answers it.

It is answered in a thread, on the tables of the worker that owns the partition: as they
are, or, with the argument ``current``, once all is in them that was accepted before.
To the same worker it hands over objects, to another one their encoding. Each noun
states its own questions; ``streamproc.web.site`` lists them all.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import orjson

from streamproc.program import Program
from streamproc.web.cluster.scans import Steps
from tables.batch_table import BatchTable

T = TypeVar("T")

STORES = "histories"
REPORTS = "reports"


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """A question: how it is answered, and how the answer travels.

    ``table``: whose partition's owner answers; empty when ``args`` name it.
    ``whole``: scans a whole partition; one such call runs at a time. ``steps``: what it
    does, in steps; with the argument ``at_leisure`` others go first, see ``scans``.
    ``quick``: reads a few keys only, which is sooner done than handed to a thread.
    ``after``: waits, in the app's thread, for what has to be in the tables first.
    """

    name: str
    run: Callable[[Program, dict[str, Any]], T]
    table: str = STORES
    encode: Callable[[T], bytes] = orjson.dumps
    decode: Callable[[bytes], T] = orjson.loads
    whole: bool = False
    steps: Callable[[Program, dict[str, Any]], Steps[T]] | None = None
    after: Callable[[Program, dict[str, Any]], Coroutine[Any, Any, None]] | None = None
    quick: Callable[[dict[str, Any]], bool] = field(default=lambda args: False)


def in_steps(
    name: str,
    steps: Callable[[Program, dict[str, Any]], Steps[T]],
    encode: Callable[[T], bytes],
    decode: Callable[[bytes], T],
) -> Call[T]:
    """A question about a whole partition, which is answered in steps."""

    def run(program: Program, args: dict[str, Any]) -> T:
        return through(steps(program, args))

    return Call(name, run, encode=encode, decode=decode, whole=True, steps=steps)


def through(steps: Steps[T]) -> T:
    """All steps at once."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found: T = end.value
            return found


def scan_of(call: Call[T], program: Program, args: dict[str, Any]) -> Steps[T]:
    """A call about a whole partition in steps, in one where it has none."""
    if call.steps is not None:
        return (yield from call.steps(program, args))
    yield
    return call.run(program, args)


def table_named(program: Program, name: str) -> BatchTable | None:
    """One of the program's tables."""
    return program.app.tables.get(name)  # type: ignore[no-any-return]
