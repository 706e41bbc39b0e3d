"""Since when stores are down that have been so for longer than polls are at hand.

The board knows of a run what the polls at hand say. An older one is looked for in the
archive when somebody wants to see it, and remembered.
"""

from collections.abc import Callable

from streamproc.cells import Ints
from streamproc.rules import packing
from streamproc.rules.now import DOWN
from streamproc.rules.windows import LONGEST_US
from tables.board_view import View
from tables.outage_search import OutageSearch

SOME = 50
"""So many are looked for at once; the others' turn comes when they are asked again."""

_MOST = 20_000

_Key = tuple[bytes, int, int, int]
"""Store, its run's start as the board has it, and which board, when begun anew."""


class LongAgo:
    """Starts of the incidents of a partition's stores that began long ago.

    ``search``: looks for the incidents as of an instant.
    """

    def __init__(self, search: Callable[[int], OutageSearch]) -> None:
        self._search = search
        self._known: dict[_Key, int] = {}

    def starts(self, view: View, rows: Ints) -> dict[int, int]:
        """When incidents of rows began that may have done so before the view says."""
        found, left = {}, SOME
        for row in rows[view.state[rows] == DOWN].tolist():
            start_us = int(view.since_us[row])
            if start_us > packing.time_of(int(view.last[row])) - LONGEST_US:
                continue  # all polls since are at hand
            key = (view.store_ids[row], start_us, view.epoch, int(view.anew[row]))
            if key not in self._known and left:
                left -= 1
                self._remember(key, view.as_of_us)
            if key in self._known:
                found[row] = self._known[key]
        return found

    def _remember(self, key: _Key, as_of_us: int) -> None:
        outages = self._search(as_of_us).of(key[0]).found
        ongoing = [one.start_us for one in outages if one.end_us is None]
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[key] = max(ongoing, default=key[1])
