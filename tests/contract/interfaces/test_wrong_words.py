"""Words no command can work with: exit code 2, the flag and what is allowed, one document, nothing on the disk."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from central.__main__ import main as central_main
from central.actions.setup import prepare
from edge.__main__ import main as edge_main
from edge.store import slots
from tests.contract.interfaces.town import Done, called
from tests.contract.refusals.untouched import files

NODE = ("node create", "--name", "x", "--kind", "hall", "--region")
SAMPLE = ("records sample", "--region", "330102", "--people")
WRONG_FOR_THE_CENTRE = [
    ((*NODE, "999999"), "--region", "330102"),
    ((*NODE, "33010"), "--region", "330102"),
    ((*NODE, "清河县"), "--region", "330102"),
    (("node create", "--name", " ", "--kind", "hall", "--region", "330102"), "--name", "empty"),
    (("node create", "--name", "x", "--kind", "tent", "--region", "330102"), "--kind", "hall"),
    ((*SAMPLE, "0"), "--people", "from 1 to"),
    ((*SAMPLE, "-4"), "--people", "from 1 to"),
    ((*SAMPLE, "many"), "--people", "from 1 to"),
    ((*SAMPLE, "3", "--bad", "-1"), "--bad", "from 0 to"),
    (("records sample", "--people", "3", "--region", "999999"), "--region", "330102"),
    (("trail", "--since", "yesterday"), "--since", "2026-11-21"),
    (("trail", "--until", "2026-11-31"), "--until", "2026-11-21"),
    (("trail", "--mode", "psychic"), "--mode", "cached"),
    (("trail", "--limit", "0"), "--limit", "from 1 to"),
    (("reconcile", "--day", "someday"), "--day", "2026-11-21"),
    (("reconcile", "--day", ""), "--day", "2026-11-21"),
    (("serve", "--port", "70000"), "--port", "65535"),
    (("check", "--colour", "red"), "--colour", "--help"),
    (("fly",), "fly", "--help"),
]
WRONG_FOR_A_NODE = [
    (("enrol", "--code", "AAAA", "--centre", "ftp://centre.example"), "ftp://centre.example", "https://"),
    (("enrol", "--code", "AAAA", "--centre", "centre.example"), "centre.example", "https://"),
    (("enrol", "--code", "AAAA", "--centre", "http://"), "--centre", "https://"),
    (("enrol", "--code", "AAAA", "--centre", "http://a:99999"), "http://a:99999", "https://"),
    (("enrol", "--code", " ", "--centre", "http://a"), "--code", "one-time"),
    (("enrol", "--centre", "http://a"), "--code", "--from"),
    (("keys", "burn"), "burn", "list"),
    (("serve", "--port", "-1"), "--port", "65535"),
]


def wrong(done: Done, named: str, allowed: str) -> None:
    """Exit code 2; the words name what is wrong and what is allowed, in Chinese too, as one document."""
    assert done.code == 2, done.err
    assert "Traceback" not in done.err
    said = done.document
    assert named in said["message"]["zh"]
    assert named in said["message"]["en"]
    assert allowed in said["message"]["en"]
    assert "settings.example" not in said["next"]["en"], "nothing to correct in a settings file"
    assert any("\u4e00" <= letter <= "\u9fff" for letter in done.err)


@pytest.mark.parametrize(("words", "named", "allowed"), WRONG_FOR_THE_CENTRE)
def test_the_centre_names_the_flag_it_cannot_use_and_what_is_allowed(
    tmp_path: Path, words: tuple[str, ...], named: str, allowed: str
) -> None:
    data = ["--data", str(tmp_path / "centre")]
    verbs = words[0].split()
    done = called(central_main, [*verbs, *data, *words[1:], "--json"])
    wrong(done, named, allowed)
    assert not (tmp_path / "centre").exists()


@pytest.mark.parametrize(("words", "named", "allowed"), WRONG_FOR_A_NODE)
def test_a_node_names_the_flag_it_cannot_use_and_what_is_allowed(
    tmp_path: Path, words: tuple[str, ...], named: str, allowed: str
) -> None:
    done = called(edge_main, [words[0], *words[1:], "--data", str(tmp_path / "node"), "--json"])
    wrong(done, named, allowed)
    assert not (tmp_path / "node").exists()


@pytest.mark.parametrize("place", ["/proc/yizhan-node", "{file}", "{file}/node"])
def test_a_folder_that_cannot_be_made_is_trouble_in_words_that_name_it(tmp_path: Path, place: str) -> None:
    (tmp_path / "taken").write_text("a file where a folder should be")
    folder = place.format(file=tmp_path / "taken")
    words = ["enrol", "--data", folder, "--centre", "http://127.0.0.1:9", "--code", "AAAA", "--json"]
    done = called(edge_main, words)
    assert done.code == 3, done.err
    assert folder in done.document["message"]["zh"]
    assert "--data" in done.document["next"]["zh"]
    assert "Traceback" not in done.err


def test_an_enrolment_without_a_line_says_to_check_the_address(tmp_path: Path) -> None:
    words = ["enrol", "--data", str(tmp_path / "n"), "--centre", "http://127.0.0.1:9", "--code", "AAAA"]
    done = called(edge_main, [*words, "--json"])
    assert done.code == 3
    assert done.document["code"] == "centre-unreachable"
    assert "--centre" in done.document["next"]["zh"], "nothing resumes by itself before a node is enrolled"


def test_a_centre_that_is_there_and_a_folder_that_cannot_be_say_what_to_do(tmp_path: Path) -> None:
    prepare(tmp_path, "qingzhou.example")
    before = files(tmp_path)
    again = called(central_main, ["init", "--data", str(tmp_path), "--json"])
    assert again.code == 2
    assert "central serve" in again.document["next"]["zh"]
    assert files(tmp_path) == before
    nowhere = called(central_main, ["init", "--data", "/proc/yizhan-centre", "--json"])
    assert nowhere.code == 3
    assert nowhere.document["code"] == "folder"
    assert "/proc/yizhan-centre" in nowhere.document["message"]["zh"]
    none = called(central_main, ["check", "--data", str(tmp_path / "none"), "--json"])
    assert none.code == 2
    assert "central init" in none.document["next"]["zh"]


@pytest.fixture
def taken() -> Iterator[int]:
    """A port another program listens on."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield int(other.getsockname()[1])


