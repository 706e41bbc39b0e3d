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
from tables.batch_table import BatchTable

T = TypeVar("T")

STORES = "histories"
REPORTS = "reports"


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """A question: how it is answered, and how the answer travels.

    ``table``: whose partition's owner answers; empty when ``args`` name it.
    ``whole``: scans a whole partition; one such call runs at a time.
    ``quick``: reads a few keys only, which is sooner done than handed to a thread.
    ``after``: waits, in the app's thread, for what has to be in the tables first.
    """

    name: str
    run: Callable[[Program, dict[str, Any]], T]
    table: str = STORES
    encode: Callable[[T], bytes] = orjson.dumps
    decode: Callable[[bytes], T] = orjson.loads
    whole: bool = False
    after: Callable[[Program, dict[str, Any]], Coroutine[Any, Any, None]] | None = None
    quick: Callable[[dict[str, Any]], bool] = field(default=lambda args: False)


def table_named(program: Program, name: str) -> BatchTable | None:
    """One of the program's tables."""
    return program.app.tables.get(name)  # type: ignore[no-any-return]
