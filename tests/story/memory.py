"""What the story remembers between its steps."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.story import outside
from tests.story.clients import Clerk
from tests.story.world import World

VERIFY_S = 30.0


class Memory:
    """Citizens by role, their reads and answers, the reports kept as files, the administrators' passwords."""

    def __init__(self) -> None:
        self.administrators: dict[str, str] = {}
        self.citizens: dict[str, dict[str, str]] = {}
        self.reads: dict[str, dict[str, Any]] = {}
        self.answers: dict[str, dict[str, Any]] = {}
        self.reports: list[dict[str, str]] = []
        self.node: dict[str, Any] = {}
        self.centre: dict[str, Any] = {}

    def keep_report(self, world: World, clerk: Clerk, serial: str, status: str) -> str:
        """Save the report's file, verify it without network, and return its text."""
        path = world.folder / "reports" / f"{serial}.pdf"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(clerk.pdf(serial))
        self.reports.append({"serial": serial, "path": str(path), "status": status})
        verified(world, path)
        text = outside.pdf_text(path)
        assert serial in text, f"{serial} is not printed on its report"
        return text


def verified(world: World, report: Path, expect: int = 0) -> dict[str, Any]:
    """What the stand-alone verifier says of a report, with the centre's published keys only."""
    trust = world.folder / "trust.json"
    if not trust.exists():
        trust.write_text(json.dumps(world.central("trust")), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "yizhan_verify", str(report), "--trust", str(trust), "--json"],
        stdout=subprocess.PIPE,
        timeout=VERIFY_S,
        check=False,
    )
    assert done.returncode == expect, f"yizhan-verify: exit {done.returncode}: {done.stdout.decode()}"
    return dict(json.loads(done.stdout))


def asking(
    clerk: Clerk, memory: Memory, who: str, matter: str, expect: int = 200, **more: Any
) -> tuple[Any, float]:
    """Lay that citizen's card (once), ask, lift it; return the reply's document and the milliseconds it took."""
    if who not in memory.reads:
        memory.reads[who], _ = clerk.lay(outside.card_of(memory.citizens[who]))
    reply, took_ms = clerk.ask(matter, memory.reads[who], **more)
    clerk.lift()
    assert reply.status_code == expect, (
        f"{matter}: {reply.status_code} instead of {expect}: {reply.text[:600]}"
    )
    return reply.json(), took_ms
