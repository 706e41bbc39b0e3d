"""How what is known of stores looks in the pages of the tables."""

import pytest

from streamproc.rules.exclusions import Exclusion
from streamproc.rules.schedule import Opening
from streamproc.rules.special_hours import SpecialHours
from streamproc.web.tables import entries
from tables import exclusions, special_hours
from tables.facts import encode_day, encode_key


@pytest.mark.parametrize(
    ("name", "key", "shown"),
    [
        ("hours", encode_key(b"a"), ("a", "a")),
        ("hours", encode_key(b"a", encode_day(20_000)), ("a · 2024-10-04", "a")),
        ("special_hours", encode_key(b"*", encode_day(0)), ("* · 1970-01-01", None)),
        ("exclusions", encode_key(b"a", b"m-1"), ("a · m-1", "a")),
    ],
)
def test_the_key_of_a_fact_is_shown_in_words(
    name: str, key: bytes, shown: tuple[str, str | None]
) -> None:
    """With its date or id; what is of all stores leads to no store."""
    assert entries._key(name, key) == shown


def test_special_hours_and_exclusions_are_shown_decoded() -> None:
    """In short, as people write them."""
    value = special_hours.encode(SpecialHours(0, (Opening(0, 36_000, 54_000),)))
    assert entries._DECODERS["special_hours"](value)[0] == "10:00–15:00"
    closed = special_hours.encode(SpecialHours(0, ()))
    assert entries._DECODERS["special_hours"](closed)[0] == "closed"
    gone = exclusions.encode(Exclusion("m", "maintenance", 0, 1, withdrawn=True))
    assert entries._DECODERS["exclusions"](gone)[0] == "maintenance, withdrawn"
