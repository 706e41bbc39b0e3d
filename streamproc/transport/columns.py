"""Records as columns: what a stored batch holds, on either broker."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from streamproc.cells import Cells, Ints

Headers = Sequence[tuple[str, bytes]]


@dataclass(slots=True)
class Columns:
    """Records of one partition, in the order of their offsets.

    ``offsets``, ``timestamps_ms``: shape (n,). ``headers``: by row, of the few
    records that have some.
    """

    offsets: Ints
    timestamps_ms: Ints
    keys: Cells
    values: Cells
    headers: Mapping[int, Headers] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.offsets)

    def __getitem__(self, part: slice) -> "Columns":
        """Some consecutive records."""
        start, stop, _ = part.indices(len(self))
        return Columns(
            self.offsets[part],
            self.timestamps_ms[part],
            self.keys[part],
            self.values[part],
            {
                row - start: pairs
                for row, pairs in self.headers.items()
                if start <= row < stop
            },
        )

    def rows(self, chosen: Ints) -> "Columns":
        """Only the chosen rows, in the order given."""
        return Columns(
            self.offsets[chosen],
            self.timestamps_ms[chosen],
            self.keys[chosen],
            self.values[chosen],
            {
                to: self.headers[row]
                for to, row in enumerate(chosen.tolist())
                if row in self.headers
            },
        )

    @classmethod
    def join(cls, parts: Sequence["Columns"]) -> "Columns":
        """One after the other; at least one."""
        if len(parts) == 1:
            return parts[0]
        headers: dict[int, Headers] = {}
        shift = 0
        for part in parts:
            headers |= {row + shift: pairs for row, pairs in part.headers.items()}
            shift += len(part)
        return cls(
            np.concatenate([part.offsets for part in parts]),
            np.concatenate([part.timestamps_ms for part in parts]),
            Cells.join([part.keys for part in parts]),
            Cells.join([part.values for part in parts]),
            headers,
        )
