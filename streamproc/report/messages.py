"""What travels to make a report; ``wire`` gives it its form. Pure.

``report-inbox``, to the collector: ``Request``, ``Survey``, ``Waiting``, ``Failed``,
``Piece``, ``Retry``, ``Expire``, ``Doubt``. ``report-orders``, to a partition's owner:
``Order``. Beside reports, ``Sweep`` goes to the owners and ``Swept`` comes back.
"""

import hashlib
from dataclasses import dataclass, field
from importlib.metadata import version

import orjson

from streamproc.errors import InvalidInput
from streamproc.rules.incidents import DEFAULT_BRIDGE_US
from streamproc.rules.periods import parse_period
from streamproc.rules.uptime import Rules
from streamproc.rules.windows import WINDOWS

PROTOCOL = 4
"""Of the messages; raised whenever one of them changes its meaning or its form."""

ALL, HOURLY, STORE = "all", "hourly", "store"
PERIOD, MONTHLY = "period", "monthly"
KINDS = (ALL, HOURLY, STORE, PERIOD, MONTHLY)
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


def _check_goes_with(kind: str, store_id: str | None, period: str | None) -> None:
    if (kind == STORE) != (store_id is not None):
        raise InvalidInput("bad-request", "store_id goes with kind store")
    if (kind in (PERIOD, MONTHLY)) != (period is not None):
        raise InvalidInput("bad-request", "period goes with kind period or monthly")


def _has_dates(period: str | None) -> bool:
    """Whether a period says which dates it has."""
    return period is not None and parse_period(period).period is not None


@dataclass(frozen=True, slots=True)
class Request:
    """A report to be made.

    ``as_of``: ``now``, ``latest`` (the newest poll any partition has seen), or UTC
    microseconds. ``store_id``: only for kind ``store``. ``as_polled``: as if there were
    no exclusions. ``full``: a file with all figures is written, too. ``period`` and
    what follows: see ``period_asked``; only for the kinds ``period`` and ``monthly``.
    """

    report_id: str
    kind: str
    as_of: str | int
    requested_us: int
    store_id: str | None = None
    as_polled: bool = False
    full: bool = False
    period: str | None = None
    by: str | None = None
    zone: str | None = None
    where: str | None = None
    group_by: str | None = None

    def __post_init__(self) -> None:
        _check_goes_with(self.kind, self.store_id, self.period)


@dataclass(frozen=True, slots=True)
class Order:
    """What the collector asks of a partition; no ``as_of_us``: a survey.

    With a ``period``, it is a survey as long as ``first_us`` is None: since when polls
    are kept, see ``rules.period_edges.Kept``. Then the period is named by its dates.
    """

    report_id: str
    kind: str
    attempt: int
    as_of_us: int | None
    store_id: str | None
    as_polled: bool = False
    period: str | None = None
    by: str | None = None
    zone: str | None = None
    where: str | None = None
    first_us: int | None = None
    whole_us: int = 0

    @property
    def is_survey(self) -> bool:
        """Whether it asks what there is, and not yet for rows."""
        unknown = self.period is not None and self.first_us is None
        return self.as_of_us is None or unknown

    def __post_init__(self) -> None:
        _check_goes_with(self.kind, self.store_id, self.period)
        if self.first_us is not None and not _has_dates(self.period):
            raise InvalidInput("bad-request", "rows are asked for without dates")


@dataclass(frozen=True, slots=True)
class Survey:
    """The newest poll of a partition, and that of its next newest store.

    Times are -1 where there is none; what lies in the future is left out. For a period:
    ``kept_us`` is the first poll that is kept, or -1; before ``whole_us`` polls have
    been let go. ``zones``: of the partition's stores. ``loading``: history is being
    loaded, so what is there is not all.
    """

    report_id: str
    attempt: int
    partition: int
    newest_us: int
    newest_store: str | None
    next_us: int
    kept_us: int = -1
    whole_us: int = 0
    zones: list[str] = field(default_factory=list)
    loading: bool = False


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
