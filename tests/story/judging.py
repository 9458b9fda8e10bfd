"""Steps 9–10: tampering is found and named on both sides; the day is closed and reconciled."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg

from tests.story import outside
from tests.story.memory import Memory, asking
from tests.story.programs import command
from tests.story.world import World
from tests.waiting import until

CHINA_H = 8
EXCHANGE_S = 60


async def tampering(world: World, memory: Memory) -> str:
    """Step 9: on copies, one stored entry is altered with the key (a thief with root); both checks name it."""
    victim = int(memory.answers["cached"]["entry"]["index"])
    assert world.hall.edge("check")["broken_at"] is None
    copy = world.folder / "stolen-node"
    outside.copy_node(world.hall.data, copy)
    thief = outside.node_connection(copy, writer=True)
    thief.execute("UPDATE entry SET leaf = replace(leaf, ?, ?) WHERE idx = ?", (b"li.min", b"wu.yue", victim))
    thief.close()
    found = command("edge", "check", "--data", str(copy), expect=1)
    assert found["broken_at"] == victim, f"edge check names {found['broken_at']}, altered was {victim}"
    assert world.central("check")["nodes"], "the centre's check lists its nodes"
    named = await _tampered_centre(world, memory, victim)
    return f"edge check names entry {victim}; central check names entry {named}"


async def _tampered_centre(world: World, memory: Memory, victim: int) -> int:
    """Alter the same entry in a copy of the centre's database, made and opened by the database's owner."""
    copy = world.folder / "stolen-centre"
    await outside.copy_centre(world.centre_data, copy)
    origin = memory.node["origin"]
    async with outside.second_server(copy) as dsn:
        thief = await asyncpg.connect(dsn)
        try:
            done = await thief.execute(
                "UPDATE entry_body SET leaf = set_byte(leaf, length(leaf) - 1, (get_byte(leaf, length(leaf) - 1) + 1) % 256)"
                " WHERE origin = $1 AND idx = $2",
                origin,
                victim,
            )
            assert done == "UPDATE 1", done
        finally:
            await thief.close()
    found = command("central", "check", "--data", str(copy), expect=1)
    broken = {node["origin"]: node["broken_at"] for node in found["nodes"]}
    assert broken[origin] == victim, f"central check names {broken}, altered was {victim}"
    return int(broken[origin])


async def day_closes(world: World, memory: Memory) -> str:
    """Step 10: everything printed and handed over: matched. Then a spoiled sheet and an unprinted report: findings."""
    clerk = world.hall.clerk
    today = (datetime.now(UTC) + timedelta(hours=CHINA_H)).strftime("%Y-%m-%d")
    for job in _jobs(world):
        _confirm(world, job, "good")
    matched = _close_and_reconcile(world, today)
    assert matched["matched"], f"the day should match: {matched['findings']}"
    spoilt, _ = asking(clerk, memory, "other", "public-credit.self")
    unprinted, _ = asking(clerk, memory, "unpermitted", "public-credit.self")
    by_serial = {job["serial"]: job for job in _jobs(world)}
    _confirm(world, by_serial[spoilt["report"]["serial"]], "spoiled")
    judged = _close_and_reconcile(world, today)
    centre = {finding["object"] for finding in judged["findings"]}
    node = {row[0] for row in outside.node_rows(world.hall, "SELECT about FROM finding WHERE state = 'open'")}
    wanted = {spoilt["report"]["serial"], unprinted["report"]["serial"]}
    assert wanted <= centre, f"the centre lists {sorted(centre)}, expected {sorted(wanted)}"
    until(
        lambda: wanted <= _node_findings(world),
        f"the hall lists {sorted(node)}, expected {sorted(wanted)}",
        30,
    )
    memory.centre["findings"] = len(judged["findings"])
    return f"matched first; then {len(judged['findings'])} findings on both sides: {sorted(wanted)}"


def _node_findings(world: World) -> set[str]:
    rows = outside.node_rows(world.hall, "SELECT about FROM finding WHERE state = 'open'")
    return {str(row[0]) for row in rows}


def _jobs(world: World) -> list[dict[str, Any]]:
    """The print jobs of reports that still wait for a person's word."""
    rows = outside.node_rows(world.hall, "SELECT id, serial, state FROM print_job WHERE kind = 'report'")
    open_states = {"asked", "queued", "sent", "device-confirmed"}
    return [{"id": row[0], "serial": row[1]} for row in rows if row[2] in open_states]


def _confirm(world: World, job: dict[str, Any], outcome: str) -> None:
    """Say of a paper what became of it, as the print page does, and hand a good one over."""
    post = world.hall.clerk.http.post
    reason = "卡纸" if outcome == "spoiled" else ""
    world.hall.clerk.pdf(job["serial"])
    reply = post(f"/api/prints/{job['id']}", json={"outcome": outcome, "reason": reason})
    assert reply.is_success, reply.text[:500]
    if outcome == "good":
        reply = post(f"/api/reports/{job['serial']}/hand-over")
        assert reply.is_success, reply.text[:500]


def _close_and_reconcile(world: World, day: str) -> dict[str, Any]:
    """Close the day at the hall, exchange, let the centre recount, and bring its findings back."""
    reply = world.hall.clerk.http.post("/api/day", json={"day": day})
    assert reply.is_success, reply.text[:500]
    world.hall.edge("exchange")
    result = world.central("reconcile", "--day", day)
    world.hall.edge("exchange")
    origin = world.hall.clerk.status()["origin"]
    return next(node for node in result["nodes"] if node["origin"] == origin)


def forget(folder: Path) -> None:
    """Remove the thief's copies."""
    shutil.rmtree(folder, ignore_errors=True)
