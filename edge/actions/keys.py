"""Key slots: list, add, remove, rotate (protocol.md 6). Every change is an entry of the node's ledger."""

import asyncio
import base64
import secrets
from pathlib import Path

import msgspec
import structlog

from edge.actions.node import Node
from edge.errors import Busy, Refused
from edge.settings import load
from edge.store import cipher, shares, slots
from edge.store.draft import Draft
from edge.store.files import hold_lock, hold_service, write_durably
from edge.store.slots import Kind, Slot
from edge.store.store import FILE, open_store
from matters.model import Words
from sync.ids import parse_origin
from sync.signing.keys import SealingKey

log = structlog.get_logger("keys")
LOCK = "keys.lock"
PASSPHRASE_LETTERS_MIN = 12
SLOTS_MAX = 8


class SlotRow(msgspec.Struct, frozen=True, kw_only=True):
    """A slot as it is listed; never a key."""

    id: str
    kind: Kind
    created_ms: int


class SlotAdded(msgspec.Struct, frozen=True, kw_only=True):
    """A new slot. `shares`: the three texts of a county slot, shown once and kept by three persons."""

    id: str
    kind: Kind
    shares: tuple[str, ...] = ()


def listed(data: Path) -> list[SlotRow]:
    """The slots of this folder. Raises NotEnrolled, Damaged."""
    return [SlotRow(id=one.id, kind=one.kind, created_ms=one.created_ms) for one in slots.slots(data)]


async def add(node: Node, kind: Kind, *, passphrase: str = "") -> SlotAdded:
    """One more way to open the database; durable, and an entry, when this returns.

    A manager's slot needs a passphrase of 12 characters or more; a county's is split two of three; escrow is
    sealed to the centre. Raises Refused for a machine slot (there is one a machine) and beyond eight slots.
    """
    with hold_lock(node.data / LOCK, Busy("another command changes the slots")):
        held = slots.slots(node.data)
        if kind == "machine" or len(held) >= SLOTS_MAX:
            raise Refused("one machine slot, eight slots", message=_NO_MORE, step=_REMOVE_FIRST)
        slot, texts = await asyncio.to_thread(_made, node, held, kind, passphrase)
        await asyncio.to_thread(slots.write, node.data, (*held, slot))
        await _entry(node, "slot-added", slot.id)
    return SlotAdded(id=slot.id, kind=kind, shares=texts)


def _made(node: Node, held: tuple[Slot, ...], kind: Kind, passphrase: str) -> tuple[Slot, tuple[str, ...]]:
    database, stem = slots.unlock(node.data), parse_origin(node.identity.origin).stem
    empty = Slot(id=_free(held, kind), kind=kind, created_ms=node.now_ms(), stem=stem)
    if kind == "manager":
        if len(passphrase) < PASSPHRASE_LETTERS_MIN:
            raise Refused("passphrase too short", message=_SHORT, step=_LONGER)
        salt = secrets.token_bytes(slots.SALT_BYTES)
        salted = msgspec.structs.replace(empty, salt=base64.b64encode(salt).decode())
        return slots.sealed(salted, slots.passphrase_key(passphrase, salt).public, database), ()
    if kind == "county":
        secret = secrets.token_bytes(shares.SECRET_BYTES)
        return slots.sealed(empty, SealingKey.from_bytes(secret).public, database), shares.split(secret)
    return slots.sealed(empty, node.identity.centre.sealing, database), ()


def _free(held: tuple[Slot, ...], kind: Kind) -> str:
    taken = {one.id for one in held}
    return next(name for name in (kind, *(f"{kind}-{n}" for n in range(2, 99))) if name not in taken)


async def remove(node: Node, slot_id: str) -> SlotRow:
    """Take a slot away; its passphrase or shares open nothing any more (rotate, if they leaked).

    Raises Refused for the machine's own slot (the node starts with it) and for one that is not there.
    """
    with hold_lock(node.data / LOCK, Busy("another command changes the slots")):
        held = slots.slots(node.data)
        found = next((one for one in held if one.id == slot_id), None)
        if found is None:
            raise Refused(f"no slot {slot_id[:40]!r}", message=_NO_SLOT, step=_LIST)
        if found.kind == "machine":
            raise Refused("the machine's slot", message=_OWN, step=_ROTATE)
        await _entry(node, "slot-removed", slot_id)
        await asyncio.to_thread(slots.write, node.data, tuple(one for one in held if one is not found))
    return SlotRow(id=found.id, kind=found.kind, created_ms=found.created_ms)


async def rotate(data: Path) -> list[SlotRow]:
    """A new database key, in every slot; old copies of slots and of the database open each other only.

    Every page is written anew: the node must not serve meanwhile (Busy). A crash leaves the old key or the
    new one, never neither; the next start knows which. Durable when this returns.
    """
    with hold_service(data), hold_lock(data / LOCK, Busy("slots change")):
        await asyncio.to_thread(_rotate, data)
        store = await open_store(data, load(data))
        try:
            await store.transact(lambda tx: tx.append(Draft(kind="mark", outcome="key-rotated")))
        finally:
            await store.close()
    log.info("keys.rotated", code="ok")
    return listed(data)


def _rotate(data: Path) -> None:
    old, new = slots.unlock(data), slots.fresh()
    slots.prepare(data, slots.rewrapped(data, slots.slots(data), new))
    cipher.rekey(data / FILE, old, new)
    slots.promote(data)


async def _entry(node: Node, outcome: str, slot_id: str) -> None:
    await node.store.transact(lambda tx: tx.append(Draft(kind="mark", outcome=outcome, object=slot_id)))


async def ask_release(data: Path) -> str:
    """A public key (base64) for the centre to release an escrowed key to; its private half stays in DATA."""
    path = data / "keys" / "restore.key"

    def make() -> str:
        if not path.exists():
            write_durably(path, SealingKey.generate().seed())
        return base64.b64encode(SealingKey.from_bytes(path.read_bytes()).public).decode()

    return await asyncio.to_thread(make)


_NO_MORE = Words(zh="不能再加这种密钥槽。", en="No more slots of this kind.")
_REMOVE_FIRST = Words(
    zh="本机槽只有一个；密钥槽最多 8 个，请先移除不用的。",
    en="There is one machine slot and at most eight in all: remove one first.",
)
_SHORT = Words(zh="口令太短。", en="The passphrase is too short.")
_LONGER = Words(zh="口令至少 12 个字符。", en="Use 12 characters or more.")
_NO_SLOT = Words(zh="没有这个密钥槽。", en="There is no such slot.")
_LIST = Words(zh="用 edge keys list 查看。", en="See edge keys list.")
_OWN = Words(zh="本机槽不能移除：节点靠它启动。", en="The machine's own slot stays: the node starts with it.")
_ROTATE = Words(
    zh="如本机密钥泄露，请用 edge keys rotate 更换数据库密钥。",
    en="If this machine's key leaked, rotate with edge keys rotate.",
)
