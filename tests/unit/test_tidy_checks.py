"""Each check of the house rules finds the offence it is for, and lets the good example pass."""

import pytest

from tests.unit.tidy import doubles, limits, names, shape, source, tables

LONG = "def long():\n" + "    x = 1\n" * 60
HALF = "def half():\n" + "    x = 1\n" * 45


def test_a_package_file_with_code_is_found():
    assert shape.package_is_one_line("a/__init__.py", '"""A."""\nx = 1\n')
    assert shape.package_is_one_line("a/__init__.py", "")
    assert not shape.package_is_one_line("a/__init__.py", '"""A."""\n')


def test_a_function_over_one_screen_is_found():
    assert shape.functions_fit_a_screen("a.py", LONG) == ["a.py:1: long has 61 lines, at most 60"]
    assert not shape.functions_fit_a_screen("a.py", HALF)


def test_a_package_with_many_long_functions_is_found():
    assert shape.functions_mostly_fit_half_a_screen("edge", [HALF, "def f(): ..."])
    assert not shape.functions_mostly_fit_half_a_screen("edge", [HALF, "def f(): ...\n" * 40])
    assert not shape.functions_mostly_fit_half_a_screen("edge", [])


def test_a_file_of_many_topics_is_found():
    assert shape.file_is_one_topic("a.py", "x = 1\n" * 401)
    assert not shape.file_is_one_topic("a.py", "x = 1\n" * 400)


def test_a_file_too_small_to_stand_alone_is_found():
    assert shape.small_file_is_table_or_struct("a.py", '"""A."""\n\n\ndef f():\n    return 1\n')
    assert shape.small_file_is_table_or_struct("a.py", '"""A."""\n')
    assert not shape.small_file_is_table_or_struct("a.py", '"""A."""\n\nROWS = (1, 2)\n')


@pytest.mark.parametrize("name", ["utils", "manager", "Data", "receipt", "ReceiptSlip", "JobHandler", "base"])
def test_an_overloaded_name_is_found(name: str):
    assert names.words_of_the_house("a.py", f"class {name}:\n    x: int\n")
    assert names.words_of_the_house("a.py", f"def {name}(): ...\n")


def test_an_overloaded_file_name_is_found():
    assert names.words_of_the_house("edge/common.py", "x = 1\n")
    assert not names.words_of_the_house(
        "drivers/devices/receipt_printer/driver.py", "class ReceiptPrinter: ...\n"
    )


@pytest.mark.parametrize(
    "code",
    [
        "ms_timeout = 5",
        "def f(timeout: float): ...",
        "class S:\n    max_entries: int",
        "WAIT_SECONDS = 2 * 60",
        "RETRY_DELAY = 5",
    ],
)
def test_a_unit_that_does_not_stand_last_is_found(code: str):
    assert names.units_stand_last("a.py", code)


@pytest.mark.parametrize(
    "code", ["timeout_ms = 5", "def f(timeout_s: float): ...", "ENTRIES_MAX = 3", "due = 'x'"]
)
def test_a_unit_that_stands_last_passes(code: str):
    assert not names.units_stand_last("a.py", code)


@pytest.mark.parametrize("clause", ["except Exception:", "except:", "except (ValueError, BaseException):"])
def test_catching_everything_is_found(clause: str):
    assert limits.errors_are_caught_by_name("a.py", f"try:\n    x = 1\n{clause}\n    pass\n")


def test_catching_by_name_passes():
    assert not limits.errors_are_caught_by_name("a.py", "try:\n    x = 1\nexcept ValueError:\n    pass\n")


def test_an_error_outside_the_tree_is_found():
    assert limits.one_error_tree("edge/a.py", "class Lost(ValueError): ...\n")
    assert limits.one_error_tree(
        "edge/a.py", "from edge.errors import EdgeTrouble\nclass Lost(EdgeTrouble): ...\n"
    )
    assert not limits.one_error_tree("edge/a.py", "class Lost(msgspec.Struct): ...\n")


def test_an_error_the_tree_does_not_draw_is_found():
    text = '"""EdgeError\n    └─ Lost\n"""\nclass EdgeError(Exception): ...\nclass Lost(EdgeError): ...\n'
    assert not limits.one_error_tree("edge/errors.py", text)
    assert limits.one_error_tree("edge/errors.py", text + "class Hidden(EdgeError): ...\n")


def test_an_endless_loop_without_a_limit_is_found():
    assert limits.loops_end("a.py", "def f():\n    while True:\n        g()\n")
    assert limits.loops_end("a.py", "async def f():\n    while True:\n        await q.get()\n")


@pytest.mark.parametrize(
    "body",
    [
        "await asyncio.wait_for(q.get(), 5)",
        "await line.read(64, timeout_s=2)",
        "await reader.read_card(CARD_WAIT_S)",
        "async with asyncio.timeout(5): await g()",
    ],
)
def test_an_endless_loop_with_a_limit_passes(body: str):
    assert not limits.loops_end("a.py", f"async def f():\n    while True:\n        {body}\n")


