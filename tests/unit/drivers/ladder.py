"""The ladder of drivers: criteria, what each `ladder.toml` shows, and the table in drivers/README.md.

`python -m tests.unit.drivers.ladder` writes the table anew.
"""

import ast
import importlib
import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from drivers.wires import twin_line, vpcd_line

ROOT = Path(__file__).parents[3]
README = ROOT / "drivers" / "README.md"
BEGIN, END = "<!-- ladder: generated -->", "<!-- end of ladder -->"


class Criterion(msgspec.Struct, frozen=True):
    """One thing a driver can show, on the rung that needs it."""

    key: str
    rung: str
    words: str


RUNGS = ("bronze", "silver", "gold")
CRITERIA = (
    Criterion("pure", "bronze", "the protocol is pure, and its bytes are those of the manuals"),
    Criterion("fuzz", "bronze", "any bytes at all give values or errors of the tree, in bounded memory"),
    Criterion("contract", "bronze", "keeps its port's promises (tests/contract/test_ports.py)"),
    Criterion("words", "bronze", "every fault has words and a next step in both languages"),
    Criterion("wire", "silver", "works against its twin over the real kind of line"),
    Criterion("faults", "silver", "every fault switch of the twin has a test"),
    Criterion("replug", "silver", "comes back after the plug or the power was out"),
    Criterion("process", "silver", "the twin runs as a process that can be played"),
    Criterion(
        "replay",
        "gold",
        "a recorded conversation is replayed to it (its twin's, until there is one of hardware)",
    ),
    Criterion("hardware", "gold", "used with real hardware of two makers"),
)


class Ladder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One `ladder.toml`."""

    name: str
    device: str
    evidence: dict[str, str]

    @property
    def rung(self) -> str:
        """The highest rung with everything below it shown."""
        reached = "none"
        for rung in RUNGS:
            if any(mark.key not in self.evidence for mark in CRITERIA if mark.rung == rung):
                break
            reached = rung
        return reached


def ladders() -> dict[str, Ladder]:
    """Every device folder's ladder, by folder name."""
    files = sorted((ROOT / "drivers" / "devices").glob("*/ladder.toml"))
    return {
        file.parent.name: msgspec.convert(tomllib.loads(file.read_text("utf-8")), Ladder) for file in files
    }


def is_test(evidence: str) -> bool:
    """Whether `file::function` names a test that is there."""
    path, _, function = evidence.partition("::")
    if not (ROOT / path).is_file():
        return False
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return any(
        node.name == function
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def switches(name: str) -> Mapping[str, str]:
    """The fault switches of a driver's twin, and what each does: its own, else those of its line."""
    twin = importlib.import_module(f"drivers.devices.{name}.virtual")
    line = vpcd_line if hasattr(twin, "CardLine") else twin_line
    found: Mapping[str, str] = getattr(twin, "FAULTS", line.FAULTS)
    return found


def pushed(evidence: str) -> set[str]:
    """The values that the test `file::function` is run with, one after the other."""
    path, _, function = evidence.partition("::")
    test = getattr(importlib.import_module(path.removesuffix(".py").replace("/", ".")), function)
    marks = [mark for mark in test.pytestmark if mark.name == "parametrize"]
    return {value for mark in marks for value in mark.args[1] if isinstance(value, str)}


def table() -> str:
    """The Markdown between the marks in drivers/README.md."""
    rows = ["| driver | device | rung | shown | not shown yet |", "|---|---|---|---|---|"]
    for folder, ladder in ladders().items():
        lacking = [mark.key for mark in CRITERIA if mark.key not in ladder.evidence]
        shown = f"{len(CRITERIA) - len(lacking)} of {len(CRITERIA)}"
        rows.append(
            f"| `{folder}` | {ladder.device} | {ladder.rung} | {shown} | {', '.join(lacking) or '–'} |"
        )
    rows += ["", "| criterion | rung | what it means |", "|---|---|---|"]
    rows += [f"| {mark.key} | {mark.rung} | {mark.words} |" for mark in CRITERIA]
    rows += ["", "| driver | fault switches of its twin, each pushed by a test |", "|---|---|"]
    rows += [f"| `{folder}` | {', '.join(switches(folder))} |" for folder in ladders()]
    return "\n".join(rows)


def with_table(text: str) -> str:
    """The README with the table as it should be."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    README.write_text(with_table(README.read_text("utf-8")), "utf-8")
