"""Which copies of a table still go with their changelog."""

import pytest

from tables.rebuild import damage


@pytest.mark.parametrize(
    ("persisted", "begin", "end", "said"),
    [
        (None, 0, 0, None),
        (None, 0, 10, None),
        (None, 1, 10, "before offset 1 are gone"),
        (4, 0, 5, None),
        (4, 5, 10, None),
        (3, 5, 10, "begins at offset 5, the copy here ends at 3"),
        (5, 0, 5, "ends at offset 5, the copy here goes on to 5"),
        (0, 0, 0, "goes on to 0"),
    ],
)
def test_a_copy_must_touch_its_changelog(
    persisted: int | None, begin: int, end: int, said: str | None
) -> None:
    """A copy may be behind, as long as what it lacks is still there."""
    found = damage(persisted, begin, end)
    assert (found is None) if said is None else (said in (found or ""))
