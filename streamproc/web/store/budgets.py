"""Error budgets of stores, asked of whoever owns their partitions."""

from dataclasses import asdict, dataclass
from typing import Any

import orjson

from streamproc.program import Program
from streamproc.rules.targets import ErrorBudget
from streamproc.web.cluster.calls import Call
from tables.budgets import Budgets, MonthBudget


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
    settings = program.settings
    budgets = Budgets(
        program.histories,
        program.facts,
        program.labels,
        args["partition"],
        args["as_of_us"],
        settings.rules,
        settings.bridge_us,
        settings.day_starts_s,
        settings.target,
    )
    return [budgets.of(store_id.encode()) for store_id in args["store_ids"]]


def _encode(found: list[MonthBudget | None]) -> bytes:
    return orjson.dumps([one and asdict(one) for one in found])


def _decode(value: bytes) -> list[MonthBudget | None]:
    return [
        one and MonthBudget(one["month"], ErrorBudget(**one["budget"]))
        for one in orjson.loads(value)
    ]


BUDGETS = Call("budgets", _budgets, encode=_encode, decode=_decode)
