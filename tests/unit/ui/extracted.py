"""What templates say: the texts they mark, the names they use, the addresses they mention."""

import re
from functools import cache
from pathlib import Path

from jinja2 import Environment, nodes
from jinja2.ext import extract_from_ast
from jinja2.meta import find_referenced_templates, find_undeclared_variables

from edge.pages import screen
from ui import look

UI = Path(look.__file__).parent / "templates"
EDGE = Path(screen.__file__).parent / "templates"
ENVIRONMENT = look.environment(EDGE)


@cache
def templates() -> list[str]:
    """Every template of the hall and of the shared look, as the loader names it."""
    return [name for name in ENVIRONMENT.list_templates() if name.endswith(".html")]


def source(name: str) -> str:
    assert ENVIRONMENT.loader is not None
    return ENVIRONMENT.loader.get_source(ENVIRONMENT, name)[0]


@cache
def parsed(name: str) -> nodes.Template:
    return ENVIRONMENT.parse(source(name))


@cache
def messages(name: str) -> tuple[tuple[int, str], ...]:
    """(line, text) of every `_()` of a template."""
    found = extract_from_ast(parsed(name), gettext_functions=("_",))
    return tuple(
        (line, text if isinstance(text, str) else (text or ("",))[0] or "") for line, _, text in found
    )


def loose_chinese(name: str) -> list[str]:
    """Chinese that a template says without marking it, outside comments and the help pages."""
    text = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "", source(name), flags=re.DOTALL)
    return re.findall(r"[\u4e00-\u9fff]+", text)


def names_used(name: str, seen: frozenset[str] = frozenset()) -> set[str]:
    """Every context name a template needs, with those it extends and includes (not imported macros)."""
    tree = parsed(name)
    used = set(find_undeclared_variables(tree)) - _declared(tree)
    brought = [node.template for node in tree.find_all(nodes.Import)]
    brought += [node.template for node in tree.find_all(nodes.FromImport)]
    imported = {template.as_const() for template in brought}
    for other in find_referenced_templates(tree):
        if other and other not in imported | seen:
            used |= names_used(other, seen | {name})
    return used - set(ENVIRONMENT.globals)


def _declared(tree: nodes.Template) -> set[str]:
    """Names a template brings itself: imports, macros, assignments (blocks see those of the top)."""
    names = {node.target for node in tree.find_all(nodes.Import)} | {
        node.name for node in tree.find_all(nodes.Macro)
    }
    for imported in tree.find_all(nodes.FromImport):
        names |= {part if isinstance(part, str) else part[1] for part in imported.names}
    return names


def fresh_environment() -> Environment:
    return look.environment(EDGE)
