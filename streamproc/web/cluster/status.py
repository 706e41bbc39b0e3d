"""What a worker tells the others of itself."""

from dataclasses import asdict, dataclass
from typing import Any

import orjson

from streamproc.web.refusal import moving


@dataclass(frozen=True, slots=True)
class Status:
    """How a worker is doing; ``last_arrival_ms``: None when no poll ever came.

    ``left_polls``: polls that wait since some time ago; 0 when none does.
    ``reached_ms``: until when all polls that came are dealt with while some wait, None
    while that is not known.
    """

    ready: bool
    polls_per_s: float
    lag_records: int
    lag_s: float
    last_arrival_ms: int | None
    left_polls: int = 0
    reached_ms: int | None = None


NO_STATUS = Status(False, 0.0, 0, 0.0, None)
"""Of a worker that has not measured anything."""


def encode(status: Status) -> bytes:
    """A status as another worker gets it."""
    return orjson.dumps(asdict(status))


def decode(value: bytes) -> Status:
    """The status another worker sent; raises a 503 Refusal when it is none."""
    try:
        told: Any = orjson.loads(value)
        return Status(
            bool(told["ready"]),
            float(told["polls_per_s"]),
            int(told["lag_records"]),
            float(told["lag_s"]),
            _or_none(told["last_arrival_ms"]),
            int(told.get("left_polls", 0)),
            _or_none(told.get("reached_ms")),
        )
    except (ValueError, TypeError, KeyError) as exc:
        raise moving("A worker tells of itself what cannot be understood.") from exc


def _or_none(told: Any) -> int | None:
    return None if told is None else int(told)
