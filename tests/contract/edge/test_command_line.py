"""The promised commands over a real line to a small centre: JSON on standard output, exit codes, a real process."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from edge.__main__ import main, parser
from edge.store import cipher, slots
from tests.contract.edge.small_centre import PASSWORD, SmallCentre, application
from tests.waiting import until


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def line() -> Iterator[tuple[SmallCentre, str]]:
    """A small centre behind a real socket."""
    small = SmallCentre(lambda: time.time_ns() // 1_000_000)
    small.publish()
    small.codes = {f"CODE-{n}" for n in range(20)}
    port = free_port()
    server = uvicorn.Server(
        uvicorn.Config(application(small), host="127.0.0.1", port=port, log_config=None, lifespan="off")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started, "the centre listens")
    yield small, f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="module")
def made(line: tuple[SmallCentre, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A node enrolled and exchanged by its commands."""
    place = tmp_path_factory.mktemp("made") / "node"
    centre, url = line
    centre.codes.add("FIRST")
    assert main(["enrol", "--data", str(place), "--centre", url, "--code", "FIRST"]) == 0
    assert main(["exchange", "--data", str(place)]) == 0
    return place


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "node")
    return tmp_path / "node"


def said(capsys: pytest.CaptureFixture[str], *words: str, expect: int = 0) -> Any:
    """Run a command with --json; its exit code must be `expect`, its standard output one JSON document."""
    capsys.readouterr()
    assert main([*words, "--json"]) == expect
    return json.loads(capsys.readouterr().out)


