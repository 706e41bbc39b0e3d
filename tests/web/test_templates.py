"""Every template can be read, and says what it takes from where and nothing more."""

from collections.abc import Iterator
from pathlib import Path

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
