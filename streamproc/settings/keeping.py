"""How long things are kept, and how reports are made."""

from dataclasses import dataclass

from streamproc.rules.history import KEPT_DAYS
from streamproc.settings.parsing import integer, number, setting, switch


@dataclass(frozen=True)
class Keeping:
    """How long things are kept, and how reports are made."""

    history_days: int = setting(
        400,
        integer(KEPT_DAYS, 36_500),
        "Days, back from the newest poll, for which polls are kept, in whole months.",
    )
    polls_retention: float = setting(
        float(KEPT_DAYS), number(1, 3650), "Days that polls stay in their topic."
    )
    rejected_retention: float = setting(
        30.0, number(0.01, 3650), "Days that rejected records stay in their topic."
    )
    events_retention: float = setting(
        30.0, number(0.01, 3650), "Days that events stay in their topic."
    )
    report_retention: float = setting(
        7.0, number(0.01, 3650), "Days that report files are kept."
    )
    hourly: bool = setting(True, switch, "Whether a report is written every full hour.")
    monthly: bool = setting(
        True,
        switch,
        "Whether a month's report is written when it is over in every store's zone.",
    )
    report_timeout: float = setting(
        60.0,
        number(0.5, 86_400),
        "Seconds without progress after which a report's missing parts are asked"
        " for again.",
    )
    report_tries: int = setting(
        5, integer(1, 100), "Times that is tried before the report is Failed."
    )
