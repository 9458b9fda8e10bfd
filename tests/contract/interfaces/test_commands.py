"""`interfaces.md`, the table of programs, row by row: keys, exit codes, one JSON document, help. Real line, real PostgreSQL."""

import asyncio
import re
import shutil
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

from central.__main__ import main as central_main
from central.settings import FILE
from drivers import apart
from edge.__main__ import main as edge_main
from edge.store import cipher, slots
from tests.contract.interfaces.town import PLANTED_NUMBER, Done, Town, called
from tests.contract.refusals.untouched import files
from yizhan_verify import main as verify_main

CENTRAL = (
    "init", "serve", "node create", "records import", "records sample", "trail", "check", "reconcile", "import",
    "export",
)  # fmt: skip
EDGE = ("enrol", "serve", "exchange", "export", "import", "check", "doctor", "backup", "keys")
WITHOUT_JSON = {("edge", "serve"), ("central", "serve")}


@pytest.fixture
def hall(town: Town, tmp_path: Path) -> Path:
    """The enrolled hall's folder, copied: a test may spoil it."""
    shutil.copytree(town.hall, tmp_path / "hall", ignore=shutil.ignore_patterns("*.lock", "node.db*"))
    key, source = slots.unlock(town.hall), cipher.connect(town.hall / "node.db", slots.unlock(town.hall))
    try:
        cipher.copy(source, tmp_path / "hall" / "node.db", key)
    finally:
        source.close()
    return tmp_path / "hall"


def refused(done: Done, code: int) -> dict[str, Any]:
    """A refusal in words with its exit code, as one document too; no trace of a crash."""
    assert done.code == code, done.err
    assert "Traceback" not in done.err
    assert any("\u4e00" <= letter <= "\u9fff" for letter in done.err + done.out), "it speaks Chinese"
    return dict(done.document)


@pytest.mark.parametrize(
    ("program", "verb"), [("central", verb) for verb in CENTRAL] + [("edge", verb) for verb in EDGE]
)
def test_every_promised_command_explains_itself(program: str, verb: str) -> None:
    done = called(central_main if program == "central" else edge_main, [*verb.split(), "--help"])
    assert done.code == 0
    assert done.out.startswith("usage:")
    assert "--data" in done.out
    assert re.search(r"[\u4e00-\u9fff].* / ", done.out), "Chinese first"
    assert "退出码" in done.out
    assert ("--json" in done.out) or ((program, verb) in WITHOUT_JSON)


def test_the_three_programs_are_installed_under_their_names() -> None:
    found = {one.name for one in entry_points(group="console_scripts")}
    assert {"yizhan-edge", "yizhan-central", "yizhan-verify"} <= found


@pytest.mark.parametrize("program", [central_main, edge_main, verify_main])
def test_words_no_program_knows_are_usage_and_exit_with_two(program: Any) -> None:
    for words in ([], ["fly"], ["check", "--colour", "red"]):
        assert called(program, words).code == 2


def test_what_the_commands_of_the_centre_print_has_the_promised_keys(town: Town) -> None:
    made = town.central("node create", "--name", "城东分厅", "--region", "330103", "--kind", "hall").document
    assert {"node", "code"} <= set(made)
    row = town.central("check").document["nodes"]
    assert {"origin", "size", "root", "broken_at"} <= set(row[0])
    assert all(one["broken_at"] is None for one in row)
    day = town.central("reconcile", "--day", "2026-11-21").document
    assert day["day"] == "2026-11-21"
    assert {"origin", "matched", "findings"} <= set(day["nodes"][0])
    assert isinstance(town.central("trail", "--node", town.node).document, list)
    assert isinstance(
        town.central("trail", "--subject", PLANTED_NUMBER, "--since", "2026-11-01").document, list
    )
    one = town.central("check", "--node", town.node).document["nodes"]
    assert [row["origin"] for row in one] == [f"qingzhou.example/node/{town.node}/i1"]


def test_an_import_says_what_it_read_stored_and_rejected_with_line_and_reason(
    town: Town, tmp_path: Path
) -> None:
    path = tmp_path / "delivery.csv"
    made = town.central(
        "records sample",
        "--people",
        "3",
        "--seed",
        "9",
        "--region",
        "330102",
        "--out",
        str(path),
        "--bad",
        "2",
    )
    assert made.code == 0
    done = town.central("records import", str(path))
    found = done.document
    assert {"read", "stored", "rejected"} <= set(found)
    assert len(found["rejected"]) == 2
    assert all({"line", "reason"} == set(one) for one in found["rejected"])
    assert found["read"] == found["stored"] + 2
    assert "delivery.csv" in done.err, "the progress bar stands on standard error"
    assert town.central("records import", str(path)).document["stored"] == found["stored"], (
        "again changes nothing"
    )


