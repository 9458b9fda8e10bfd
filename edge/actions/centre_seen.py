"""What this node saw of the centre's own ledger: noted under our signature, kept when that ledger ends."""

import asyncio
import contextlib
from pathlib import Path

import msgspec

from edge.actions.gates import LEVELLING
from edge.actions.node import Node
from edge.actions.stick import write_checked
from edge.errors import CentreRefused, CentreUnreachable
from edge.store.draft import Draft
from edge.store.identity import read_secrets
from edge.store.transaction import Transaction
from edge.store.view import CENTRE_FACT, CentreNoted
from sync.exchange.steps import NoteCentre, NoteLevelling
from sync.exchange.succession import Succeeded
from sync.exchange.view import CentreSeen
from sync.ids import parse_origin
from sync.messages import introduction


async def note(node: Node, step: NoteCentre | NoteLevelling) -> None:
    """What a verified reply says of the centre itself; durable when this returns."""
    if isinstance(step, NoteLevelling):
        await node.store.transact(lambda tx: _levelling(tx, step))
        return
    node.store.clock.trust(step.centre_time_ms)
    await node.store.transact(lambda tx: _centre(tx, step))


async def show_certificate(node: Node) -> None:
    """To a centre that forgot us: what it signed when it admitted us. The next exchange asks again."""
    held = await node.store.read(lambda db: read_secrets(db.connection))
    with contextlib.suppress(CentreRefused, CentreUnreachable):
        await node.uplink.known(node.identity, held["certificate"])


async def write_certificate(node: Node, folder: Path) -> str:
    """The same onto a stick; the file's name, safe to remove on return. Raises as `stick.write_checked`."""
    held = await node.store.read(lambda db: read_secrets(db.connection))
    own = node.identity
    key = introduction.history_key(own.sealing, own.centre.sealing, own.origin)
    shown = introduction.write("certificate", own.origin, held["certificate"], key)
    name = f"{parse_origin(own.origin).name}-certificate{introduction.SUFFIX}"
    await asyncio.to_thread(write_checked, folder / name, shown)
    return name


def _centre(tx: Transaction, step: NoteCentre) -> None:
    """The centre's head, its time and the window in force."""
    seen = CentreSeen(
        size=step.size, root=step.root, time_ms=step.centre_time_ms, next=step.next, origin=step.origin
    )
    if step.succeeded is not None:
        _succeeded(tx, step.succeeded)
    tx.note(CENTRE_FACT, CentreNoted(seen=seen, checkpoint=step.checkpoint))
    tx.execute("DELETE FROM fact WHERE name = ?", (LEVELLING,))
    if step.window_ms:
        tx.note("window_ms", step.window_ms)
    tx.execute("UPDATE ledger_head SET trusted_ms = max(trusted_ms, ?)", (step.centre_time_ms,))
    tx.note("last_contact_ms", tx.now_ms)


def _levelling(tx: Transaction, step: NoteLevelling) -> None:
    """A restored centre: what we saw of it stands, only the place to continue moves; the screen says so."""
    noted = _noted(tx)
    if noted is not None:
        seen = msgspec.structs.replace(noted.seen, next=step.next)
        tx.note(CENTRE_FACT, msgspec.structs.replace(noted, seen=seen))
    tx.note(LEVELLING, tx.now_ms)


def _succeeded(tx: Transaction, succeeded: Succeeded) -> None:
    """The last note of the ended ledger stays for ever as evidence, and an entry says what it was."""
    old = succeeded.old
    tx.note(f"{CENTRE_FACT} {old.origin}", _noted(tx))
    tx.append(
        Draft(
            kind="centre.succeeded",
            actor="centre",
            outcome="admits-less" if succeeded.doubt else "ok",
            object=succeeded.new_origin,
            detail={
                "old_origin": old.origin,
                "size": old.size,
                "root": old.root.hex(),
                "new_origin": succeeded.new_origin,
                "doubt": succeeded.doubt,
            },
        )
    )


def _noted(tx: Transaction) -> CentreNoted | None:
    row = tx.one("SELECT value FROM fact WHERE name = ?", (CENTRE_FACT,))
    return msgspec.json.decode(row[0], type=CentreNoted) if row else None
