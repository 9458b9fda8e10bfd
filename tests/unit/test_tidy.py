"""The house rules, read off the source with `ast`: one test per file, so that all see their own offences."""

import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import pytest

from tests.unit.tidy import allowed, doubles, limits, names, shape, source, tables

ROOT = Path(__file__).parents[2]
PACKAGES = ("edge", "central", "sync", "drivers", "matters", "ui", "tests")
SKIPPED = {"node_modules", "vendor", "__pycache__", "build"}

Check = Callable[[str, str], list[str]]

# Every check that looks at one file alone.
CHECKS: tuple[Check, ...] = (
    shape.package_is_one_line,
    shape.functions_fit_a_screen,
    shape.file_is_one_topic,
    shape.small_file_is_table_or_struct,
    names.words_of_the_house,
    names.units_stand_last,
    limits.errors_are_caught_by_name,
    limits.one_error_tree,
    limits.loops_end,
    limits.queues_push_back,
    limits.tasks_have_owners,
    limits.waits_have_limits,
    doubles.doubles_are_real,
    doubles.tests_do_not_sleep,
    doubles.tests_are_sentences,
    tables.jobs_stand_in_one_table,
)


@lru_cache(maxsize=1)
def house() -> dict[str, str]:
    """Every Python and SQL file of the house: path from the root, and text."""
    paths = [ROOT / "yizhan_verify.py"]
    for package in PACKAGES:
        paths += [*(ROOT / package).rglob("*.py"), *(ROOT / package).rglob("*.sql")]
    kept = [path for path in paths if path.is_file() and not SKIPPED & set(path.relative_to(ROOT).parts)]
    return {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in sorted(kept)}


def python() -> dict[str, str]:
    return {path: text for path, text in house().items() if path.endswith(".py")}


@pytest.mark.parametrize("path", python())
def test_a_file_keeps_the_rules_of_the_house(path: str):
    text = python()[path]
    offences = [offence for check in CHECKS for offence in check(path, text)]
    assert not offences, "\n".join(["", *offences])


@pytest.mark.parametrize("package", PACKAGES)
def test_functions_of_a_package_are_mostly_short(package: str):
    texts = [text for path, text in python().items() if path.startswith(f"{package}/")]
    assert shape.functions_mostly_fit_half_a_screen(package, texts) == []


@pytest.mark.parametrize("folder", ["edge/pages", "edge/api", "central/pages", "central/api"])
def test_every_module_with_handlers_has_its_row(folder: str):
    assert tables.routes_have_rows(folder, python()) == []


def test_every_device_folder_has_its_row_and_its_twin():
    assert tables.devices_have_rows(python()) == []


def test_every_entry_kind_named_in_code_is_in_the_table():
    known = frozenset(re.findall(r'_row\(\s*\d+, "([a-z_.]+)"', python()["sync/messages/registry.py"]))
    assert "access.answered" in known
    named = {path: text for path, text in python().items() if path.startswith(("edge/", "central/"))}
    assert [
        found for path, text in named.items() for found in tables.kinds_are_in_the_table(path, text, known)
    ] == []


def test_migrations_are_numbered_without_a_gap():
    assert tables.migrations_have_no_gap(house()) == []


@pytest.mark.parametrize("table", ["SUPERVISORS", "ENDLESS", "TASK_OWNERS", "LIMITED_ELSEWHERE"])
def test_every_allowed_place_exists(table: str):
    places = {f"{path}::{name}" for path, text in python().items() for name, _ in source.functions(text)}
    rows: dict[str, str] = getattr(allowed, table)
    idle = [row for row in rows if not any(source.allowed({row: ""}, place) for place in places)]
    assert idle == [], f"rows of {table} that name nothing any more"
