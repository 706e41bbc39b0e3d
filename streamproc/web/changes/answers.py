"""What is known of a store as the API tells of it, as its changes take it; previews."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from streamproc.report.record import time_text
from streamproc.rules.exclusions import KINDS, Exclusion, exclusion_row
from streamproc.rules.poll import ALL_STORES
from streamproc.rules.schedule import hours_rows, times_row
from streamproc.rules.special_hours import date_text
from streamproc.rules.uptime import Uptime
from streamproc.rules.windows import PREVIEWED
from streamproc.web.changes.calls import Known
from streamproc.web.figures import Window, window_of
from streamproc.web.shapes import Keys, OneOf, called
from tables import exclusions as exclusions_table
from tables import hours as hours_table
from tables import special_hours as special_hours_table
from tables.facts import Facts, decode_day, encode_day
from tables.preview import Preview


@dataclass(frozen=True, slots=True)
class StoreExclusion:
    """Maintenance or a correction; its ends are in UTC, or local.

    ``at``: when it was published. ``of_all``: it is told of all stores.
    """

    id: str
    kind: Annotated[str, OneOf(KINDS)]
    start: str | None = field(metadata=called("from"))
    end: str | None = field(metadata=called("to"))
    from_local: str | None
    to_local: str | None
    note: str | None
    by: str | None
    withdrawn: bool
    at: str
    of_all: bool


@dataclass(frozen=True, slots=True)
class StoreExclusions:
    """A store's exclusions, and those of all stores; withdrawn ones as well."""

    store_id: str
    exclusions: list[StoreExclusion]


@dataclass(frozen=True, slots=True)
class SpecialDate:
    """The openings of one local date; none means closed.

    ``of_all``: they are told of all stores.
    """

    date: str
    openings: list[dict[str, str]]
    note: str | None
    of_all: bool


@dataclass(frozen=True, slots=True)
class SpecialDates:
    """A store's special hours by date; those of all stores where it has no own."""

    store_id: str
    special_hours: list[SpecialDate]


@dataclass(frozen=True, slots=True)
class DatedWeek:
    """A week, and from which local date on it is in force; null: undated."""

    valid_from: str | None
    hours: list[dict[str, Any]]
    open_24x7: bool


@dataclass(frozen=True, slots=True)
class StoreWeeks:
    """A store's weeks, the undated one first; none: open 24x7."""

    store_id: str
    weeks: list[DatedWeek]


WINDOW_NAMES = tuple(window.name for window in PREVIEWED)
PreviewWindows = Annotated[dict[str, Window | None], Keys(WINDOW_NAMES)]


@dataclass(frozen=True, slots=True)
class ChangePreview:
    """Figures before and after a change that is not made; of all stores their sums.

    ``changed``: of how many stores a figure changes. ``before`` is null of a store
    that nothing is known of yet; ``month`` is the last 30 days, null where its polls
    are not kept, and of all stores.
    """

    store_id: str
    as_of: str
    stores: int
    changed: int
    before: PreviewWindows | None
    after: PreviewWindows | None


def exclusion_of(value: bytes, of_all: bool) -> StoreExclusion:
    """An exclusion as the table has it."""
    found = exclusions_table.decode(value)
    row = exclusion_row(found)
    return StoreExclusion(
        found.exclusion_id,
        found.kind,
        None if found.local else time_text(found.begin),
        None if found.local else time_text(found.end),
        row.get("from_local"),
        row.get("to_local"),
        found.note,
        found.by,
        found.withdrawn,
        time_text(found.at_ms * 1_000),
        of_all,
    )


def exclusions_of(store_id: str, known: Known) -> StoreExclusions:
    """All that apply to a store; of ``*``, those of all stores."""
    facts: Facts = () if store_id == ALL_STORES else known.own.exclusions
    own = [exclusion_of(value, False) for _, value in facts]
    of_all = [exclusion_of(value, True) for _, value in known.of_all.exclusions]
    return StoreExclusions(store_id, own + of_all)


def own_exclusion(known: Known, exclusion_id: str) -> Exclusion | None:
    """One of a store's own exclusions."""
    value = dict(known.own.exclusions).get(exclusion_id.encode(errors="replace"))
    return None if value is None else exclusions_table.decode(value)


def special_date_of(suffix: bytes, value: bytes, of_all: bool) -> SpecialDate:
    """Special hours as the table has them."""
    found = special_hours_table.decode(suffix, value)
    return SpecialDate(
        date_text(found.day),
        [times_row(opening) for opening in found.openings],
        found.note,
        of_all,
    )


def special_dates_of(store_id: str, known: Known) -> SpecialDates:
    """All that apply to a store, by date, its own before; of ``*``, those of all."""
    own = {} if store_id == ALL_STORES else dict(known.own.special)
    found = {**dict(known.of_all.special), **own}
    return SpecialDates(
        store_id,
        [special_date_of(day, found[day], day not in own) for day in sorted(found)],
    )


def own_date(store_id: str, known: Known, day: int) -> SpecialDate | None:
    """A store's own special hours of a date; of ``*``, those of all stores."""
    suffix = encode_day(day)
    value = dict(known.own.special).get(suffix)
    if value is None:
        return None
    return special_date_of(suffix, value, store_id == ALL_STORES)


def weeks_of(store_id: str, hours: Facts) -> StoreWeeks:
    """A store's weeks as the table has them."""
    return StoreWeeks(store_id, [_week_of(*fact) for fact in hours])


def _week_of(suffix: bytes, value: bytes) -> DatedWeek:
    week = hours_table.decode(value)
    since = date_text(decode_day(suffix)) if suffix else None
    return DatedWeek(since, hours_rows(week), not week)


def preview_of(store_id: str, as_of_us: int, found: Preview) -> ChangePreview:
    """A preview; null for a window that has no figures."""
    before, after = _windows(found.before), _windows(found.after)
    as_of = time_text(as_of_us)
    return ChangePreview(store_id, as_of, found.stores, found.changed, before, after)


def _windows(figures: Mapping[str, Uptime] | None) -> dict[str, Window | None] | None:
    if figures is None:
        return None
    return {name: _window(figures.get(name)) for name in WINDOW_NAMES}


def _window(found: Uptime | None) -> Window | None:
    if found is None:
        return None
    return window_of(found.up_us, found.down_us, found.open_us, found.excluded_us)
