"""Every fault section 12 names is drawn at random or shown by a test that is there."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.simulation.faults import BY_NAME
from tests.simulation.section12 import NAMED, PHRASES, Named

TESTS = Path(__file__).parents[1]


@cache
def functions_of(path: str) -> dict[str, str]:
    """The tests of a file, each with its marks."""
    tree = ast.parse((TESTS / path).read_text("utf-8"))
    functions = [one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
    return {one.name: " ".join(map(ast.unparse, one.decorator_list)) for one in functions}


def test_every_phrase_of_the_protocols_list_has_its_rows():
    text = re.sub(r"\s+", " ", PHRASES)
    for one in NAMED:
        assert one.words in text
        text = text.replace(one.words, "", 1)
    assert re.sub(r"[;,\s]", "", text) == "", f"no row for: {text}"


@pytest.mark.parametrize("one", NAMED, ids=[one.words for one in NAMED])
def test_what_shows_a_fault_is_there_and_not_given_up(one: Named):
    assert one.faults or one.tests
    assert set(one.faults.split()) <= set(BY_NAME)
    for path, name in (test.split("::") for test in one.tests):
        marks = functions_of(path).get(name)
        assert marks is not None, f"{name} is not in {path}"
        assert "xfail" not in marks
        assert "skip(" not in marks
