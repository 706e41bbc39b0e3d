"""Every template can be read, and says what it takes from where and nothing more."""

import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from jinja2 import nodes

import streamproc.web
from streamproc.web.templating import environment

TEMPLATES = Path(streamproc.web.__file__).parent / "templates"
NAMES = sorted(path.name for path in TEMPLATES.iterdir())


def parsed(name: str) -> nodes.Template:
    """A template as Jinja reads it."""
    return environment().parse((TEMPLATES / name).read_text(), name)


def imports(name: str) -> Iterator[tuple[str, str]]:
    """What a template imports: from which one, and the macro's name."""
    for found in parsed(name).find_all(nodes.FromImport):
        assert isinstance(found.template, nodes.Const)
        for macro in found.names:
            yield found.template.value, macro if isinstance(macro, str) else macro[0]


def macros(name: str) -> set[str]:
    """The macros that a template defines."""
    return {macro.name for macro in parsed(name).find_all(nodes.Macro)}


def used(name: str) -> set[str]:
    """Every name that a template reads."""
    return {
        found.name for found in parsed(name).find_all(nodes.Name) if found.ctx == "load"
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_template_compiles(name: str) -> None:
    """Also one that no other test renders: else its page is an error 500."""
    assert environment().get_template(name).name == name


@pytest.mark.parametrize("name", NAMES)
def test_what_a_template_imports_exists_and_is_used(name: str) -> None:
    """Jinja notices a macro that is not there only when it is called."""
    for source, macro in imports(name):
        assert macro in macros(source), f"{source} has no macro {macro}"
        assert macro in used(name), f"{macro} is imported and not used"


def test_every_macro_is_used() -> None:
    """By the template that defines it or by one that imports it."""
    everywhere = {macro for name in NAMES for macro in used(name)}
    unused = {macro for name in NAMES for macro in macros(name)} - everywhere
    assert not unused


def told_of_a_preview(week_down_us: int, month_down_us: int) -> str:
    """What is said of a change that ends with so much down time, of an hour each."""
    hour = 3_600_000_000

    def figures(down_us: int) -> dict[str, int]:
        return {"up_us": 1999 * hour, "down_us": down_us, "open_us": 2000 * hour}

    preview = SimpleNamespace(
        changed=1,
        stores=1,
        before={"week": figures(hour), "month": figures(hour)},
        after={"week": figures(week_down_us), "month": figures(month_down_us)},
    )
    template = environment().get_template("acts_macros.html")
    page = str(template.module.figures_before_and_after(preview))  # type: ignore[attr-defined]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page))


def test_a_preview_says_that_the_week_stays_where_only_older_figures_change() -> None:
    """It does not go from a percentage to the same one."""
    hour = 3_600_000_000
    text = told_of_a_preview(hour, 0)
    assert "The last 7 days stay at 99.95 % ." in text
    assert "last 7 days 99.95 % same 1.00 same 2,000.00 same" in text
    assert "last 30 days 99.95 % 100.00 % 1.00 0.00 2,000.00 same" in text


def test_a_change_of_seconds_is_not_called_the_same() -> None:
    """Although two decimals of hours do not show it."""
    text = told_of_a_preview(3_600_000_000 + 1_000_000, 3_600_000_000)
    assert "last 7 days 99.95 % same 1.00 1.00 2,000.00 same" in text


def test_what_was_never_open_is_closed_and_what_nobody_saw_is_without_data() -> None:
    """A group of closed stores has no gap in its data."""
    template = environment().get_template("macros.html")
    told = [str(template.module.percent(0, 0, 98.5, opened)) for opened in (0, 1, None)]  # type: ignore[attr-defined]
    words = [re.sub(r"<[^>]*>", "", each).strip() for each in told]
    assert words == ["closed", "no data", "no data"]