def test_a_centre_on_a_taken_port_says_which_and_what_to_do_before_anything_starts(
    tmp_path: Path, taken: int
) -> None:
    prepare(tmp_path, "qingzhou.example")
    before = files(tmp_path)
    done = called(central_main, ["serve", "--data", str(tmp_path), "--port", str(taken), "--json"])
    assert done.code == 3
    no = done.document
    assert no["code"] == "address-taken"
    assert f"127.0.0.1:{taken}" in no["message"]["zh"]
    assert "--port" in no["next"]["zh"]
    assert "uvicorn" not in done.err
    assert files(tmp_path) == before, "not even the database was begun"


def test_a_node_on_a_taken_port_says_which_and_what_to_do(tmp_path: Path, taken: int) -> None:
    slots.create(tmp_path, 1)
    done = called(edge_main, ["serve", "--data", str(tmp_path), "--port", str(taken)])
    assert done.code == 3
    assert f"127.0.0.1:{taken}" in done.err
    assert "--port" in done.err
    assert "uvicorn" not in done.err


@pytest.mark.parametrize("host", ["203.0.113.7", "no such host"])
def test_an_address_that_is_not_this_machines_is_named(tmp_path: Path, host: str) -> None:
    prepare(tmp_path / "centre", "qingzhou.example")
    slots.create(tmp_path, 1)
    for program, data in ((central_main, tmp_path / "centre"), (edge_main, tmp_path)):
        done = called(program, ["serve", "--data", str(data), "--host", host, "--port", "8330"])
        assert done.code == 2
        assert host in done.err
        assert "0.0.0.0" in done.err
