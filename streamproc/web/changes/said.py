"""A change in words, and a fact, out of the fields of its record. Pure."""

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from streamproc.web.acting.editors import DAYS, day_text, openings_text
from streamproc.web.words import number, percent

Row = Mapping[str, Any]

DOOR_WORDS = {
    "topic": "a producer",
    "api": "the API",
    "page": "a page",
    "load": "a file",
}
"""Who it was, of who does not say his name, by the doors."""

NOTHING, ALWAYS = "nothing", "open 24x7"


def change_words(kinds: list[str], stores: int, of_all: bool, name: str) -> str:
    """What was changed, and of whom; ``name``: of its store, where it is one only."""
    what = " and ".join(kind.replace("-", " ") for kind in kinds)
    if of_all:
        return f"{what} of all stores"
    if stores == 1 and name:
        return f"{what} of {name}"
    return f"{what} of {number(stores)} store{'' if stores == 1 else 's'}"


def fact_words(kind: str, row: Row | None) -> str:
    """What a fact says; ``kind`` as the API names it, no row: there is none."""
    return NOTHING if row is None else _SAID[kind](row)


def _hours(row: Row) -> str:
    since = f"from {row['valid_from']} on: " if "valid_from" in row else ""
    return since + (_week(row["hours"]) or ALWAYS)


def _week(rows: list[Row]) -> str:
    """The days of a week, those that follow each other and are alike as one."""
    if not rows:
        return ""
    texts = [day_text(rows, number) for number in range(len(DAYS))]
    alike = [
        (text, [number for number, _ in days])
        for text, days in groupby(enumerate(texts), lambda day: day[1])
    ]
    return "; ".join(f"{_days(days)} {text}" for text, days in alike)


def _days(numbers: list[int]) -> str:
    first, last = DAYS[numbers[0]], DAYS[numbers[-1]]
    return first if first == last else f"{first}–{last}"


def _zone(row: Row) -> str:
    return str(row["timezone_str"])


def _special_hours(row: Row) -> str:
    return _with_note(openings_text(row["openings"]), row)


def _exclusion(row: Row) -> str:
    begin = row.get("from") or row["from_local"]
    end = row.get("to") or row["to_local"]
    withdrawn = ", withdrawn" if row.get("withdrawn") else ""
    return _with_note(f"{row['kind']} {begin} to {end}{withdrawn}", row)


def _labels(row: Row) -> str:
    labels = [f"{name}={value}" for name, value in row["labels"].items()]
    target = [f"target {percent(row['target'])}"] if "target" in row else []
    name = [row["name"]] if "name" in row else []
    return ", ".join([*name, *labels, *target]) or "no labels"


def _with_note(text: str, row: Row) -> str:
    return f"{text} ({row['note']})" if row.get("note") else text


_SAID = {
    "hours": _hours,
    "zone": _zone,
    "special-hours": _special_hours,
    "exclusions": _exclusion,
    "labels": _labels,
}
