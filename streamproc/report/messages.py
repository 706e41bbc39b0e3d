"""What travels to make a report; ``wire`` gives it its form. Pure.

``report-inbox``, to the collector: ``Request``, ``Survey``, ``Waiting``, ``Failed``,
``Piece``, ``Retry``, ``Expire``, ``Doubt``. ``report-orders``, to a partition's owner:
``Order``. Beside reports, ``Sweep`` goes to the owners and ``Swept`` comes back.
"""

import hashlib
from dataclasses import dataclass
from importlib.metadata import version

import orjson

from streamproc.errors import InvalidInput
from streamproc.rules.incidents import DEFAULT_BRIDGE_US
from streamproc.rules.uptime import Rules
from streamproc.rules.windows import WINDOWS

PROTOCOL = 3
"""Of the messages; raised whenever one of them changes its meaning or its form."""

ALL, HOURLY, STORE = "all", "hourly", "store"
NOW, LATEST = "now", "latest"


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose message it is: the app, and a fingerprint of the rules it counts by."""

    app: str
    rules: str


def identity_of(
    app: str,
    rules: Rules,
    partitions: int,
    bridge_us: int = DEFAULT_BRIDGE_US,
    day_starts_s: int = 0,
) -> Identity:
    """Two workers with the same identity compute the same figures."""
    counted_by = {
        "bridge_us": bridge_us,
        "day_starts_s": day_starts_s,
        "protocol": PROTOCOL,
        "hold_us": rules.hold_us,
        "backfill": rules.backfill,
        "windows": [(each.name, each.length_us) for each in WINDOWS],
        "partitions": partitions,
        "zones": version("tzdata"),
    }
    text = orjson.dumps(counted_by, option=orjson.OPT_SORT_KEYS)
    return Identity(app, hashlib.sha256(text).hexdigest()[:12])


def _check_store_goes_with(kind: str, store_id: str | None) -> None:
    if (kind == STORE) != (store_id is not None):
        raise InvalidInput("bad-request", "store_id goes with kind store")


@dataclass(frozen=True, slots=True)
class Request:
    """A report to be made.

    ``as_of``: ``now``, ``latest`` (the newest poll any partition has seen), or UTC
    microseconds. ``store_id``: only for kind ``store``. ``as_polled``: as if there were
    no exclusions. ``full``: a file with all figures is written, too.
    """

    report_id: str
    kind: str
    as_of: str | int
    requested_us: int
    store_id: str | None = None
    as_polled: bool = False
    full: bool = False

    def __post_init__(self) -> None:
        _check_store_goes_with(self.kind, self.store_id)


@dataclass(frozen=True, slots=True)
class Order:
    """What the collector asks of a partition; no ``as_of_us``: a survey."""

    report_id: str
    kind: str
    attempt: int
    as_of_us: int | None
    store_id: str | None
    as_polled: bool = False

    def __post_init__(self) -> None:
        _check_store_goes_with(self.kind, self.store_id)


@dataclass(frozen=True, slots=True)
class Survey:
    """The newest poll of a partition, and that of its next newest store.

    Times are -1 where there is none; what lies in the future is left out.
    """

    report_id: str
    attempt: int
    partition: int
    newest_us: int
    newest_store: str | None
    next_us: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many records a partition has yet to read before it can answer."""

    report_id: str
    attempt: int
    partition: int
    behind: int


@dataclass(frozen=True, slots=True)
class Failed:
    """Why a partition cannot answer."""

    report_id: str
    attempt: int
    partition: int
    reason: str


@dataclass(frozen=True, slots=True)
class Piece:
    """Some rows of a partition, numbered from 0; ``last`` when no more follow.

    ``left_out``: with the last one, how many stores have no row, since their history
    is not kept that far; ``such_as``: one of them.
    ``body``: see ``streamproc.report.rows``; it is not looked into here.
    """

    report_id: str
    attempt: int
    partition: int
    number: int
    rows: int
    last: bool
    body: bytes
    left_out: int = 0
    such_as: str | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """A report stands still, or a part of it is lost: it is to be started over."""

    report_id: str
    attempt: int
    reason: str


@dataclass(frozen=True, slots=True)
class Expire:
    """The timer's: reports that are to be deleted; ``report_id`` is the first's."""

    report_id: str
    report_ids: list[str]


@dataclass(frozen=True, slots=True)
class Doubt:
    """The timer's: reports as of the future, which a wrong clock has made too early."""

    report_id: str
    report_ids: list[str]


@dataclass(frozen=True, slots=True)
class Sweep:
    """A partition's polls that lie in the future are looked for, or purged.

    ``requested_us``: now by the clock of whoever asks; another time than the worker's
    is refused, since one of the two clocks is wrong.
    """

    report_id: str
    requested_us: int
    purge: bool


@dataclass(frozen=True, slots=True)
class Swept:
    """What a partition had of such polls; ``newest_us`` is -1 when it had none.

    ``such_as``: a store of theirs. ``refused``: why nothing was done.
    """

    report_id: str
    partition: int
    polls: int
    stores: int
    newest_us: int
    such_as: str | None
    refused: str | None = None


News = Survey | Waiting | Failed
"""What a partition's owner tells besides rows."""

ToCollector = Request | News | Piece | Retry | Expire | Doubt | Swept
ToOwner = Order | Sweep
Message = ToCollector | ToOwner