def test_what_the_commands_of_the_node_print_has_the_promised_keys(
    town: Town, hall: Path, tmp_path: Path
) -> None:
    sent = {"sent", "acknowledged", "received", "bytes_up", "bytes_down", "pending"}
    assert sent <= set(town.edge("exchange").document)
    checked = town.edge("check", data=hall).document
    assert {"origin", "entries", "root", "countersigned", "broken_at", "store", "leases"} <= set(checked)
    assert (checked["broken_at"], checked["store"]) == (None, "ok")
    lines = town.edge("doctor", data=hall).document
    assert all({"check", "verdict", "next"} <= set(line) for line in lines)
    assert {line["verdict"] for line in lines} <= {"ok", "warn", "bad"}
    assert town.edge("keys", "list", data=hall).document[0]["kind"] == "machine"
    assert town.edge("backup", str(tmp_path / "copy.db"), data=hall).document["bytes"] > 0


def test_g09_a_stick_goes_round_by_the_four_courier_commands(town: Town, tmp_path: Path) -> None:
    out, back = tmp_path / "out", tmp_path / "back"
    written = town.edge("export", str(out))
    assert (written.code, len(written.document["files"])) == (0, 1)
    taken = town.central("import", *(str(path) for path in out.iterdir()))
    assert taken.code == 0, taken.out
    assert taken.document["files"][0]["countersigned"] >= written.document["size"]
    given = town.central("export", "--node", town.node, str(back))
    assert given.document["files"]
    assert given.document["bytes"] == sum(path.stat().st_size for path in back.iterdir())
    assert sum(one["files"] for one in given.document["packs"]) == len(list(back.glob("*.yzp")))
    said = called(central_main, ["export", "--data", str(town.data), "--node", town.node, str(back)])
    assert f"节点 {town.node}：写出" in said.out
    done = town.edge("import", *(str(path) for path in back.iterdir()))
    assert done.code == 0, done.err
    assert {"acknowledged", "received", "pending"} <= set(done.document)


def test_a_code_used_up_or_wrong_exits_with_four_and_makes_no_node(town: Town, tmp_path: Path) -> None:
    for code, words in ((town.code, "使用过"), ("AAAA-BBBB-CCCC-DDDD", "不对")):
        place = tmp_path / code
        no = refused(town.edge("enrol", "--centre", town.url, "--code", code, data=place), 4)
        assert words in no["message"]["zh"]
        assert no["next"]["zh"]
        assert not place.exists(), "a refused enrolment leaves no key, no database, no folder"
        place.mkdir()
        (place / "settings.toml").write_text('hall = "清河县市民之家"\n', encoding="utf-8")
        before = files(place)
        refused(town.edge("enrol", "--centre", town.url, "--code", code, data=place), 4)
        assert files(place) == before, "and in a folder that was there, what was there"
        assert refused(town.edge("exchange", data=place), 2)["code"] == "not-enrolled"
    assert len(town.central("check").document["nodes"]) == 2, "the centre knows itself and one enrolled hall"


def test_an_altered_entry_ends_a_check_with_one_and_is_named(town: Town, hall: Path) -> None:
    connection = cipher.connect(hall / "node.db", slots.unlock(hall), writer=True)
    connection.execute("UPDATE entry SET leaf = leaf || x'00' WHERE idx = 1")
    connection.close()
    done = town.edge("check", data=hall)
    assert (done.code, done.document["broken_at"]) == (1, 1)


def test_a_centre_that_is_not_there_exits_with_three(town: Town, hall: Path) -> None:
    text = (hall / "settings.toml").read_text(encoding="utf-8")
    (hall / "settings.toml").write_text(text.replace(town.url, "http://127.0.0.1:9"), encoding="utf-8")
    no = refused(town.edge("exchange", data=hall), 3)
    assert no["code"] == "centre-unreachable"


@pytest.mark.parametrize("verb", ["export", "backup"])
def test_a_place_that_cannot_be_written_exits_with_three_in_words(
    town: Town, hall: Path, tmp_path: Path, verb: str
) -> None:
    (tmp_path / "taken").write_text("a file where a folder should be")
    target = tmp_path / "taken" if verb == "export" else tmp_path / "no-folder" / "copy.db"
    no = refused(town.edge(verb, str(target), data=hall), 3)
    assert str(target) in no["message"]["zh"]
    assert "路径" in no["next"]["zh"]
    assert (tmp_path / "taken").read_text() == "a file where a folder should be"


