"""The technician's commands as they are typed: slots, rotation, backup, restore, and what a restored folder may do."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from edge.__main__ import main
from tests.contract.edge.conftest import Prepared

PASSPHRASE = "清河县的一句很长很长的口令话"


@pytest.fixture
def folder(prepared: Prepared, tmp_path: Path) -> Path:
    shutil.copytree(prepared.folder, tmp_path / "node")
    return tmp_path / "node"


def said(capsys: pytest.CaptureFixture[str], *words: str | Path, expect: int = 0) -> Any:
    """Run a command with --json; its exit code must be `expect`, its standard output one JSON document."""
    capsys.readouterr()
    code = main([*map(str, words), "--json"])
    out = capsys.readouterr().out
    assert code == expect, out
    return json.loads(out)


@pytest.fixture
def phrase(tmp_path: Path) -> Path:
    path = tmp_path / "phrase.txt"
    path.write_text(PASSPHRASE + "\n", encoding="utf-8")
    return path


def test_slots_are_listed_added_removed_and_rotated(
    folder: Path, phrase: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at = ("--data", folder)
    added = said(capsys, "keys", "add", *at, "--kind", "manager", "--passphrase-file", phrase)
    assert (added["id"], added["shares"]) == ("manager", [])
    shares = said(capsys, "keys", "add", *at, "--kind", "county")["shares"]
    assert len(shares) == 3
    assert all(text.startswith("YZS1-") for text in shares)
    assert [row["kind"] for row in said(capsys, "keys", "list", *at)] == ["machine", "manager", "county"]
    assert [row["id"] for row in said(capsys, "keys", "rotate", *at)] == ["machine", "manager", "county"]
    assert said(capsys, "keys", "remove", *at, "--slot", "county")["kind"] == "county"
    assert said(capsys, "keys", "remove", *at, "--slot", "machine", expect=4)["code"] == "refused"
    assert said(capsys, "keys", "remove", *at, expect=2)["code"] == "usage"
    assert said(capsys, "check", *at)["store"] == "ok"


def test_a_short_passphrase_and_a_file_that_is_not_there_are_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    short = tmp_path / "short.txt"
    short.write_text("short\n", encoding="utf-8")
    words = ("keys", "add", "--data", folder, "--kind", "manager")
    assert said(capsys, *words, "--passphrase-file", short, expect=4)["next"]["zh"]
    assert said(capsys, *words, "--passphrase-file", tmp_path / "absent", expect=3)["code"]


def test_a_backup_becomes_another_folder_that_waits_for_its_incarnation(
    folder: Path, phrase: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said(capsys, "keys", "add", "--data", folder, "--kind", "manager", "--passphrase-file", phrase)
    copy = tmp_path / "stick" / "copy.db"
    copy.parent.mkdir()
    assert said(capsys, "backup", "--data", folder, copy)["keys"].endswith("copy.db.keys")
    new = tmp_path / "new"
    assert said(capsys, "restore", "--data", new, copy, expect=4)["code"] == "refused"
    done = said(capsys, "restore", "--data", new, copy, "--passphrase-file", phrase)
    assert "edge incarnation" in done["next"]["zh"]
    assert said(capsys, "check", "--data", new)["entries"] == done["entries"]
    assert said(capsys, "restore", "--data", new, copy, "--passphrase-file", phrase, expect=4)
    for verb in ("exchange", "export"):
        more = [tmp_path / "usb"] if verb == "export" else []
        assert "edge incarnation" in said(capsys, verb, "--data", new, *more, expect=4)["next"]["zh"]


def test_what_this_node_saw_of_the_centre_is_handed_out(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = said(capsys, "witness", "--data", folder)
    assert seen["holder"].endswith("/node/330102/i1")
    assert seen["note"].startswith(seen["centre"])
    assert said(capsys, "incarnation", "--data", folder, "--reason", "whim", expect=2)["code"] == "usage"
