"""The command line: one document on standard output, promised exit codes, words on standard error."""

import json
from pathlib import Path
from typing import Any

import pytest

from central.__main__ import main, parser


def run(capsys: pytest.CaptureFixture[str], data: Path, *words: str, expect: int = 0) -> Any:
    verbs = 2 if words[0] in {"node", "records", "staff"} else 1
    code = main([*words[:verbs], "--data", str(data), *words[verbs:], "--json"])
    said = capsys.readouterr()
    assert code == expect, said.err
    document = json.loads(said.out)
    return document if expect < 2 else str(document)


def test_a_centre_is_set_up_used_and_checked_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "centre"
    made = run(capsys, data, "init", "--passwords-final")
    assert [one["name"] for one in made["administrators"]] == ["system", "security", "audit"]
    assert len(bytes.fromhex(made["recovery"])) == 32
    assert (data / "keys").stat().st_mode & 0o777 == 0o700
    assert all(key.stat().st_mode & 0o777 == 0o600 for key in (data / "keys").iterdir())
    assert "already" in run(capsys, data, "init", expect=2)

    node = run(
        capsys, data, "node", "create", "--name", "清河县市民之家", "--region", "330102", "--kind", "hall"
    )
    assert (node["node"], len(node["code"])) == ("330102", 19)
    no = run(capsys, data, "node", "create", "--name", "x", "--region", "1", "--kind", "hall", expect=2)
    assert "--region" in no

    path = tmp_path / "sample.csv"
    sampled = run(
        capsys,
        data,
        "records",
        "sample",
        "--people",
        "50",
        "--seed",
        "3",
        "--region",
        "330102",
        "--out",
        str(path),
        "--bad",
        "3",
    )
    done = run(capsys, data, "records", "import", str(path))
    assert (len(done["rejected"]), done["read"]) == (3, done["stored"] + 3)
    assert sampled["people"] == 50
    bad = tmp_path / "bad.csv"
    bad.write_text("name,colour\n", encoding="utf-8")
    assert "缺少列" in run(capsys, data, "records", "import", str(bad), expect=4)
    published = run(capsys, data, "publish")
    assert {one["scope"]: one["rows"] for one in published} == {"330102/detail": 52, "330102/staff": 0}
    assert run(capsys, data, "trail", "--actor", "li.min") == []
    assert "2026-11-21" in run(capsys, data, "trail", "--since", "yesterday", expect=2)
    assert run(capsys, data, "reconcile", "--day", "2026-11-21") == {"day": "2026-11-21", "nodes": []}
    checked = run(capsys, data, "check")
    assert [(one["origin"], one["broken_at"]) for one in checked["nodes"]] == [
        ("qingzhou.example/centre/main/i1", None)
    ]
    assert "no such" in run(capsys, data, "check", "--node", "nobody", expect=4)
    assert run(capsys, data, "trust")["authority"] == "qingzhou.example"
    assert not (data / "pg" / "postmaster.pid").exists(), "the database stopped with its last user"


def test_a_command_without_a_centre_says_to_run_init(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "init" in run(capsys, tmp_path / "none", "check", expect=2)


def test_a_settings_file_with_an_unknown_key_refuses_and_names_the_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "settings.toml").write_text('authority = "a.example"\n\ncolour = "red"\n', encoding="utf-8")
    said = run(capsys, tmp_path, "check", expect=2)
    assert "settings.toml:3" in said
    assert "colour" in said


def test_usage_that_cannot_be_read_exits_with_two(capsys: pytest.CaptureFixture[str]) -> None:
    for words in ([], ["fly"], ["node"], ["check", "--day"]):
        assert main(words) == 2
    capsys.readouterr()


def test_every_promised_command_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (
        "init", "serve", "node create", "records import", "records sample", "records change", "publish", "staff import",
        "trail", "check", "reconcile", "import", "export", "bureau", "trust",
    ):  # fmt: skip
        with pytest.raises(SystemExit) as stopped:
            parser().parse_args([*words.split(), "--help"])
        assert stopped.value.code == 0
        assert "--json" in capsys.readouterr().out
