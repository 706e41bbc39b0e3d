"""When a partition's first poll was, kept until an earlier one comes.

To find it, all stores are looked at; what is added to them later hardly ever lies
before. Any other write of the partition (a rebuild, a purge, what another worker wrote
late) raises its version: then it is looked for again, as when months are let go of.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from streamproc.rules.units import DAY_US
from tables.versioned import Versioned

_NO_DAY = 1 << 62


@dataclass(slots=True)
class _Found:
    """What was found as of a version, and the earliest day that was added since.

    ``is_first``: whether no poll lies before it. ``time_us`` is None while it is
    looked for.
    """

    version: int
    kept_since_us: int
    time_us: int | None = None
    is_first: bool = False
    added_day: int = _NO_DAY

    def answers(self, not_before_us: int) -> bool:
        """Whether it is the first one still, or lies before that instant."""
        if self.time_us is None:
            return False
        is_first = self.is_first and self.added_day > self.time_us // DAY_US
        return is_first or self.time_us < not_before_us


class FirstPolls:
    """The first poll of each partition; may be asked in any thread."""

    def __init__(self, version: Callable[[int], int]) -> None:
        """``version``: of a partition's database now; each write is another one."""
        self._kept: Versioned[_Found] = Versioned(version)

    def added(self, partition: int, first_day: int, before: int) -> None:
        """Note the earliest day of what one write has made of version ``before``."""
        with self._kept.lock:
            found = self._kept.written(partition, before)
            if found is not None:
                found.added_day = min(found.added_day, first_day)

    def forget(self) -> None:
        """Look for all of them again."""
        self._kept.forget()

    def of(
        self,
        partition: int,
        kept_since_us: int,
        not_before_us: int,
        look: Callable[[], Iterator[int]],
    ) -> int | None:
        """Time of the first poll; None when there is none.

        Where it lies before ``not_before_us``, that of any poll from before will do.
        ``kept_since_us``: what lay before it may have been let go of. ``look``: times
        of polls of which the least is that of the first one.
        """
        with self._kept.lock:
            found = self._kept.entries.get(partition)
            version = self._kept.version(partition)
            if (
                found is not None
                and (found.version, found.kept_since_us) == (version, kept_since_us)
                and found.answers(not_before_us)
            ):
                return found.time_us
            found = self._kept.entries[partition] = _Found(version, kept_since_us)
        time_us, is_first = _least(look(), not_before_us)
        with self._kept.lock:
            found.time_us, found.is_first = time_us, is_first
        return time_us


def _least(times_us: Iterator[int], not_before_us: int) -> tuple[int | None, bool]:
    """The least time, and whether it is; it ends where one lies before an instant."""
    least_us: int | None = None
    for time_us in times_us:
        least_us = time_us if least_us is None else min(least_us, time_us)
        if least_us < not_before_us:
            return least_us, False
    return least_us, True
