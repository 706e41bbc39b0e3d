"""Every promise of the documents has a test: those of their tables and rules.

Which one stands in ``tests/promises.txt``. Who adds a row or a rule there adds a test,
and names it here.
"""

import re
from itertools import takewhile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RELIED_ON = ("## What the program relies on", "## Security")

Held = dict[str, list[str]]
"""Tests by how the promise that they hold begins."""


def register() -> dict[tuple[str, str], Held]:
    """The promises, by document and place."""
    found: dict[tuple[str, str], Held] = {}
    held: Held = {}
    tests: list[str] = []
    for line in (ROOT / "tests" / "promises.txt").read_text().splitlines():
        if match := re.match(r"\[(\w+)\] (.+)", line):
            held = found.setdefault((match[1], match[2]), {})
        elif line.startswith("    "):
            tests.append(line.strip())
        elif line and not line.startswith("#"):
            tests = held.setdefault(line, [])
    return found


def promised(document: str, place: str) -> list[str]:
    """The promises that stand at a place of a document, as they begin."""
    path = "README.md" if document == "README" else f"docs/{document}.md"
    text = (ROOT / path).read_text()
    if place == "##":
        return re.findall(r"^## (.+)", text, re.M)
    if place == "**":
        return re.findall(r"^\*\*([^*]+)\*\*", text, re.M)
    if place == "*":
        begin, end = RELIED_ON
        listed = text.split(begin)[1].split(end)[0]
        return re.findall(r"^\* (.+)", listed, re.M)
    table = text[text.index(f"\n{place}") + 1 :].splitlines()
    lines = list(takewhile(lambda line: line.startswith("|"), table))
    cells = [re.split(r"(?<!\\) \| ?", line.strip("| ")) for line in lines[2:]]
    return [row[0].replace("**", "") for row in cells]


def names_in(path: str) -> set[str]:
    """The names of the tests of a file."""
    text = (ROOT / "tests" / path).read_text()
    return set(re.findall(r"^(?:async )?def test_(\w+)\(", text, re.M))


@pytest.mark.parametrize(("document", "place"), register())
def test_every_promise_is_registered(document: str, place: str) -> None:
    """Each begins as one of those that are, and none of them is left over."""
    held = register()[document, place]
    of_each = {
        each: [key for key in held if each.startswith(key)]
        for each in promised(document, place)
    }
    assert [each for each, keys in of_each.items() if len(keys) != 1] == []
    assert {keys[0] for keys in of_each.values()} == set(held)


@pytest.mark.parametrize(("document", "place"), register())
def test_the_tests_that_hold_a_promise_exist(document: str, place: str) -> None:
    """At least one each, under the name that is registered."""
    for key, tests in register()[document, place].items():
        assert tests, key
        for path, _, name in (each.partition("::") for each in tests):
            assert name in names_in(path), f"{path}::{name}"
