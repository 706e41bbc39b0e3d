"""Names and labels of a generated fleet: made-up shops in real cities. Pure."""

import random
from typing import Any

TARGET = 98.5
"""Percent of the observed time that every generated store is to be up."""

POLLERS = ("p1", "p2", "p3", "p4")
BRANDS = ("Ostelle", "Tarrowe", "Quillby", "Fennmark")
_WEIGHTS = (20, 35, 35, 10)

_CITIES: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "America/New_York": (
        ("Northeast", ("Boston", "Buffalo", "Hartford", "Queens", "Philadelphia")),
        ("Northeast", ("Brooklyn", "Providence", "Newark", "Albany", "Pittsburgh")),
        ("South", ("Atlanta", "Miami", "Charlotte", "Richmond", "Orlando")),
    ),
    "America/Los_Angeles": (
        ("West", ("Oakland", "San Diego", "Tacoma", "Seattle", "Portland")),
        ("West", ("San Jose", "Sacramento", "Fresno", "Long Beach", "Spokane")),
    ),
    "America/Chicago": (
        ("Central", ("Chicago", "Milwaukee", "Omaha", "Tulsa", "Kansas City")),
        ("South", ("Houston", "Dallas", "Austin", "Memphis", "Nashville")),
    ),
    "America/Phoenix": (("Mountain", ("Phoenix", "Tucson", "Mesa")),),
    "America/Denver": (("Mountain", ("Denver", "Boise", "Fort Collins")),),
    "Europe/London": (("UK", ("London", "Leeds", "Bristol", "Glasgow")),),
    "Australia/Adelaide": (("Australia", ("Adelaide", "Glenelg")),),
}
_DEFAULT_ZONE = "America/Chicago"
_PLACES = (
    *("Main St", "Downtown", "Airport", "Riverside", "Harbor", "Stadium", "Old Town"),
    *("Union Station", "University", "Lakeside", "West End", "Northgate", "Mall"),
    *("Market", "Hillcrest", "Parkway", "Plaza", "Crossing", "Garden", "Southgate"),
)


def labels_of(seed: int, number: int, zone: str | None) -> dict[str, Any]:
    """Name, labels and target of a store, as in a store-labels message.

    The name may be another store's, too; see ``told_apart``.
    """
    draw = random.Random(f"{seed}:{number}:name")
    region, cities = draw.choice(_CITIES[zone or _DEFAULT_ZONE])
    brand = draw.choices(BRANDS, _WEIGHTS)[0]
    return {
        "name": f"{draw.choice(cities)} {draw.choice(_PLACES)}",
        "labels": {
            "region": region,
            "brand": brand,
            "poller": POLLERS[number % len(POLLERS)],
        },
        "target": TARGET,
    }


def told_apart(labels: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Labels with names that no two stores share: the second one gets a 2."""
    seen: dict[str, int] = {}
    found = []
    for each in labels:
        count = seen[each["name"]] = seen.get(each["name"], 0) + 1
        name = each["name"] if count == 1 else f"{each['name']} {count}"
        found.append({**each, "name": name})
    return found
