"""Stories of the centre's own ledger: restored, lying about what it lost, shown in two views (P3, rules 4.4 and 8.8)."""

import json
import tempfile
from pathlib import Path

import msgspec

from central.actions import own_ledger
from central.actions.own_ledger import Draft
from central.store import ledger
from central.store.incarnations import CENTRE
from edge.actions import witness
from edge.store.view import CENTRE_FACT
from sync.ids import parse_origin
from sync.messages.incarnation import RESTORED
from tests.simulation.offence import demand
from tests.simulation.place import Backup
from tests.simulation.restoring import approved, put_back
from tests.simulation.rule_stories import in_level
from tests.simulation.side import Side
from tests.simulation.stories import serve, sync_up
from tests.simulation.world import World

NOTED = "SELECT value FROM fact WHERE name LIKE ?"


async def _forgets_an_hour(world: World, side: Side) -> None:
    """The centre goes back to before the last exchange, and its anchor with it: only the node can know."""
    await in_level(world, side)
    backup = Backup(world.place)
    await backup.take()
    await serve(world, side)
    await sync_up(world, side)
    await put_back(world, backup, with_anchor=True)


async def a_centre_that_hides_what_it_signed(world: World, side: Side) -> None:
    """It begins anew and does not name what this node saw: the node goes on, keeps its note, and says so to all."""
    await _forgets_an_hour(world, side)
    await sync_up(world, side)
    await world.place.witness.execute("DELETE FROM evidence WHERE kind = $1", RESTORED.code)
    await approved(world.place)
    for _ in range(3):
        await sync_up(world, side)
    said = [line for line in side.book.lines if line.kind == "centre.succeeded"]
    demand(
        said and said[0].entry.outcome == "admits-less",
        "P3",
        "what a node saw was not named, and it is silent",
    )
    kept = json.loads(side.book.query(NOTED, f"{CENTRE_FACT} %")[0][0])
    demand(kept["seen"]["size"] == said[0].detail["size"], "P3", "the note of the old ledger was not kept")
    assert side.court is not None
    found = await side.court.rows(
        "SELECT object FROM finding WHERE origin = $1 AND object LIKE 'centre at %'"
    )
    demand(found, "P3", "no auditor can see that the centre hides what a node saw")


async def a_new_ledger_without_a_reason(world: World, side: Side) -> None:
    """Somebody with the centre's key begins another ledger without officers, opened by no opening: no node follows."""
    await in_level(world, side)
    centre, backup = world.place.centre, Backup(world.place)
    await backup.take()
    async with centre.store.transaction() as tx:
        old = (await own_ledger.origins(centre, tx))[-1]
        new = f"{old.rpartition('/')[0]}/i{parse_origin(old).incarnation + 1}"
        await ledger.open_head(tx, new)
        await tx.execute(
            "INSERT INTO incarnation (origin, asked, node, reason, signing, sealing, claim, asked_ms, state, new_origin,"
            " settled_ms) VALUES ($1, 'nobody', $2, $3, '', '', '{}', 0, 'begun', $4, 0)",
            old, CENTRE, RESTORED.code, new,
        )  # fmt: skip
        await own_ledger.record(centre, tx, Draft(kind="admin.changed", object="nothing happened"))
    await serve(world, side)
    before = side.book.acknowledged
    await sync_up(world, side)
    follows = side.book.acknowledged > before
    await put_back(world, backup, with_anchor=True)
    demand(not follows, "P3", "a node follows a ledger that nobody opened")


async def two_views(world: World, side: Side) -> None:
    """Two nodes are shown two histories of one size and more: whoever compares their views has the proof."""
    other = await world.found("other", "hall")
    await in_level(world, side)
    await in_level(world, other)
    backup = Backup(world.place)
    await backup.take()
    await serve(world, side)
    await sync_up(world, side)
    await put_back(world, backup, with_anchor=True)
    await serve(world, other, 2)
    await sync_up(world, other)
    with tempfile.TemporaryDirectory(dir=world.folder) as folder:
        path = Path(folder) / "other.json"
        path.write_bytes(msgspec.json.encode(await witness.witness(other.hall.node)))
        done = await witness.compared(side.hall.node, [path])
    demand(done.splits, "P3", "two nodes hold two histories of one centre, and comparing them shows nothing")
