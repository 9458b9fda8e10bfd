"""What import-linter cannot see: the verifier stands alone, and files name no machine."""

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def _imported(source: str) -> set[str]:
    """Top-level names of everything a source imports, inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").split(".")[0])
    return found


def test_the_verifier_needs_nothing_but_cryptography():
    strangers = _imported((ROOT / "yizhan_verify.py").read_text("utf-8")) - set(sys.stdlib_module_names)
    assert strangers == {"cryptography"}


def test_an_import_inside_a_function_counts():
    assert _imported("def f():\n    import sync.errors\n") == {"sync"}


def test_no_tracked_file_names_an_absolute_place_of_a_machine_or_a_registry():
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=30
    ).stdout
    fragments = ("index" + "-url =", "extra-" + "index", "/ro" + "ot/", f"{ROOT}/", "registry.npm" + "js")
    guilty = [
        f"{name}: {fragment}"
        for name in listed.splitlines()
        if (ROOT / name).is_file() and (ROOT / name).stat().st_size < 2_000_000
        for fragment in fragments
        if fragment.encode() in (ROOT / name).read_bytes()
    ]
    assert not guilty
