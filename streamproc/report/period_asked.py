"""What a report of a period is asked for, each part checked. Pure."""

from dataclasses import dataclass

from streamproc.errors import InvalidInput, shown
from streamproc.rules.labels import MAX_LABEL, parse_where
from streamproc.rules.periods import check_by, parse_period
from streamproc.rules.zones import zone_or_none


@dataclass(frozen=True, slots=True)
class PeriodAsked:
    """A period and its slices, of which stores, by what.

    ``by``: day, week or month. ``zone``: whose dates are meant; None: each store's own.
    ``where``: ``label=value``. ``group_by``: a label.
    """

    period: str
    by: str | None = None
    zone: str | None = None
    where: str | None = None
    group_by: str | None = None


def period_asked(
    period: object,
    by: object = None,
    zone: object = None,
    where: object = None,
    group_by: object = None,
) -> PeriodAsked | None:
    """What somebody has asked for; None without a period, nor anything that needs one.

    Empty texts are none. Raises InvalidInput and names what is wrong.
    """
    if not period:
        for name, given in (("by", by), ("where", where), ("group_by", group_by)):
            if given:
                raise InvalidInput(f"bad-{name}", f"{name} goes with a period")
        if zone:
            raise InvalidInput("unknown-zone", "zone goes with a period")
        return None
    return PeriodAsked(
        parse_period(period).text,
        check_by(by),
        zone_or_none(zone, "zone"),
        _where(where),
        _group_by(group_by),
    )


def _where(text: object) -> str | None:
    if text is None or text == "":
        return None
    if not isinstance(text, str):
        raise InvalidInput("bad-where", f"where is {shown(text)}, expected LABEL=VALUE")
    return parse_where(text).text


def _group_by(text: object) -> str | None:
    if text is None or text == "":
        return None
    label = text.strip() if isinstance(text, str) else ""
    if not label or len(label) > MAX_LABEL:
        raise InvalidInput(
            "bad-group_by",
            f"group_by is {shown(text)}, expected a label of up to {MAX_LABEL} chars",
        )
    return label
