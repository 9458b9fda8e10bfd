"""Parsing once, and the small questions every check asks of a tree."""

import ast
import functools
from collections.abc import Iterator
from fnmatch import fnmatchcase

Function = ast.FunctionDef | ast.AsyncFunctionDef


@functools.lru_cache(maxsize=1024)
def parse(text: str) -> ast.Module:
    """The tree of one file's text."""
    return ast.parse(text)


@functools.lru_cache(maxsize=1024)
def functions(text: str) -> tuple[tuple[str, Function], ...]:
    """Every function with its qualified name (`Class.method`, `outer.inner`)."""
    return tuple((name, node) for name, node in _named_in(text) if isinstance(node, Function))


def classes(text: str) -> tuple[tuple[str, ast.ClassDef], ...]:
    """Every class with its qualified name."""
    return tuple((name, node) for name, node in _named_in(text) if isinstance(node, ast.ClassDef))


@functools.lru_cache(maxsize=1024)
def _named_in(text: str) -> tuple[tuple[str, ast.AST], ...]:
    return tuple(_named(parse(text), ""))


def _named(node: ast.AST, prefix: str) -> Iterator[tuple[str, ast.AST]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function | ast.ClassDef):
            yield prefix + child.name, child
            yield from _named(child, f"{prefix}{child.name}.")
        elif not isinstance(child, ast.expr):
            yield from _named(child, prefix)


def place(path: str, text: str, line: int) -> str:
    """`path::function` of the innermost function around a line, `path::` at module level."""
    best = ""
    for name, node in functions(text):
        if node.lineno <= line <= (node.end_lineno or line):
            best = name
    return f"{path}::{best}"


def allowed(table: dict[str, str], spot: str) -> bool:
    """Whether a place has a row in a table of `allowed.py`."""
    return any(fnmatchcase(spot, pattern) for pattern in table)


@functools.lru_cache(maxsize=1024)
def nodes_in(text: str) -> tuple[ast.AST, ...]:
    """Every node of a file, found once."""
    return tuple(ast.walk(parse(text)))


@functools.lru_cache(maxsize=1024)
def calls_in(text: str) -> tuple[tuple[str, ast.Call], ...]:
    """Every call of a file, found once: (dotted text of what is called, the call)."""
    return tuple((ast.unparse(node.func), node) for node in nodes_in(text) if isinstance(node, ast.Call))


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Every call with the dotted text of what is called (`asyncio.Queue`, `self.tasks.create_task`)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def number(node: ast.expr | None) -> float | None:
    """The value of a numeric literal (also of `5 * 60`), None for anything else and for booleans."""
    if (
        isinstance(node, ast.Constant)
        and isinstance(node.value, int | float)
        and not isinstance(node.value, bool)
    ):
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = number(node.operand)
        return None if inner is None else -inner
    if isinstance(node, ast.BinOp):
        left, right = number(node.left), number(node.right)
        if left is not None and right is not None:
            return left * right if isinstance(node.op, ast.Mult) else left
    return None