@pytest.mark.parametrize("call", ["asyncio.Queue()", "queue.Queue(maxsize=0)", "queue.SimpleQueue()"])
def test_a_queue_without_a_size_is_found(call: str):
    assert limits.queues_push_back("a.py", f"q = {call}\n")
    assert not limits.queues_push_back("a.py", "q = asyncio.Queue(maxsize=8)\n")


def test_a_task_without_an_owner_is_found():
    assert limits.tasks_have_owners("a.py", "def f():\n    asyncio.create_task(g())\n")
    assert limits.tasks_have_owners("a.py", "def f():\n    loop.create_task(g())\n")
    good = "async def f():\n    async with asyncio.TaskGroup() as group:\n        group.create_task(g())\n"
    assert not limits.tasks_have_owners("a.py", good)
    awaited = "async def f():\n    task = asyncio.create_task(g())\n    await ended(task)\n"
    assert not limits.tasks_have_owners("a.py", awaited)
    assert limits.tasks_have_owners("a.py", awaited.replace("await ended(task)", "await other()"))
    kept = "def f(group: asyncio.TaskGroup):\n    self.g = group\n    self.g.create_task(g())\n"
    assert not limits.tasks_have_owners("a.py", kept)


def test_a_wait_without_a_limit_is_found():
    assert limits.waits_have_limits("a.py", "subprocess.run(['ls'])\n")
    assert limits.waits_have_limits("a.py", "thread.join()\n")
    assert not limits.waits_have_limits("a.py", "subprocess.run(['ls'], timeout=5)\n', '.join(x)\n")


@pytest.mark.parametrize(
    "code",
    [
        "from unittest import mock",
        "import unittest.mock",
        "monkeypatch.setattr(a, 'b', 1)",
        "mocker.patch('a.b')",
    ],
)
def test_a_mock_is_found(code: str):
    assert doubles.doubles_are_real("tests/a.py", code)
    assert not doubles.doubles_are_real("edge/a.py", code)


def test_setting_an_environment_variable_is_no_mock():
    assert not doubles.doubles_are_real("tests/a.py", "monkeypatch.setenv('A', 'b')")


@pytest.mark.parametrize(
    "code", ["time.sleep(1)", "await asyncio.sleep(0.1)", "page.wait_for_timeout(5)", "sleep(x)"]
)
def test_a_sleeping_test_is_found(code: str):
    assert doubles.tests_do_not_sleep("tests/a.py", f"async def f():\n    {code}\n")


def test_yielding_once_is_no_sleep():
    assert not doubles.tests_do_not_sleep("tests/a.py", "async def f():\n    await asyncio.sleep(0)\n")


def test_a_test_name_that_is_no_sentence_is_found():
    assert doubles.tests_are_sentences("tests/test_a.py", "def test_f030_ok(): ...\n")
    assert not doubles.tests_are_sentences(
        "tests/test_a.py", "def test_f030_an_expired_card_is_refused(): ...\n"
    )


def test_a_device_without_its_row_or_twin_is_found():
    files = dict.fromkeys(["drivers/devices/gps/driver.py", "drivers/devices/gps/protocol.py"], "")
    assert tables.devices_have_rows(files) == [
        "drivers/devices/gps: no row in drivers/registry.py",
        "drivers/devices/gps: no virtual.py",
    ]
    files |= {
        "drivers/devices/gps/virtual.py": "",
        "drivers/registry.py": "from drivers.devices.gps import driver",
    }
    assert tables.devices_have_rows(files) == []


def test_a_page_without_its_row_is_found():
    files = {
        "edge/pages/day.py": "@get('/day')\nasync def day(): ...\n",
        "edge/pages/table.py": "ROUTES = ()\n",
    }
    assert tables.routes_have_rows("edge/pages", files)
    files["edge/pages/table.py"] = "from edge.pages import day\nROUTES = (day.day,)\n"
    assert not tables.routes_have_rows("edge/pages", files)


def test_an_unknown_entry_kind_is_found():
    known = frozenset({"mark"})
    assert tables.kinds_are_in_the_table("a.py", "registry.kind('marc')", known)
    assert not tables.kinds_are_in_the_table("a.py", "registry.kind('mark')", known)


def test_a_gap_in_the_migrations_is_found():
    files = dict.fromkeys(["edge/store/migrations/0001_a.sql", "edge/store/migrations/0003_b.sql"], "")
    assert tables.migrations_have_no_gap(files)
    assert not tables.migrations_have_no_gap(files | {"edge/store/migrations/0002_c.sql": ""})


def test_a_job_outside_the_table_is_found():
    assert tables.jobs_stand_in_one_table("edge/actions/a.py", "s.add_job(f)")
    assert not tables.jobs_stand_in_one_table("edge/schedule.py", "s.add_job(f)")


def test_a_place_is_the_innermost_function():
    text = "class A:\n    def b(self):\n        def c():\n            pass\n        return c\n"
    assert source.place("x.py", text, 4) == "x.py::A.b.c"
    assert source.allowed({"x.py::A.*": ""}, "x.py::A.b.c")
