"""Whether the ids of two files are the same ids. Pure.

A report of hours that belong to nobody is wrong without an error anywhere; the ids
themselves tell what has happened to them.
"""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from streamproc.errors import counted
from streamproc.loading.choices import needs

WARN_UNDER, REFUSE_UNDER = 1 / 2, 1 / 100
_SHOWN = 3

_EXACT_DIGITS = range(15, 18)
"""What is left of a number: a spreadsheet keeps 15 digits, floats up to 17."""

_CUT_SHARE, _LEAST_CUT = 0.9, 5


@dataclass(frozen=True, slots=True)
class Join:
    """How the stores of a file of hours or zones meet those that have polls."""

    kind: str
    stores: Set[str]
    polled: Set[str]

    @property
    def joined(self) -> int:
        """How many of the file's stores have polls."""
        return len(self.stores & self.polled)

    def __str__(self) -> str:
        return (
            f"{self.kind} of {counted(len(self.stores), 'store')}: {self.joined:,} of"
            f" them {'has' if self.joined == 1 else 'have'} polls"
        )

    @property
    def is_broken(self) -> bool:
        """Whether hardly any id of either side is one of the other."""
        least = min(len(self.stores), len(self.polled))
        return least > 0 and self.joined < least * REFUSE_UNDER

    def remarks(self) -> Iterator[str]:
        """What a person should know before the figures are believed."""
        if self.stores and self.joined < len(self.stores) * WARN_UNDER:
            yield f"{self}; {self.examples()}"
        if alike := list(self._alike()):
            yield (
                f"{self.kind}: ids that differ only in how the number is written are"
                f" different stores: {', '.join(alike[:_SHOWN])}"
                + (f", and {len(alike) - _SHOWN:,} more" * (len(alike) > _SHOWN))
            )

    def examples(self) -> str:
        """Some ids that are on one side only."""
        here = _some(self.stores - self.polled)
        there = _some(self.polled - self.stores)
        return f"only in the {self.kind}: {here}; only in the polls: {there}"

    def _alike(self) -> Iterator[str]:
        """Ids without a partner that would have one as plain numbers."""
        alone = {_as_number(i): i for i in sorted(self.polled - self.stores)}
        for store_id in sorted(self.stores - self.polled):
            other = alone.get(_as_number(store_id))
            if other is not None:
                yield f"{store_id} in the {self.kind}, {other} in the polls"


def _as_number(store_id: str) -> str:
    whole, _, rest = store_id.partition(".")
    plain = whole.isascii() and whole.isdigit() and not rest.strip("0")
    return whole.lstrip("0") if plain else store_id


def _some(store_ids: Set[str]) -> str:
    return ", ".join(sorted(store_ids)[:_SHOWN]) or "none"


def refuse_cut_ids(path: Path, store_ids: Sequence[str]) -> None:
    """Raise LoadError when the ids have been rounded, as numbers that are too long."""
    long = [i for i in store_ids if len(i) > _EXACT_DIGITS[0] and i.isdigit()]
    cut = [i for i in long if _is_cut(i)]
    if len(cut) >= max(_LEAST_CUT, _CUT_SHARE * len(long)):
        raise needs(
            "force",
            lambda say: (
                f"{path}: mangled-id: {len(cut):,} of {len(long):,} ids of 16 and more"
                f" digits end in zeros after the 15th or so, such as {cut[0]}: a"
                " spreadsheet has cut them; export the file again with the column as"
                f" text, or {say('force')}"
            ),
        )


def _is_cut(store_id: str) -> bool:
    """Whether the digits that a float cannot hold are zeros, two where there are."""
    kept = min(max(len(store_id) - 2, _EXACT_DIGITS[0]), _EXACT_DIGITS[-1])
    return not store_id[kept:].strip("0")
