"""Rule 8: what can be added is a row in a table one can read, and a file without its row is an offence."""

import ast
import re
from collections.abc import Mapping

from tests.unit.tidy.source import Function, nodes_in, parse

VERBS = {"get", "post", "put", "patch", "delete", "route", "head", "websocket", "sse"}
DEVICE_FILES = {"protocol.py", "driver.py", "virtual.py"}
MIGRATION = re.compile(r"(?P<folder>.*/migrations)/(?P<number>\d{4})_[a-z0-9_]+\.sql$")

Files = Mapping[str, str]


def devices_have_rows(files: Files) -> list[str]:
    """Every folder of `drivers/devices` has its three files and a row in `drivers/registry.py`."""
    registry = files.get("drivers/registry.py", "")
    folders: dict[str, set[str]] = {}
    for path in files:
        folder, _, file = path.removeprefix("drivers/devices/").partition("/")
        if path.startswith("drivers/devices/") and file:
            folders.setdefault(folder, set()).add(file)
    found = [
        f"drivers/devices/{name}: no row in drivers/registry.py" for name in folders if name not in registry
    ]
    for name, held in folders.items():
        found += [f"drivers/devices/{name}: no {missing}" for missing in sorted(DEVICE_FILES - held)]
    return found


def has_routes(text: str) -> bool:
    """Whether a module defines HTTP handlers (functions decorated with a verb of litestar)."""
    for node in parse(text).body:
        if isinstance(node, Function):
            marks = [mark.func if isinstance(mark, ast.Call) else mark for mark in node.decorator_list]
            if any(ast.unparse(mark).rsplit(".", 1)[-1] in VERBS for mark in marks):
                return True
    return False


def routes_have_rows(folder: str, files: Files) -> list[str]:
    """Every module with handlers under `edge/pages`, `edge/api`, … is named in the folder's table ROUTES."""
    modules = {
        path: text for path, text in files.items() if path.startswith(f"{folder}/") and path.endswith(".py")
    }
    tables = [text for text in modules.values() if re.search(r"^(ROUTES|PAGES)\b.*=", text, re.MULTILINE)]
    joined = "\n".join(tables)
    found = []
    for path, text in modules.items():
        stem = path.rsplit("/", 1)[-1].removesuffix(".py")
        if has_routes(text) and text not in tables and not re.search(rf"\b{stem}\b", joined):
            found.append(f"{path}: has handlers and no row in the table ROUTES of {folder}")
    return found


def kinds_are_in_the_table(path: str, text: str, known: frozenset[str]) -> list[str]:
    """Every entry kind named in code (`kind("access.answered")`) is a row of `sync/messages/registry.py`."""
    found = []
    for node in nodes_in(text):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rsplit(".", 1)[-1] == "kind" and node.args:
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str) and first.value not in known:
                found.append(f"{path}:{node.lineno}: no entry kind is called {first.value!r}")
    return found


def migrations_have_no_gap(files: Files) -> list[str]:
    """Migrations of a folder are numbered 0001, 0002, … without gap or double."""
    folders: dict[str, list[int]] = {}
    for path in files:
        if match := MIGRATION.match(path):
            folders.setdefault(match["folder"], []).append(int(match["number"]))
    return [
        f"{folder}: migrations are numbered {sorted(numbers)}, not 1 to {len(numbers)}"
        for folder, numbers in folders.items()
        if sorted(numbers) != list(range(1, len(numbers) + 1))
    ]


def jobs_stand_in_one_table(path: str, text: str) -> list[str]:
    """Periodic jobs are added in the `schedule` module only."""
    if path.startswith("tests/") or "/schedule" in path:
        return []
    return [
        f"{path}:{node.lineno}: a periodic job is a row of schedule.py"
        for node in nodes_in(text)
        if isinstance(node, ast.Attribute) and node.attr == "add_job"
    ]
