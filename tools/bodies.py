"""What requests have in their bodies, for the OpenAPI file."""

from dataclasses import dataclass, field
from typing import Annotated, Any

from streamproc.rules.exclusions import KINDS
from streamproc.rules.periods import BY
from streamproc.web.shapes import OPTIONAL, OneOf, called
from tools.schemas import Says, Schemas

StoreId = Annotated[str, Says(minLength=1, maxLength=128)]
Clock = Annotated[str, Says(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$")]


@dataclass(frozen=True, slots=True)
class AsOfAsked:
    """As of when; now when it is left out."""

    as_of: Annotated[str, Says(default="now")] = field(default="now", metadata=OPTIONAL)


@dataclass(frozen=True, slots=True)
class ReportOrdered:
    """As of when, now when it is left out; of which period, which stores, by what."""

    as_of: Annotated[str, Says(default="now")] = field(default="now", metadata=OPTIONAL)
    period: Annotated[str, Says(examples=["month:2026-10"])] = field(
        default="", metadata=OPTIONAL
    )
    by: Annotated[str, OneOf(BY)] = field(default="", metadata=OPTIONAL)
    zone: Annotated[str, Says(examples=["America/Chicago"])] = field(
        default="", metadata=OPTIONAL
    )
    where: Annotated[str, Says(examples=["region=West"])] = field(
        default="", metadata=OPTIONAL
    )
    group_by: Annotated[str, Says(examples=["region"])] = field(
        default="", metadata=OPTIONAL
    )


@dataclass(frozen=True, slots=True)
class ReportAsked:
    """Which report."""

    report_id: str


@dataclass(frozen=True, slots=True)
class Poll:
    """One observation of a store."""

    store_id: StoreId
    timestamp_utc: Annotated[str, Says(examples=["2023-01-25 18:13:22.47922 UTC"])]
    status: Annotated[str, OneOf(("active", "inactive"))]


@dataclass(frozen=True, slots=True)
class OpeningTold:
    """One weekly opening in local time; day 0 is Monday."""

    dayOfWeek: Annotated[int, Says(minimum=0, maximum=6)]
    start_time_local: Clock
    end_time_local: Clock


@dataclass(frozen=True, slots=True)
class ClosedTold:
    """A weekday on which a store does not open; day 0 is Monday."""

    dayOfWeek: Annotated[int, Says(minimum=0, maximum=6)]
    closed: Annotated[bool, Says(const=True)]


By = Annotated[str | None, Says(maxLength=200)]


@dataclass(frozen=True, slots=True)
class HoursTold:
    """A store's week, from the local date valid_from on; null forgets it.

    Without valid_from it is in force always, and dated weeks are forgotten. create: of
    a store that nothing is known of.
    """

    hours: list[OpeningTold | ClosedTold] | None
    valid_from: Annotated[str | None, Says(format="date")] = field(
        default=None, metadata=OPTIONAL
    )
    by: By = field(default=None, metadata=OPTIONAL)
    create: bool = field(default=False, metadata=OPTIONAL)


@dataclass(frozen=True, slots=True)
class ZoneTold:
    """A store's time zone; null forgets it."""

    timezone_str: Annotated[str | None, Says(examples=["America/Chicago"])]
    by: By = field(default=None, metadata=OPTIONAL)
    create: bool = field(default=False, metadata=OPTIONAL)


@dataclass(frozen=True, slots=True)
class LabelsTold:
    """A store's labels, all of them; create: of a store that nothing is known of."""

    labels: dict[str, str]
    name: str | None = field(default=None, metadata=OPTIONAL)
    target: Annotated[float | None, Says(exclusiveMinimum=0, maximum=100)] = field(
        default=None, metadata=OPTIONAL
    )
    by: By = field(default=None, metadata=OPTIONAL)
    create: bool = field(default=False, metadata=OPTIONAL)


@dataclass(frozen=True, slots=True)
class TimesTold:
    """An opening of a date in local time; an end before the start is the next day's."""

    start_time_local: Clock
    end_time_local: Clock


@dataclass(frozen=True, slots=True)
class SpecialHoursTold:
    """The openings of one local date in place of the week's; none: closed."""

    openings: list[TimesTold]
    note: Annotated[str | None, Says(maxLength=500)] = field(
        default=None, metadata=OPTIONAL
    )
    by: By = field(default=None, metadata=OPTIONAL)
    create: bool = field(default=False, metadata=OPTIONAL)


@dataclass(frozen=True, slots=True)
class ExclusionTold:
    """Time that does not count, or whose status is put right.

    Either from and to, in UTC, or from_local and to_local, the wall clock of each
    store's own zone.
    """

    kind: Annotated[str, OneOf(KINDS)]
    start: Annotated[str | None, Says(examples=["2025-05-06T12:00:00Z"])] = field(
        default=None, metadata={**called("from"), **OPTIONAL}
    )
    end: str | None = field(default=None, metadata={**called("to"), **OPTIONAL})
    from_local: Annotated[str | None, Says(examples=["2025-05-06 07:00:00"])] = field(
        default=None, metadata=OPTIONAL
    )
    to_local: str | None = field(default=None, metadata=OPTIONAL)
    note: Annotated[str | None, Says(maxLength=500)] = field(
        default=None, metadata=OPTIONAL
    )
    by: By = field(default=None, metadata=OPTIONAL)
    create: bool = field(default=False, metadata=OPTIONAL)


@dataclass(frozen=True, slots=True)
class Body:
    """The body of a route's requests; ``lines``: one such object a line goes, too."""

    kind: Any
    required: bool = True
    lines: bool = False

    def described(self, schemas: Schemas) -> dict[str, Any]:
        """The body as OpenAPI describes it."""
        content = {"application/json": {"schema": schemas.of(self.kind)}}
        if self.lines:
            content["application/x-ndjson"] = {"schema": {"type": "string"}}
        return {"required": self.required, "content": content}


_POLLS = Annotated[list[Poll], Says(minItems=1, maxItems=10_000)]
BODIES = {
    ("POST", "/trigger_report"): Body(ReportOrdered, required=False),
    ("POST", "/{store_id}/trigger_report"): Body(AsOfAsked, required=False),
    ("POST", "/get_report"): Body(ReportAsked),
    ("POST", "/api/v1/polls"): Body(Poll | _POLLS, lines=True),
    ("PUT", "/api/v1/stores/{store_id}/hours"): Body(HoursTold),
    ("PUT", "/api/v1/stores/{store_id}/zone"): Body(ZoneTold),
    ("PUT", "/api/v1/stores/{store_id}/labels"): Body(LabelsTold),
    ("PUT", "/api/v1/stores/{store_id}/special-hours/{date}"): Body(SpecialHoursTold),
    ("PUT", "/api/v1/stores/{store_id}/exclusions/{exclusion_id}"): Body(ExclusionTold),
}
