"""What is not believed of files that were read: nothing of them is published then.

Whether weekdays, ids and most rows make sense is known when all is read.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from streamproc.errors import LoadError, counted
from streamproc.loading.choices import needs
from streamproc.loading.joins import Join, refuse_cut_ids
from streamproc.loading.options import Loaded, Reading
from streamproc.loading.polls import PollFile, RowCounts
from streamproc.loading.stores import StoreFile
from streamproc.rules.poll import ALL_STORES, UNKNOWN_STATUS


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges ``stores`` and ``polls`` as ``reading`` says; ``loaded``: what to tell."""

    reading: Reading
    loaded: Loaded
    stores: list[StoreFile]
    polls: PollFile | None

    def judge(self) -> None:
        """Raise LoadError for files that would make a wrong report."""
        self._refuse_broken_stores()
        for counts in self.polls.counts if self.polls is not None else ():
            self._refuse_unread_polls(counts)
        for path, store_ids in self._ids():
            if not self.reading.force:
                refuse_cut_ids(path, store_ids)
        for file in self.stores:
            self.loaded.remarks += file.remarks
            self._judge_join(file)
        if self.reading.leave_out:
            self._leave_out_broken()
        if self.polls is not None and self.reading.until_us is not None:
            self._leave_out_later(self.polls, self.reading.until_us)

    def _refuse_broken_stores(self) -> None:
        """Hours and zones that cannot be read are not absent."""
        broken = [file for file in self.stores if file.first_refused is not None]
        of_all = [file for file in broken if ALL_STORES in file.broken]
        if of_all and self.reading.leave_out:
            raise LoadError(
                f"{'; '.join(map(_refused, of_all))}. What is refused speaks of all"
                " stores (*), so none can be left out for it; mend the rows"
            )
        if broken and not self.reading.skip_refused:
            raise needs(
                "skip_refused",
                lambda say: (
                    f"{'; '.join(map(_refused, broken))}. Nothing was published; mend"
                    f" the rows, or {say('skip_refused')} {self._left(broken)}"
                ),
            )

    def _left(self, broken: Iterable[StoreFile]) -> str:
        """What becomes of the stores of refused rows when these are skipped."""
        if not any(file.counts for file in broken):
            return "leaves out those stores' labels"
        if self.reading.leave_out:
            return "leaves those stores out of the report"
        return "leaves those stores' hours and zones as they were"

    def _refuse_unread_polls(self, file: RowCounts) -> None:
        """Refused polls are lost observations; too many are no observation."""
        first, most = file.first_refused, self.reading.max_refused
        none = file.refused == file.rows
        if first is None or not (none or file.refused > most * file.rows):
            return
        told = f"{file.refused:,} of {counted(file.rows, 'row')} refused in {first}."
        more = f"(a share, {most:g} now) allows more"
        if self._commonest(file.path) == UNKNOWN_STATUS:
            raise needs(
                "words",
                lambda say: (
                    f"{told} Nothing was published; {say('words')} says what other"
                    f" words mean, {say('max_refused')} {more}"
                ),
            )
        raise needs(
            "max_refused",
            lambda say: f"{told} Nothing was published; {say('max_refused')} {more}",
        )

    def _commonest(self, path: Path) -> str:
        """The reason for which most of a file's rows are refused."""
        found = self.loaded.refused_in
        counts = {reason: found[at, reason] for at, reason in found if at == path}
        return max(counts, key=lambda reason: counts[reason], default="")

    def _ids(self) -> Iterator[tuple[Path, Sequence[str]]]:
        for file in self.stores:
            yield file.path, file.store_ids
        if self.polls is not None:
            yield self.polls.path, self.polls.store_ids

    def _judge_join(self, file: StoreFile) -> None:
        """Say how many stores of a file have polls; refuse when it is next to none."""
        if self.polls is None or not file.store_ids:
            return
        join = Join(file.kind, set(file.store_ids), set(self.polls.store_ids))
        self.loaded.summary.append(str(join))
        if join.is_broken and not self.reading.force:
            raise needs(
                "force",
                lambda say: (
                    f"{join}: these are not the same ids ({join.examples()}). Nothing"
                    f" was published; {say('force')} does so all the same"
                ),
            )
        self.loaded.remarks += join.remarks()

    def _leave_out_later(self, polls: PollFile, until_us: int) -> None:
        later = polls.keep_before(until_us)
        if later:
            told = f"{counted(later, 'poll')} at or after as_of: not counted"
            self.loaded.summary.append(told)

    def _leave_out_broken(self) -> None:
        """Stores of which something cannot be read have no row in the report."""
        counting = [file for file in self.stores if file.counts]
        broken = set().union(*(file.broken for file in counting))
        if not broken:
            return
        for file in self.stores:
            file.leave_out(broken)
        if self.polls is not None:
            self.polls.leave_out(broken)
        shown = ", ".join(sorted(broken)[:3])
        self.loaded.remarks.append(
            f"{counted(len(broken), 'store')} left out of the report, as their hours or"
            f" zone cannot be read: {shown}{', …' if len(broken) > 3 else ''}"
        )


def _refused(file: StoreFile) -> str:
    """How many rows of a file are refused, of how many stores; and the first one."""
    told, stores = counted(file.refused, "row"), len(file.broken)
    if stores:  # none where an id cannot be one
        told += f" of {counted(stores, 'store')}"
    return f"{told} refused in {file.first_refused}"
