"""States of stores that a test names one by one, as the columns that pages work on."""

from collections.abc import Iterable

import numpy as np

from streamproc.cells import Ints
from streamproc.rules.business import NONE
from streamproc.web.now.states import States, StoreState


def states(*stores: StoreState) -> States:
    """The columns, in the order of the stores."""
    return States(
        [one.store_id for one in stores],
        [one.zone for one in stores],
        np.array([one.state for one in stores], np.int64),
        _column(one.since_us for one in stores),
        _column(one.last for one in stores),
        _column(one.usual_us for one in stores),
    )


def _column(values: Iterable[int | None]) -> Ints:
    return np.array([NONE if v is None else v for v in values], np.int64)
