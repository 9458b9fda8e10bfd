"""Rule 12: tests are sentences; doubles are real; nobody waits by sleeping."""

import ast
import re

from tests.unit.tidy.source import calls_in, functions, nodes_in, number

SENTENCE_WORDS_MIN = 3
ROW = re.compile(r"^(f\d{3}|g\d{2})_")
PATCHERS = {"monkeypatch.setattr", "monkeypatch.delattr", "monkeypatch.setitem", "patch", "patch.object"}
SLEEPERS = {"time.sleep", "asyncio.sleep", "sleep", "anyio.sleep"}


def is_test(path: str) -> bool:
    """Whether the rules for tests apply to a path."""
    return path.startswith("tests/")


def doubles_are_real(path: str, text: str) -> list[str]:
    """No mock library, no patching of attributes."""
    if not is_test(path):
        return []
    found = [
        f"{path}:{node.lineno}: no mocks: use the virtual device, the real app, a clock that is told"
        for node in nodes_in(text)
        if isinstance(node, ast.Import | ast.ImportFrom) and _imports_mock(node)
    ]
    found += [
        f"{path}:{call.lineno}: {name} patches code: use a real double"
        for name, call in calls_in(text)
        if name in PATCHERS or name.startswith(("mocker.", "mock."))
    ]
    return found


def _imports_mock(node: ast.Import | ast.ImportFrom) -> bool:
    names = [alias.name for alias in node.names]
    module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
    return any("mock" in name.split(".") for name in [*names, module])


def tests_do_not_sleep(path: str, text: str) -> list[str]:
    """`sleep(0)` yields; anything longer is a wait without a reason: poll with a deadline."""
    if not is_test(path):
        return []
    found = []
    for name, call in calls_in(text):
        naps = name in SLEEPERS and not (call.args and number(call.args[0]) == 0)
        if naps or name.endswith(".wait_for_timeout"):
            found.append(f"{path}:{call.lineno}: {name} waits blindly: wait for the event, with a deadline")
    return found


def tests_are_sentences(path: str, text: str) -> list[str]:
    """A test's name says what holds, in at least three words beside its row."""
    if not is_test(path) or not path.rsplit("/", 1)[-1].startswith("test_"):
        return []
    return [
        f"{path}:{node.lineno}: {node.name} is no sentence"
        for _, node in functions(text)
        if node.name.startswith("test_") and _words(node.name) < SENTENCE_WORDS_MIN
    ]


def _words(name: str) -> int:
    said = name.removeprefix("test_")
    while match := ROW.match(said):
        said = said[match.end() :]
    return len([word for word in said.split("_") if word])
