"""Steps 7–8: the line is back; the node notices by itself; an auditor and the citizen see every access."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.story import outside
from tests.story.console import Console
from tests.story.memory import Memory, asking
from tests.story.world import World
from tests.waiting import until

NOTICE_S = 90
PURPOSE = "信访核查 XF-2026-118：本人申请查阅访问记录"


async def line_returns(world: World, memory: Memory) -> str:
    """Step 7: meanwhile one citizen's data changed. Exchange by itself, countersignature, confirmed and superseded."""
    changed = memory.citizens["changed"]["number"]
    world.central("records", "change", "--number", changed)
    world.central("publish")
    before = world.hall.clerk.status()["ledger"]
    assert before["countersigned_size"] < before["size"], "nothing waited: the line was not cut"
    world.hall.line.restore()
    world.bus.line.restore()
    wanted = memory.answers["changed"]["entry"]["index"]
    until(lambda: _countersigned(world) > wanted, "the scheduler exchanges by itself", NOTICE_S, every_s=0.2)
    statuses = until(
        lambda: _settled(world, memory), "provisional reports are settled", NOTICE_S, every_s=0.2
    )
    task = until(
        lambda: _call(world, memory.answers["bureau"]["case"]), "the deferral is on the call list", NOTICE_S
    )
    superseded = memory.answers["changed"]
    assert _call(world, superseded["case"]), "a superseded report puts the citizen on the call list"
    memory.node = world.hall.clerk.status()
    return f"confirmed and superseded: {statuses}; deferral fulfilled, on the call list: {task}"


def _countersigned(world: World) -> int:
    return int(world.hall.clerk.status()["ledger"]["countersigned_size"])


def _settled(world: World, memory: Memory) -> dict[str, str] | None:
    """The two reports' states as the hall's own database holds them, once both are settled."""
    rows = outside.node_rows(world.hall, "SELECT serial, status FROM report")
    states = {str(serial): str(status) for serial, status in rows}
    kept = {who: states[memory.answers[who]["report"]["serial"]] for who in ("cached", "changed")}
    return kept if kept == {"cached": "confirmed", "changed": "superseded"} else None


def _call(world: World, case: str) -> str:
    rows = outside.node_rows(
        world.hall, "SELECT zh FROM task WHERE office_case = ? AND kind = 'call' AND state = 'open'", case
    )
    return str(rows[0][0]) if rows else ""


async def auditor_asks(world: World, memory: Memory) -> str:
    """Step 8: who saw one citizen this week: offline reads included, each verified; the citizen sees the same."""
    clerk = world.hall.clerk
    asked, _ = asking(clerk, memory, "cached", "public-credit.self")
    assert asked["mode"] == "online", "the node did not come back online by itself"
    until(
        lambda: _countersigned(world) > asked["entry"]["index"], "the new access is countersigned", NOTICE_S
    )
    since = (datetime.now(UTC) - timedelta(days=7)).strftime("%Y-%m-%d")
    number = memory.citizens["cached"]["number"]
    rows = world.central("trail", "--subject", number, "--since", since)
    modes = sorted(row["mode"] for row in rows)
    assert {"cached", "online"} <= set(modes), f"the trail shows {modes}"
    for row in rows:
        _complete(row, world)
    denied = world.central("trail", "--outcome", "denied", "--since", since)
    assert len(denied) >= 2, "the refusal and the denial of the outage are accesses too"
    console = Console(world.centre_url)
    console.sign_in("audit", memory.administrators["audit"])
    page = console.trail(number, PURPOSE)
    assert "清河县市民之家" in page
    assert number not in page
    own = _citizens_view(world, memory)
    shown = [row for row in own if row["mode"] in {"cached", "online"}]
    assert len(shown) >= len(rows), f"the citizen sees {len(shown)} accesses, the auditor {len(rows)}"
    return f"{len(rows)} accesses, modes {modes}; the citizen's view shows {len(own)}"


def _complete(row: dict[str, Any], world: World) -> None:
    """Place, clerk, purpose, basis, mode, age, occurred and arrived, verified state."""
    assert row["node_name"] == world.hall.name
    assert row["actor"] == "li.min"
    for key in ("purpose", "basis", "mode", "occurred_ms", "arrived_ms", "as_of_ms"):
        assert row[key], f"the trail's row has no {key}"
    assert row["verified"] == "countersigned", row


def _citizens_view(world: World, memory: Memory) -> list[dict[str, Any]]:
    """谁查过我 at the hall's window, with the citizen's own card."""
    read, _ = world.hall.clerk.lay(outside.card_of(memory.citizens["cached"]))
    reply = world.hall.clerk.http.post("/api/own-trail", json={"read_id": read["read_id"]})
    world.hall.clerk.lift()
    assert reply.status_code == 200, reply.text
    return list(reply.json()["accesses"])