@pytest.mark.parametrize(
    ("verb", "words", "code", "named"),
    [
        ("init", (), 2, "already"),
        ("node create", ("--name", "x", "--region", "330102", "--kind", "bus"), 4, "route"),
        ("records import", ("no-such-file.csv",), 4, "no-such-file.csv"),
        ("check", ("--node", "nobody"), 4, "no such"),
        ("import", ("no-such-file.yzb",), 4, "no-such-file.yzb"),
        ("export", ("--node", "nobody", "stick"), 4, "there is no such node"),
        ("node code", ("--node", "nobody"), 4, "there is no such node"),
        ("trail", ("--node", "nobody"), 4, "there is no such node"),
        ("trail", ("--since", "2026-11-30", "--until", "2026-11-01"), 2, "--since"),
        (
            "node create",
            ("--name", "x", "--region", "330102", "--kind", "bus", "--route", "999999001"),
            4,
            "province",
        ),
        ("node revoke", ("--node", "nobody", "--reason", "被盗"), 4, "there is no such node"),
        ("quota set", ("--node", "330102", "--matter", "none", "--units", "5"), 4, "no free units"),
        ("quota set", ("--node", "330102", "--matter", "none", "--units", "-1"), 2, "--units"),
        (
            "correction ask",
            ("--node", "nobody", "--case", "c-1", "--what", "缺页", "--why", "扫描件缺页"),
            4,
            "no such case",
        ),
        ("staff import", ("--node", "nobody", "no-such-file.csv"), 4, "no-such-file.csv"),
    ],
)
def test_a_command_of_the_centre_refuses_with_code_words_and_one_document_and_changes_nothing(
    town: Town, verb: str, words: tuple[str, ...], code: int, named: str
) -> None:
    before = (
        files(town.data / "keys")
        | files(town.data / "packs")
        | {"nodes": town.central("check").out.count("origin")}
    )
    done = town.central(verb, *words)
    assert named in done.err + done.out
    assert refused(done, code)
    after = (
        files(town.data / "keys")
        | files(town.data / "packs")
        | {"nodes": town.central("check").out.count("origin")}
    )
    assert after == before


def test_a_node_names_the_file_it_cannot_take_and_the_copy_it_will_not_write_over(
    town: Town, hall: Path, tmp_path: Path
) -> None:
    absent = refused(town.edge("import", str(tmp_path / "absent.yzb"), data=hall), 4)
    assert "absent.yzb" in absent["message"]["zh"]
    (tmp_path / "copy.db").write_bytes(b"an older copy")
    kept = refused(town.edge("backup", str(tmp_path / "copy.db"), data=hall), 4)
    assert "copy.db" in kept["detail"]
    assert "换一个文件名" in kept["next"]["zh"]
    assert (tmp_path / "copy.db").read_bytes() == b"an older copy"


def test_one_bad_file_on_a_stick_is_named_and_does_not_stop_the_others(town: Town, tmp_path: Path) -> None:
    (tmp_path / "b-rubbish.yzb").write_bytes(b"no batch")
    missing = tmp_path / "a-missing.yzb"
    out = tmp_path / "stick"
    assert town.edge("export", str(out)).code == 0
    good = [str(path) for path in out.iterdir()]
    done = town.central("import", str(missing), str(tmp_path / "b-rubbish.yzb"), *good)
    assert done.code == 4
    taken = {one["file"]: one for one in done.document["files"]}
    assert taken["a-missing.yzb"]["code"] == "file-refused"
    assert "a-missing.yzb" in taken["a-missing.yzb"]["next"]
    assert taken["b-rubbish.yzb"]["code"]
    assert all(taken[Path(path).name]["countersigned"] > 0 for path in good)


def test_the_centre_reads_a_stick_in_without_network_where_the_kernel_lets_it(
    town: Town, tmp_path: Path
) -> None:
    assert town.edge("export", str(tmp_path)).code == 0
    words = ["import", "--data", str(town.data), *map(str, tmp_path.iterdir()), "--json"]
    itself = subprocess.run(
        [sys.executable, "-m", "central", *words], capture_output=True, check=True, timeout=60
    )
    document = Done(0, itself.stdout.decode(), itself.stderr.decode()).document
    assert document["apart"] is asyncio.run(apart.possible())
    assert document["files"][0]["countersigned"] > 0
    again = called(central_main, words)
    assert again.document["apart"] is False, "this process is not that one"
    assert "没有与网络隔离" in called(central_main, words[:-1]).out