def test_a_wrong_code_exits_4_and_a_used_one_too(
    line: tuple[SmallCentre, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["enrol", "--data", str(tmp_path / "n"), "--centre", line[1], "--code"]
    refused = said(capsys, *words, "NO-SUCH", expect=4)
    assert refused["message"]["zh"]
    assert refused["next"]["zh"]
    line[0].codes.add("ONCE")
    assert said(capsys, *words, "ONCE")["origin"].startswith("qingzhou.example/node/")
    other = ["enrol", "--data", str(tmp_path / "other"), "--centre", line[1], "--code", "ONCE"]
    said(capsys, *other, expect=4)


def test_check_finds_nothing_on_a_whole_node_and_names_an_altered_entry(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = said(capsys, "check", "--data", str(folder))
    assert {"origin", "entries", "root", "countersigned", "broken_at", "store", "leases"} <= set(whole)
    assert (whole["broken_at"], whole["store"]) == (None, "ok")
    connection = cipher.connect(folder / "node.db", slots.unlock(folder), writer=True)
    connection.execute("UPDATE entry SET detail = x'80' WHERE idx = 2")
    connection.close()
    broken = said(capsys, "check", "--data", str(folder), expect=1)
    assert (broken["broken_at"], broken["reason"]) == (2, "detail altered")


def test_check_tells_a_wrong_key_from_a_damaged_file(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = bytearray((folder / "node.db").read_bytes())
    content[-100] ^= 1
    (folder / "node.db").write_bytes(bytes(content))
    assert said(capsys, "check", "--data", str(folder), expect=1)["store"] == "damaged"
    (folder / "keys/machine.key").write_bytes(b"k" * 32)
    assert said(capsys, "check", "--data", str(folder), expect=1)["store"] == "wrong key"


def test_an_unknown_key_in_the_settings_exits_2_and_names_the_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (folder / "settings.toml").open("a", encoding="utf-8") as file:
        file.write("\nanswer_dedline_ms = 5\n")
    lines = (folder / "settings.toml").read_text(encoding="utf-8").splitlines()
    refused = said(capsys, "exchange", "--data", str(folder), expect=2)
    assert f"第 {lines.index('answer_dedline_ms = 5') + 1} 行" in refused["message"]["zh"]
    assert main(["exchange"]) == 2


def test_an_exchange_without_a_line_exits_3(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (folder / "settings.toml").read_text(encoding="utf-8")
    dead = "\n".join(
        f'centre = "http://127.0.0.1:{free_port()}"' if row.startswith("centre") else row
        for row in text.splitlines()
    )
    (folder / "settings.toml").write_text(dead, encoding="utf-8")
    refused = said(capsys, "exchange", "--data", str(folder), expect=3)
    assert refused["code"] == "centre-unreachable"


def test_the_stick_goes_out_and_comes_back_by_the_commands(
    line: tuple[SmallCentre, str], made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = said(capsys, "export", "--data", str(made), str(tmp_path / "stick"))
    assert written["files"]
    (batch,) = (tmp_path / "stick").iterdir()
    reply = tmp_path / "reply.yzb"
    centre = SmallCentre(line[0].now_ms)
    centre.__dict__ |= line[0].clone(line[0].now_ms).__dict__
    back = said(capsys, "import", "--data", str(made), str(batch), expect=4)
    assert back["code"] == "courier-refused"
    reply.write_bytes(b"not a batch")
    said(capsys, "import", "--data", str(made), str(reply), expect=4)


def test_doctor_gives_a_verdict_a_line_with_the_next_step(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = said(capsys, "doctor", "--data", str(folder))
    assert {line["check"] for line in lines} >= {"settings", "keys", "disk", "store", "ledger", "leases"}
    assert all(line["next"] for line in lines if line["verdict"] != "ok")
    (folder / "keys/machine.key").unlink()
    assert any(line["verdict"] == "bad" for line in said(capsys, "doctor", "--data", str(folder), expect=1))


def test_keys_are_listed_without_their_secrets(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (slot,) = said(capsys, "keys", "--data", str(folder), "list")
    assert set(slot) == {"id", "kind", "created_ms"}


def test_a_backup_opens_with_the_same_key_and_is_never_written_over(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy.db"
    said(capsys, "backup", "--data", str(folder), str(copy))
    said(capsys, "backup", "--data", str(folder), str(copy), expect=4)
    opened = cipher.connect(copy, slots.unlock(folder))
    assert opened.execute("SELECT count(*) FROM entry").fetchone()[0] > 0
    opened.close()


def test_commands_on_a_folder_that_is_no_node_exit_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for verb in ("exchange", "check"):
        assert said(capsys, verb, "--data", str(tmp_path / "none"), expect=2)["code"] == "not-enrolled"
    assert main(["serve", "--data", str(tmp_path / "none")]) == 2


def test_every_command_of_the_interfaces_has_its_help() -> None:
    text = parser().format_help()
    for verb in ("enrol", "serve", "exchange", "export", "import", "check", "doctor", "keys", "backup"):
        assert f"\n    {verb} " in text


def test_a_serving_node_starts_quickly_stays_small_and_stops_with_streams_open(folder: Path) -> None:
    port = free_port()
    words = [sys.executable, "-m", "edge", "serve", "--data", str(folder), "--port", str(port)]
    begun = time.monotonic()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=dict(os.environ))
    try:
        url = f"http://127.0.0.1:{port}"
        until(lambda: _live(process, url), "the node answers", 30, every_s=0.02)
        started_s = time.monotonic() - begun
        second = subprocess.run(words, capture_output=True, check=False, timeout=30)
        assert second.returncode == 3, "two servers on one folder"
        client = httpx.Client(base_url=url, timeout=10)
        body = {"staff": "li.min", "password": PASSWORD, "window": "1"}
        assert client.post("/api/session", json=body).status_code == 200
        streams = [client.stream("GET", "/api/events") for _ in range(5)]
        for stream in streams:
            assert stream.__enter__().status_code == 200
        rss_mb = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * 4096 / 1e6
        ending = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(8) == 0
        assert time.monotonic() - ending < 5
        sys.stderr.write(f"\nstart {started_s:.2f} s, resident {rss_mb:.0f} MB\n")
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(5)
    assert process.stderr is not None
    log = process.stderr.read().decode()
    assert "李敏" not in log
    assert PASSWORD not in log


def _live(process: subprocess.Popen[bytes], url: str) -> bool:
    if process.poll() is not None:
        assert process.stderr is not None
        raise AssertionError(process.stderr.read().decode()[-2000:])
    try:
        return httpx.get(url + "/livez", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False
