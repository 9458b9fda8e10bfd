"""Which requirement rows no test carries in its name: `python -m tests.rows`."""

import ast
import re
import sys
from collections.abc import Iterable
from pathlib import Path

TESTS = Path(__file__).parent
# F001-F120 come from the source documents, G01-G42 go beyond them; the numbers are fixed.
ROWS = (*(f"F{number:03}" for number in range(1, 121)), *(f"G{number:02}" for number in range(1, 43)))
CARRIED = re.compile(r"(?<=_)([fg]\d{2,3})(?=_)")


def carried(names: Iterable[str]) -> dict[str, list[str]]:
    """Row → the tests that carry it (`test_f031_f032_…`, `test_g06_…`), rows that do not exist too."""
    found: dict[str, list[str]] = {}
    for name in names:
        for row in CARRIED.findall(name):
            found.setdefault(row.upper(), []).append(name)
    return found


def names_of_tests(root: Path) -> list[str]:
    """The name of every test function and method under a folder."""
    names = []
    for path in sorted(root.rglob("test_*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        functions = (
            node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        )
        names += [node.name for node in functions if node.name.startswith("test_")]
    return names


def report(names: Iterable[str]) -> str:
    """What is carried and what is not, for people."""
    found = carried(names)
    missing = [row for row in ROWS if row not in found]
    unknown = sorted(set(found) - set(ROWS))
    lines = [f"rows with a test: {len(ROWS) - len(missing)} of {len(ROWS)}"]
    for letter in "FG":
        held = [row for row in missing if row.startswith(letter)]
        lines.append(f"{letter} rows without a test: {len(held)}")
        lines += ["  " + " ".join(held[start : start + 16]) for start in range(0, len(held), 16)]
    if unknown:
        lines.append(f"tests that name a row that does not exist: {' '.join(unknown)}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(report(names_of_tests(TESTS)) + "\n")
