"""What came last of each store before an instant, of many stores at once. Pure."""

import numpy as np

from streamproc.cells import Ints
from streamproc.rules.packing import Flags


def newest_at(
    store: Ints, time_us: Ints, of_store: Ints, at_us: Ints
) -> tuple[Ints, Flags]:
    """Row of the newest of a store's entries at an instant, and whether there is one.

    ``store`` and ``time_us``: of the entries, shape (n,), in no order; one at the
    instant itself counts. ``of_store`` and ``at_us``: what is asked, shape (k,). The
    row is 0 where there is none.
    """
    if not len(store):
        return np.zeros(len(at_us), np.int64), np.zeros(len(at_us), bool)
    both_store = np.concatenate((store, of_store))
    both_time = np.concatenate((time_us, at_us))
    asked = np.arange(len(both_store)) >= len(store)
    # An entry at the instant itself is known at it, so it comes before.
    order = np.lexsort((asked, both_time, both_store))
    newest = np.maximum.accumulate(np.where(asked[order], -1, np.arange(len(order))))
    rows = np.empty(len(order), np.int64)
    rows[order] = np.where(newest < 0, 0, order[newest])
    row = rows[len(store) :]
    return row, (store[row] == of_store) & (time_us[row] <= at_us)
