"""Rule 7: the words of the house, and units last."""

import ast
import re
from collections.abc import Iterator

from tests.unit.tidy.allowed import NAMES
from tests.unit.tidy.source import classes, functions, nodes_in, number

REFUSED = {
    "service",
    "item",
    "data",
    "info",
    "manager",
    "handler",
    "helper",
    "util",
    "common",
    "base",
    "misc",
}
REFUSED_ENDINGS = ("Helper", "Helpers", "Util", "Utils", "Handler", "Misc")
UNIT_FIRST = re.compile(r"^_?(ms|sec|secs|seconds|millis|max)_", re.IGNORECASE)
UNIT_SPELLED = re.compile(r"_(seconds|secs|sec|milliseconds|millis|msec)$", re.IGNORECASE)
TIME_WORDS = {"timeout", "delay", "ttl", "duration", "elapsed", "interval", "backoff", "period", "deadline"}
NUMERIC = {"int", "float", "int | None", "float | None", "int | float"}


def words_of_the_house(path: str, text: str) -> list[str]:
    """No file, class or function is called by one of the overloaded words."""
    stem = path.rsplit("/", 1)[-1].removesuffix(".py")
    found = [] if not refused(stem) else [f"{path}:1: a file is not called {stem!r}: say what it is"]
    for name, node in [*functions(text), *classes(text)]:
        if refused(node.name):
            found.append(f"{path}:{node.lineno}: {name} is not a name of the house: say what it is")
    return found


def refused(name: str) -> bool:
    """Whether a whole name is an overloaded word (`receipt…` as its beginning too; plurals too)."""
    plain = name.strip("_").lower()
    if plain in NAMES:
        return False
    whole = plain in REFUSED or plain.removesuffix("s") in REFUSED
    return whole or plain.startswith("receipt") or name.endswith(REFUSED_ENDINGS)


def units_stand_last(path: str, text: str) -> list[str]:
    """Numbers that are times or sizes end in their unit, written short: `lease_left_s`, `entry_bytes_max`."""
    return [
        f"{path}:{line}: {name}: {why}" for name, line in numeric_names(text) if (why := unit_trouble(name))
    ]


def unit_trouble(name: str) -> str:
    """What is wrong with the name of a number, empty when nothing is."""
    if UNIT_FIRST.match(name):
        return "the unit (or max) stands last, as in wait_ms, entry_bytes_max"
    if UNIT_SPELLED.search(name):
        return "units are written short: _s, _ms, _bytes"
    if name.lower().rsplit("_", 1)[-1] in TIME_WORDS:
        return "a time ends in its unit: _ms, _s, _days"
    return ""


def numeric_names(text: str) -> Iterator[tuple[str, int]]:
    """(name, line) of every parameter or field annotated as a number, and of names of literals."""
    for node in nodes_in(text):
        match node:
            case ast.arg(arg=name, annotation=ast.expr() as kind) if ast.unparse(kind) in NUMERIC:
                yield name, node.lineno
            case ast.AnnAssign(target=ast.Name(id=name), annotation=kind) if ast.unparse(kind) in NUMERIC:
                yield name, node.lineno
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if number(value) is not None:
                yield name, node.lineno
            case _:
                pass
