"""Reads the texts that templates mark for translation."""

import re
from functools import cache
from pathlib import Path

from jinja2 import Environment, nodes

from central.pages.screens import TEMPLATES

CHINESE = re.compile(r"[\u4e00-\u9fff]")
HOLES = re.compile(r"\{(\w+)\}")


@cache
def marked(folder: Path = TEMPLATES) -> dict[str, list[str]]:
    """Text → the templates that show it, of every `_("…")`."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("*.html")):
        tree = Environment(autoescape=True).parse(path.read_text("utf-8"))
        for call in tree.find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name == "_" and call.args:
                assert isinstance(call.args[0], nodes.Const), f"{path.name}: _() takes a text, not a value"
                found.setdefault(str(call.args[0].value), []).append(path.name)
    return found


def unmarked(path: Path) -> list[str]:
    """Chinese that stands in a template outside `_("…")` and outside comments."""
    tree = Environment(autoescape=True).parse(path.read_text("utf-8"))
    texts = [part.data for part in tree.find_all(nodes.TemplateData)]
    return [text.strip() for text in texts if CHINESE.search(text)]
