"""Targets: how much down time a month allows, and how much of that is used. Pure.

The rule and its examples: ``docs/accounting.md``.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from streamproc.cells import Ints

Floats = npt.NDArray[np.float64]


def left_us(up_us: Ints, down_us: Ints, targets: Floats) -> Floats:
    """Down time that targets leave of what was observed; NaN without a target.

    ``targets``: in percent. Below zero: the target was missed.
    """
    allowed = (1 - targets / 100) * (up_us + down_us)
    left: Floats = np.round(allowed - down_us)
    return left


def allowed_us(target: float, time_us: int) -> int:
    """Down time that a target allows of a time, to the nearest microsecond.

    ``target``: in percent. Half a microsecond is rounded up.
    """
    return int(_allowed(target, time_us) + Fraction(1, 2))


def _allowed(target: float, time_us: int) -> Fraction:
    return (100 - Fraction(str(target))) / 100 * time_us


@dataclass(frozen=True, slots=True)
class ErrorBudget:
    """Down time that a target leaves in a span, in microseconds of business time.

    ``target``: uptime wanted, in percent. ``business_us``: open and not excluded, of
    the whole span, known in advance; ``gone_us``: of the part that is gone by.
    ``down_us``: down so far. What is unknown spends nothing.
    """

    target: float
    business_us: int
    gone_us: int
    down_us: int

    @property
    def budget_us(self) -> int:
        """All of it, to the nearest microsecond."""
        return allowed_us(self.target, self.business_us)

    @property
    def left_us(self) -> int:
        """What is left; negative when more was down."""
        return self.budget_us - self.down_us

    @property
    def burn(self) -> float | None:
        """How fast it is used: 1 when it lasts just to the end.

        None where there is no budget, and where no business time is gone by.
        """
        allowed = _allowed(self.target, self.business_us)
        if not allowed or not self.gone_us:
            return None
        used = Fraction(self.down_us) / allowed
        return float(used / Fraction(self.gone_us, self.business_us))
