"""Rules 1 and 3: one screen per function, one topic per file, packages that only name themselves."""

import ast
from math import ceil

from tests.unit.tidy.source import functions, parse

FUNCTION_LINES_MAX = 60
FUNCTION_LINES_P95 = 40
FILE_LINES_MAX = 400
FILE_LINES_MIN = 15
PERCENTILE = 95


def package_is_one_line(path: str, text: str) -> list[str]:
    """`__init__.py` is exactly one docstring line."""
    if not path.endswith("__init__.py"):
        return []
    body = parse(text).body
    only_doc = len(body) == 1 and ast.get_docstring(parse(text)) is not None
    if only_doc and len(text.splitlines()) == 1:
        return []
    return [f"{path}:1: a package file is exactly one docstring line"]


def function_lines(text: str) -> list[tuple[str, int, int]]:
    """(qualified name, first line, lines from `def` to the end) of every function."""
    return [
        (name, node.lineno, (node.end_lineno or node.lineno) - node.lineno + 1)
        for name, node in functions(text)
    ]


def functions_fit_a_screen(path: str, text: str) -> list[str]:
    """No function is longer than 60 lines."""
    return [
        f"{path}:{line}: {name} has {lines} lines, at most {FUNCTION_LINES_MAX}"
        for name, line, lines in function_lines(text)
        if lines > FUNCTION_LINES_MAX
    ]


def functions_mostly_fit_half_a_screen(package: str, texts: list[str]) -> list[str]:
    """95 of 100 functions of a package have at most 40 lines."""
    found = sorted((entry for text in texts for entry in function_lines(text)), key=lambda entry: entry[2])
    if not found:
        return []
    name, _, lines = found[ceil(len(found) * PERCENTILE / 100) - 1]
    if lines <= FUNCTION_LINES_P95:
        return []
    longest = ", ".join(f"{entry[0]} ({entry[2]})" for entry in found[-5:])
    return [f"{package}: p95 of lines is {lines} ({name}), at most {FUNCTION_LINES_P95}: {longest}"]


def file_is_one_topic(path: str, text: str) -> list[str]:
    """No file is longer than 400 lines."""
    lines = len(text.splitlines())
    return [] if lines <= FILE_LINES_MAX else [f"{path}:1: {lines} lines, at most {FILE_LINES_MAX}"]


def small_file_is_table_or_struct(path: str, text: str) -> list[str]:
    """A file under 15 lines holds only a table, a struct, or a package's docstring."""
    name = path.rsplit("/", 1)[-1]
    if len(text.splitlines()) >= FILE_LINES_MIN or name in {"__init__.py", "__main__.py"}:
        return []
    if not any(True for _ in functions(text)) and len(parse(text).body) > 1:
        return []
    return [f"{path}:1: under {FILE_LINES_MIN} lines and no table or struct: it belongs elsewhere"]
