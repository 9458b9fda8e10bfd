"""The centre as a real process: it leaves nothing running behind it."""

import signal
import subprocess
import sys
from pathlib import Path

import httpx

from tests.story.programs import free_port
from tests.waiting import until

ENOUGH_S = 60


def test_a_stopped_centre_takes_its_embedded_database_with_it(tmp_path: Path):
    words = [sys.executable, "-m", "central"]
    place = ["--data", str(tmp_path)]
    subprocess.run([*words, "init", *place, "--json"], check=True, capture_output=True, timeout=ENOUGH_S)
    port = free_port()
    centre = subprocess.Popen([*words, "serve", *place, "--port", str(port)], stderr=subprocess.DEVNULL)
    try:
        until(lambda: _lives(port), "the centre answers", 30)
        assert (tmp_path / "pg" / "postmaster.pid").exists()
        centre.send_signal(signal.SIGTERM)
        assert centre.wait(ENOUGH_S) == 0
    finally:
        centre.kill()
        centre.wait(ENOUGH_S)
    assert not (tmp_path / "pg" / "postmaster.pid").exists(), "PostgreSQL was left running"


def _lives(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/livez", timeout=1).is_success
    except httpx.HTTPError:
        return False
