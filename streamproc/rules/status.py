"""What a store is now: closed, up, down or unknown. Pure.

Comes from ``history`` (its last poll) and ``calendar`` (whether it is open); the state
is that of the instant itself, while ``timeline`` tells of the time before it.
"""

import numpy as np
import numpy.typing as npt

from streamproc.cells import Ints
from streamproc.rules import history
from streamproc.rules.timeline import CLOSED, DOWN, UNKNOWN, UP
from streamproc.rules.uptime import Rules

STATES = (CLOSED, UP, DOWN, UNKNOWN)
NEVER = -1
"""Stands for the last poll of a store that has none."""


def states(
    last: Ints, is_open: npt.NDArray[np.bool_], as_of_us: int, rules: Rules
) -> Ints:
    """Position in ``STATES`` of each store.

    ``last``: shape (n,), each one's last packed poll before ``as_of_us``, or ``NEVER``.
    """
    heard = (last != NEVER) & rules.speaks(history.time_of(last), as_of_us)
    spoken = np.where(history.is_active(last), STATES.index(UP), STATES.index(DOWN))
    opened = np.where(heard, spoken, STATES.index(UNKNOWN))
    return np.where(is_open, opened, STATES.index(CLOSED))


def state(last: int, is_open: bool, as_of_us: int, rules: Rules) -> str:
    """The same of one store, by name."""
    found = states(np.array([last]), np.array([is_open]), as_of_us, rules)
    return STATES[int(found[0])]
