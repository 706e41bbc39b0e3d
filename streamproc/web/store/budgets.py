"""Error budgets of stores, asked of whoever owns their partitions."""

from dataclasses import asdict, dataclass
from typing import Any

import orjson

from streamproc.program import Program
from streamproc.rules.targets import ErrorBudget
from streamproc.web.cluster.calls import Call
from streamproc.web.counting import Counting
from streamproc.web.store.data import one_store
from tables.budgets import MonthBudget


@dataclass(frozen=True, slots=True)
class StoreBudget:
    """Down time that a store's target allows in a calendar month, in its local time.

    ``burn``: 1 when it is used as fast as lasts just to the end of the month; null
    where there is no budget, and in a month that has not begun.
    """

    target: float
    month: str
    budget_s: float
    used_s: float
    left_s: float
    burn: float | None


def budget_of(found: MonthBudget | None) -> StoreBudget | None:
    """A budget as the API tells of it."""
    if found is None:
        return None
    budget = found.budget
    return StoreBudget(
        budget.target,
        found.month,
        budget.budget_us / 1e6,
        budget.down_us / 1e6,
        budget.left_us / 1e6,
        budget.burn,
    )


def _budgets(program: Program, args: dict[str, Any]) -> list[MonthBudget | None]:
    by, archive = Counting.of(program.settings), program.histories.archive
    budgets, partition = by.budgets(archive, args["as_of_us"]), args["partition"]
    return [
        budgets.of(one_store(program, partition, store_id))
        for store_id in args["store_ids"]
    ]


def encode_budgets(found: list[MonthBudget | None]) -> bytes:
    """Budgets as another worker gets them."""
    return orjson.dumps([one and asdict(one) for one in found])


def decode_budgets(value: bytes) -> list[MonthBudget | None]:
    """Budgets that another worker sent."""
    return [
        one and MonthBudget(one["month"], ErrorBudget(**one["budget"]))
        for one in orjson.loads(value)
    ]


BUDGETS = Call("budgets", _budgets, encode=encode_budgets, decode=decode_budgets)
