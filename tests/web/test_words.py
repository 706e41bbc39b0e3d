"""How lengths of time and openings are written."""

import pytest

from streamproc.rules.schedule import parse_hours
from streamproc.web import words
from streamproc.web.periods.reasons import reason_sentence, reason_words
from streamproc.web.store.openings import opening_text, week_rows


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3_599, "59 min"),
        (3_660, "1 h 1 min"),
        (47 * 3_600, "47 h"),
        (49 * 3_600, "2 d 1 h"),
        (30 * 86_400, "30 d"),
    ],
)
def test_a_length_of_time_reads_well(seconds: int, shown: str) -> None:
    """Two units at most."""
    assert words.length(seconds * 1_000_000) == shown


@pytest.mark.parametrize(
    ("start", "end", "shown"),
    [
        ("09:00", "17:30", "09:00–17:30"),
        ("22:00", "06:00", "22:00–06:00 (next day)"),
        ("00:00", "00:00", "24 hours"),
        ("06:00", "06:00", "24 hours from 06:00"),
        ("10:00", "23:59:59", "10:00–24:00"),
        ("closed", "closed", "closed"),
    ],
)
def test_an_opening_reads_as_people_write_it(start: str, end: str, shown: str) -> None:
    """Overnight and round-the-clock ones are said to be."""
    row = {"dayOfWeek": 0, "start_time_local": start, "end_time_local": end}
    (opening,) = parse_hours([row])
    assert opening_text(opening) == shown


def test_what_is_just_missed_is_not_shown_as_nothing() -> None:
    """Where two decimals of hours would be zeros, it says how many seconds."""
    assert words.hours(0) == "0.00 h"
    assert words.hours(12 * 1_000_000) == "12 s"
    assert words.hours(1) == words.length(1) == "under 1 s"
    assert words.signed_hours(-12 * 1_000_000) == "\N{MINUS SIGN}12 s"
    assert words.signed_hours(0) == "0.00 h"
    assert words.signed_hours(-3_600_000_000) == "\N{MINUS SIGN}1.00 h"


@pytest.mark.parametrize(
    ("part", "share"),
    [(0, "0"), (1, "1"), (345, "35"), (999, "99"), (1000, "100"), (1920, "192")],
)
def test_a_share_is_nothing_or_all_only_when_it_is_exactly_that(
    part: int, share: str
) -> None:
    """And more than all where more is used than there is; of nothing it is nothing."""
    assert words.share(part, 1000) == words.percent(share)
    assert words.share(0, 0) == words.percent("0")


@pytest.mark.parametrize(
    ("burn", "told"),
    [(0.0, "none used"), (0.004, "burn under 0.01"), (1.915, "burn\u00a01.92")],
)
def test_a_budget_of_which_a_little_is_used_is_not_told_as_untouched(
    burn: float, told: str
) -> None:
    """Only where nothing is used does it say so."""
    assert words.burn(burn) == told


@pytest.mark.parametrize(
    ("why", "told"),
    [
        (
            "nothing of month:2026-08 is kept: polls are kept since"
            " 2026-10-21 03:00:00.5 UTC",
            "nothing of August 2026 is kept: polls are kept since"
            " Wed 21 Oct 2026 03:00 UTC",
        ),
        ("nothing of year:2027 is kept", "nothing of 2027 is kept"),
        ("nothing of day:2026-10-31 is kept", "nothing of Sat 31 Oct 2026 is kept"),
        (
            "nothing of week:2026-W44 is kept",
            "nothing of Mon 26 Oct 2026 – Sun 1 Nov 2026 is kept",
        ),
        (
            "nothing of 2026-10-01..2026-10-02 is kept",
            "nothing of Thu 1 Oct 2026 – Fri 2 Oct 2026 is kept",
        ),
        ("nothing of last-month is known", "nothing of last month is known"),
        ("partition 3 had no owner", "partition 3 had no owner"),
    ],
)
def test_a_reason_on_a_page_names_periods_in_words(why: str, told: str) -> None:
    """As everything else on the page does; the API and the commands keep the names."""
    assert reason_words(why) == told


def test_a_date_that_was_sent_has_its_weekday_beside_it() -> None:
    """Also a local time; what is none has none."""
    assert words.weekday_of("2025-05-06") == "Tuesday"
    assert words.weekday_of("2025-05-06T23:59:59") == "Tuesday"
    assert words.weekday_of("") == words.weekday_of("tomorrow") == ""


def test_days_of_a_week_that_are_equal_are_one_row() -> None:
    """Those that follow each other; a day without an opening is closed."""
    rows = [
        {"dayOfWeek": day, "start_time_local": "09:00", "end_time_local": "17:00"}
        for day in (0, 1, 3)
    ]
    assert list(week_rows(parse_hours(rows))) == [
        ("Mon–Tue", "09:00–17:00"),
        ("Wed", "closed"),
        ("Thu", "09:00–17:00"),
        ("Fri–Sun", "closed"),
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("no such zone", "No such zone."),
        ("nothing is kept.", "Nothing is kept."),
        ("did you mean Europe/Berlin?", "Did you mean Europe/Berlin?"),
    ],
)
def test_a_reason_is_a_sentence_that_ends_once(text: str, told: str) -> None:
    """On a page as in the API: with a full stop, or with the mark of its question."""
    assert reason_sentence(text) == told
    assert words.sentence(text).lower() == told.lower()
