"""The style sheet and what writes its classes stay in step."""

import re
from pathlib import Path

import pytest

import streamproc.web
from streamproc.web import words
from streamproc.web.templating import STATE_WORDS, environment

WEB = Path(streamproc.web.__file__).parent
SHEETS = sorted((WEB / "static" / "css").glob("*.css"))

ATTRIBUTE = re.compile(r"""\bclass(?:Name)?\s*=\s*(?:"([^"]*)"|'([^']*)')""")
JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
LITERAL = re.compile(r"""["']([^"'<>{}]*)["']""")
SELECTOR = re.compile(r"([^{};]+)\{")
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
CLASS = re.compile(r"\.(-?[A-Za-z_][\w-]*)")

WITHOUT_STYLE = frozenset({"excluded", "stores"})
"""A state whose picture has its own fill and whose chip is plain; a table's name."""


def classes_of(sheet: str) -> set[str]:
    """Every class that a selector of a sheet names."""
    selectors = SELECTOR.findall(COMMENT.sub("", sheet))
    return {name for selector in selectors for name in CLASS.findall(selector)}


def class_attributes(source: str) -> list[str]:
    """What stands in each ``class`` of a template or a script, Jinja and all."""
    # A quote within an expression does not end the attribute.
    plain = JINJA.sub(lambda found: found[0].replace('"', "'"), source)
    return ["".join(found) for found in ATTRIBUTE.findall(plain)]


def written_as_such(source: str) -> set[str]:
    """Classes that are written whatever the data are."""
    found = (JINJA.sub("\0", each) for each in class_attributes(source))
    return {word for each in found for word in each.split() if "\0" not in word}


def literals(source: str) -> set[str]:
    """Words of every literal; a class may be handed on before it is written."""
    return {word for text in LITERAL.findall(source) for word in text.split()}


def sources(*patterns: str) -> str:
    """The text of files of the web."""
    files = (file for pattern in patterns for file in sorted(WEB.glob(pattern)))
    return "\n".join(file.read_text() for file in files)


def all_classes() -> set[str]:
    """Those of all sheets."""
    return {name for sheet in SHEETS for name in classes_of(sheet.read_text())}


def dead(sheet: str, written: str) -> set[str]:
    """Classes of a sheet that nothing writes."""
    known = written_as_such(written) | literals(written)
    return classes_of(sheet) - known


def unknown(written: str, known: set[str]) -> set[str]:
    """Classes that are written, and that no sheet knows."""
    return written_as_such(written) - known - WITHOUT_STYLE


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda path: path.name)
def test_every_class_of_the_sheet_is_written_somewhere(sheet: Path) -> None:
    """By a template, the script or what draws pictures: no rule is dead."""
    written = sources("templates/*.html", "static/app.js", "**/*.py")
    assert dead(sheet.read_text(), written) == set()


def test_every_class_that_is_written_is_one_of_the_sheet() -> None:
    """A name that is misspelt, or whose rule is gone, does not stay behind."""
    assert unknown(sources("templates/*.html", "static/app.js"), all_classes()) == set()


PAPER = ("report_page", "store_sheet")


def reaching(sheet: str, pages: str) -> set[str]:
    """What a sheet says of things on pages without naming itself first."""
    selectors = (
        selector.strip()
        for block in SELECTOR.findall(COMMENT.sub("", sheet))
        for selector in re.split(r",(?![^(]*\))", block)
        if not block.strip().startswith("@")
    )
    found = {
        selector
        for selector in selectors
        if not selector.startswith((".sheet", ".paper")) and CLASS.search(selector)
    }
    return {
        each for each in found if set(CLASS.findall(each)) <= written_as_such(pages)
    }


def test_what_is_said_of_paper_does_not_reach_the_pages() -> None:
    """A table of the same name there keeps all of its columns on a phone."""
    sheet = (WEB / "static" / "css" / "sheet.css").read_text()
    pages = "".join(
        file.read_text()
        for file in sorted((WEB / "templates").glob("*.html"))
        if file.stem not in PAPER
    )
    assert reaching(sheet, pages) == set()
    assert reaching(".worst td:is(.a, .b) { }", '<i class="worst a b">') != set()


def test_a_dead_and_a_misspelt_class_are_seen() -> None:
    """So that the two tests above can fail."""
    page = '<p class="card {{ "bad" if down else "" }} crad {{ state }}-x">'
    assert dead(".card .bad { } @media print { .gone:hover > b { } }", page) == {"gone"}
    assert unknown(page, {"card"}) == {"crad"}


def test_a_count_of_nothing_is_calm() -> None:
    """That no store is down is no alarm; that one is, is red."""
    module = (
        environment()
        .get_template("macros.html")
        .make_module({"state_words": STATE_WORDS, "words": words})
    )
    classes = [
        class_attributes(str(module.state_link("down", count, "/stores")))[0]  # type: ignore[attr-defined]
        for count in (0, 1)
    ]
    assert classes == ["chip zero", "chip down"]