def test_levels_and_corrections_are_listed_by_command(town: Town) -> None:
    levels = town.central("quota list")
    assert levels.code == 0, levels.err
    assert town.central("correction list").document == []


def test_real_processes_keep_standard_output_for_the_document_alone(town: Town) -> None:
    for words in (
        ["edge", "doctor", "--data", str(town.hall)],
        ["central", "trust", "--data", str(town.data)],
    ):
        done = subprocess.run(
            [sys.executable, "-m", *words, "--json"], capture_output=True, check=False, timeout=60
        )
        whole = Done(done.returncode, done.stdout.decode(), done.stderr.decode())
        assert whole.code == 0, whole.err
        assert whole.document
        assert whole.out.count("\n") == 1


@pytest.mark.parametrize("program", ["edge", "central"])
def test_a_program_with_an_unknown_setting_does_not_start_and_names_the_line(
    town: Town, hall: Path, tmp_path: Path, program: str
) -> None:
    data = hall
    if program == "central":
        data = tmp_path / "centre"
        shutil.copytree(town.data / "keys", data / "keys")
        shutil.copy(town.data / FILE, data / FILE)
    with (data / FILE).open("a", encoding="utf-8") as settings:
        settings.write('\ncolour = "red"\n')
    number = (data / FILE).read_text(encoding="utf-8").splitlines().index('colour = "red"') + 1
    before = files(data)
    done = called(central_main if program == "central" else edge_main, ["serve", "--data", str(data)])
    assert done.code == 2
    assert "colour" in done.err
    assert f"第 {number} 行" in done.err or f":{number}" in done.err
    assert files(data) == before, "not even a log is begun"


def test_a_node_with_a_wrong_key_does_not_start_and_leaves_its_file_alone(town: Town, hall: Path) -> None:
    (hall / "keys" / "machine.key").write_bytes(b"k" * 32)
    before = files(hall)
    no = refused(town.edge("exchange", data=hall), 3)
    assert no["code"] == "wrong-key"
    checked = town.edge("check", data=hall)
    assert (checked.code, checked.document["store"]) == (1, "wrong key")
    serve = called(edge_main, ["serve", "--data", str(hall)])
    assert serve.code == 3
    assert "密钥不对" in serve.err
    after = files(hall)
    changed = {
        name for name in before | after if before.get(name) != after.get(name) and not name.endswith(".lock")
    }
    assert not changed, "the database of a node whose key is elsewhere is never touched"


@pytest.mark.parametrize("name", ["storage.key", "signing.key"])
def test_a_centre_with_a_wrong_key_refuses_to_work_and_stores_nothing(
    town: Town, tmp_path: Path, name: str
) -> None:
    delivery = tmp_path / "delivery.csv"
    sample = ["--people", "2", "--seed", "11", "--region", "330102", "--out", str(delivery)]
    assert town.central("records sample", *sample).code == 0
    key = town.data / "keys" / name
    right = key.read_bytes()
    key.write_bytes(b"k" * 32)
    try:
        done = town.central("records import", str(delivery))
    finally:
        key.write_bytes(right)
    refused(done, 3)
    assert town.central("records import", str(delivery)).document["stored"] > 0, "nothing was stored before"


@pytest.mark.parametrize("short", ["signing.key", "subject.key"])
def test_a_centre_without_one_of_its_keys_names_it(town: Town, tmp_path: Path, short: str) -> None:
    data = tmp_path / "centre"
    shutil.copytree(town.data / "keys", data / "keys")
    shutil.copy(town.data / FILE, data / FILE)
    (data / "keys" / short).unlink()
    done = called(central_main, ["check", "--data", str(data), "--json"])
    assert done.code == 2
    assert short in done.err + done.out


def test_a_hall_without_a_line_is_enrolled_by_two_files_and_four_commands(town: Town, tmp_path: Path) -> None:
    created = town.central("node create", "--name", "清泉县大厅", "--region", "330105", "--kind", "hall")
    stick, data = tmp_path / "stick", tmp_path / "spring"
    asked = town.edge("enrol", "--code", created.document["code"], "--to", str(stick), data=data)
    assert asked.code == 0, asked.err
    taken = town.central("import", *(str(path) for path in stick.iterdir()))
    assert taken.code == 0, taken.out
    given = town.central("export", "--node", created.document["node"], str(stick))
    (answer,) = [name for name in given.document["files"] if name.endswith(".yze")]
    done = town.edge("enrol", "--from", str(stick / Path(answer).name), data=data)
    assert (done.code, done.document["origin"].endswith("/i1")) == (0, True), done.err
    assert town.edge("check", data=data).code == 0
