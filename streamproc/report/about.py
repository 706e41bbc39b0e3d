"""What a workbook says of its report: what it is of, as of when, by which rules. Pure.

Comes from a report's record and the rules it was counted by; leads to ``workbook``.
"""

from streamproc.report.record import Report, time_text
from streamproc.report.workbook import About
from streamproc.rules.units import MINUTE_US
from streamproc.rules.uptime import Rules


def about(report: Report | None, rules: Rules) -> About:
    """The lines of a workbook's second sheet; ``report``: None when it is not known."""
    lines = [] if report is None else _lines(report)
    return About([*lines, *(("Rule", sentence) for sentence in sentences(rules))])


def _lines(report: Report) -> list[tuple[str, str]]:
    stores = "all stores" if report.store_id is None else f"store {report.store_id}"
    lines = [
        ("Report", f"{report.report_id}, of {stores}"),
        ("As of", f"{report.as_of_text} (UTC)"),
    ]
    if report.is_of_period:
        asked = (
            ("Period", report.told or report.period),
            ("Known since", _since(report)),
            ("By", report.by),
            ("Dates of", report.zone or "each store's own zone"),
            ("Stores with", report.where),
            ("Grouped by", report.group_by),
        )
        lines += [(label, said) for label, said in asked if said]
    if report.as_polled:
        lines.append(("As polled", "As if there were no maintenance or correction."))
    if report.left_out_text:
        lines.append(("Left out", report.left_out_text))
    return lines


def _since(report: Report) -> str:
    return "" if report.since_us is None else f"{time_text(report.since_us)} (UTC)"


def sentences(rules: Rules) -> list[str]:
    """The accounting in sentences, as these rules have it."""
    hold = (
        "until the next poll"
        if rules.hold_us is None
        else f"until the next poll, at most {rules.hold_us / MINUTE_US:g} minutes"
    )
    return [
        "Only business hours count, in each store's own time zone.",
        f"What a poll says holds {hold}.",
        "The first poll also covers the time before it."
        if rules.backfill
        else "Nothing is known of the time before the first poll.",
        "up + down + unknown + excluded = open. Unknown is open time that no poll"
        " covers; excluded is open time that a planned maintenance takes out.",
        "Percentages are of the observed time, up and down; none without any. They are"
        " never 100 when something was down, nor 0 when something was up.",
    ]
