"""Rules 5 and 11: errors are caught by name; every wait, queue, loop and task has a limit and an owner."""

import ast
from collections.abc import Iterator

from tests.unit.tidy.allowed import ENDLESS, LIMITED_ELSEWHERE, SUPERVISORS, TASK_OWNERS
from tests.unit.tidy.source import (
    allowed,
    calls,
    calls_in,
    classes,
    functions,
    nodes_in,
    number,
    parse,
    place,
)

BROAD = {"Exception", "BaseException"}
QUEUES = {"Queue", "LifoQueue", "PriorityQueue"}
STARTERS = {"create_task", "ensure_future"}
TABLES = "tests/unit/tidy/allowed.py"
LIMIT_WORDS = ("timeout", "deadline", "limit")
LIMIT_UNITS = ("_s", "_ms")


def errors_are_caught_by_name(path: str, text: str) -> list[str]:
    """`except Exception` and bare `except` only in a named supervisor, or to clean up and raise again."""
    return [
        f"{path}:{node.lineno}: only a named supervisor catches everything"
        for node in nodes_in(text)
        if isinstance(node, ast.ExceptHandler)
        and broad(node)
        and not _raises_again(node)
        and not _in(SUPERVISORS, path, text, node)
    ]


def broad(node: ast.ExceptHandler) -> bool:
    """Whether an except clause catches everything."""
    if node.type is None:
        return True
    kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
    return any(ast.unparse(kind) in BROAD for kind in kinds)


def _raises_again(node: ast.ExceptHandler) -> bool:
    last = node.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def one_error_tree(path: str, text: str) -> list[str]:
    """Exceptions are born in `errors.py` only, and its docstring draws every one of them."""
    if path.startswith("tests/") or path == "yizhan_verify.py":
        return []
    if path.endswith("/errors.py"):
        drawn = ast.get_docstring(parse(text)) or ""
        return [
            f"{path}:{node.lineno}: the docstring's tree does not show {name}"
            for name, node in classes(text)
            if name not in drawn
        ]
    return [
        f"{path}:{node.lineno}: {name} is an error and belongs in errors.py"
        for name, node in classes(text)
        if any(_is_error(ast.unparse(base), text) for base in node.bases)
    ]


def _is_error(base: str, text: str) -> bool:
    if base in BROAD or base.endswith(("Error", "Exception", "Warning")):
        return True
    tree = parse(text)
    born = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").endswith(".errors")
    ]
    return any(base == (alias.asname or alias.name) for node in born for alias in node.names)


def loops_end(path: str, text: str) -> list[str]:
    """`while True` awaits something with a timeout, or is in the table with who ends it."""
    return [
        f"{path}:{node.lineno}: an endless loop awaits with a timeout, or has an owner in {TABLES}"
        for node in nodes_in(text)
        if isinstance(node, ast.While)
        and isinstance(node.test, ast.Constant)
        and not limited(node)
        and not _in(ENDLESS, path, text, node)
    ]


def limited(node: ast.AST) -> bool:
    """Whether a piece of code awaits something that carries a timeout."""
    if any(isinstance(inner, ast.AsyncWith) and _names_limit(inner.items) for inner in ast.walk(node)):
        return True
    awaits = [inner.value for inner in ast.walk(node) if isinstance(inner, ast.Await)]
    return any(_call_has_limit(call) for wait in awaits for _, call in calls(wait))


def _names_limit(parts: list[ast.withitem]) -> bool:
    return any("timeout" in ast.unparse(part.context_expr) for part in parts)


def _call_has_limit(call: ast.Call) -> bool:
    name = ast.unparse(call.func)
    if name.endswith(("wait_for", ".sleep")):
        return True
    spoken = [keyword.arg or "" for keyword in call.keywords] + [ast.unparse(arg) for arg in call.args]
    return any(word in text for text in spoken for word in LIMIT_WORDS) or any(
        text.lower().endswith(LIMIT_UNITS) for text in spoken
    )


