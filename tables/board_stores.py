"""The stores of a board, a row each: rows are added, and stay."""

from collections.abc import Sequence

import numpy as np

from streamproc.cells import Ints
from streamproc.rules.standing import Standings


class BoardStores:
    """How stores stand, as columns that have room for more rows than there are stores.

    ``schedule``: number of each one's facts in the board's clock. ``anew``: at which of
    the board's look-ups it was begun anew last.
    """

    def __init__(self) -> None:
        self.ids: list[bytes] = []
        self.row_of: dict[bytes, int] = {}
        self.standings = Standings.none(0)
        self.schedule: Ints = np.zeros(0, np.int64)
        self.anew: Ints = np.zeros(0, np.int64)

    def __len__(self) -> int:
        return len(self.ids)

    def rows_of(self, store_ids: Sequence[bytes]) -> Ints:
        """The row of each store, a new one where there is none."""
        for store_id in store_ids:
            if store_id not in self.row_of:
                self.row_of[store_id] = len(self.ids)
                self.ids.append(store_id)
        if len(self.ids) > len(self.standings):
            self._grow(max(len(self.ids), 2 * len(self.standings), 1024))
        return np.array([self.row_of[store_id] for store_id in store_ids], np.int64)

    def _grow(self, room: int) -> None:
        more = np.zeros(room - len(self.standings), np.int64)
        self.standings = self.standings.grown(room)
        self.schedule = np.concatenate((self.schedule, more))
        self.anew = np.concatenate((self.anew, more))