def queues_push_back(path: str, text: str) -> list[str]:
    """Every queue has a size after which it pushes back."""
    return [
        f"{path}:{call.lineno}: {name}() needs maxsize"
        for name, call in calls_in(text)
        if name.rsplit(".", 1)[-1] in QUEUES | {"SimpleQueue"} and not _has_size(name, call)
    ]


def _has_size(name: str, call: ast.Call) -> bool:
    sizes = [*call.args[:1], *(word.value for word in call.keywords if word.arg == "maxsize")]
    return not name.endswith("SimpleQueue") and bool(sizes) and number(sizes[0]) not in {0, -1}


def tasks_have_owners(path: str, text: str) -> list[str]:
    """Tasks start in a TaskGroup, in a function that awaits them, or where the table names who ends them."""
    groups = set(group_names(text))
    groups |= {
        ast.unparse(node.targets[0])
        for node in nodes_in(text)
        if isinstance(node, ast.Assign) and ast.unparse(node.value) in groups
    }
    found, awaited = [], set(_awaited_here(text))
    for name, call in calls_in(text):
        owner, _, verb = name.rpartition(".")
        if verb not in STARTERS or owner in groups or id(call) in awaited:
            continue
        if not _in(TASK_OWNERS, path, text, call):
            found.append(f"{path}:{call.lineno}: {name} outside a TaskGroup: name its owner in {TABLES}")
    return found


def _awaited_here(text: str) -> Iterator[int]:
    """Ids of the calls whose task a name holds that the same function awaits (alone or in a call)."""
    for _, function in functions(text):
        inner = list(ast.walk(function))
        waits = [node.value for node in inner if isinstance(node, ast.Await)]
        named = {one.id for wait in waits for one in ast.walk(wait) if isinstance(one, ast.Name)}
        for node in inner:
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call() as call) if name in named:
                    yield id(call)
                case _:
                    pass


def group_names(text: str) -> Iterator[str]:
    """Names that hold a TaskGroup: `async with TaskGroup() as g`, `g: TaskGroup`, `self.g = TaskGroup()`."""
    for node in nodes_in(text):
        match node:
            case ast.AsyncWith(items=parts):
                yield from (
                    ast.unparse(part.optional_vars)
                    for part in parts
                    if part.optional_vars is not None and "TaskGroup" in ast.unparse(part.context_expr)
                )
            case ast.arg(arg=name, annotation=ast.expr() as kind) if "TaskGroup" in ast.unparse(kind):
                yield name
            case ast.AnnAssign(target=target, annotation=kind) if "TaskGroup" in ast.unparse(kind):
                yield ast.unparse(target)
                yield f"self.{ast.unparse(target)}"
            case ast.Assign(targets=[target], value=value) if "TaskGroup" in ast.unparse(value):
                yield ast.unparse(target)
            case _:
                pass


def waits_have_limits(path: str, text: str) -> list[str]:
    """`subprocess.run` and joins say how long they wait."""
    found = []
    inside = {id(call) for call in _calls_under_timeout(text)}
    for name, call in calls_in(text):
        spoken = {word.arg for word in call.keywords}
        blocking = name in {"subprocess.run", "subprocess.check_output", "subprocess.check_call"}
        joining = (
            name.endswith((".join", ".communicate")) and not call.args and not isinstance(call.func, ast.Name)
        )
        limit = "timeout" in spoken or id(call) in inside
        if (blocking or joining) and not limit and not _in(LIMITED_ELSEWHERE, path, text, call):
            found.append(f"{path}:{call.lineno}: {name} says how long it waits (timeout=)")
    return found


def _calls_under_timeout(text: str) -> Iterator[ast.Call]:
    for node in nodes_in(text):
        if isinstance(node, ast.AsyncWith) and _names_limit(node.items):
            yield from (call for _, call in calls(node))


def _in(table: dict[str, str], path: str, text: str, node: ast.stmt | ast.expr | ast.ExceptHandler) -> bool:
    return allowed(table, place(path, text, node.lineno))
