"""A node's database key in our keeping: opened for an officer, for one new machine, on our ledger."""

import base64
import binascii

import msgspec

from central.actions.centre import AdminSession, Centre
from central.actions.own_ledger import drafted, note_missing, record
from central.errors import FileRefused, NotFound
from central.security.permissions import require
from central.store import fleet
from matters.model import Refusal, Words
from sync.errors import UNREADABLE, SyncError
from sync.ids import Origin
from sync.signing.escrow import open_slot, release

KEY_BYTES = 32


class _Slot(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    kind: str
    wrapped: str
    stem: str = ""


class _Companion(msgspec.Struct, frozen=True, kw_only=True):
    """The `.keys` file beside a node's backup, as far as it matters here."""

    origin: str
    slots: tuple[_Slot, ...]


class Released(msgspec.Struct, frozen=True, kw_only=True):
    """The key of a node's backup, sealed (base64) to the machine that asked; of no use to anybody else."""

    node: str
    slot: str
    sealed: str


async def give(
    centre: Centre, admin: AdminSession, node: str, companion: bytes, public: str, note: str
) -> Released | Refusal:
    """Open the escrow slot of a node's backup for a new machine; an entry on our ledger before it leaves.

    `companion` is the backup's `.keys` file, `public` what `edge keys ask` printed (base64). Raises
    NotFound for an unknown node, FileRefused for a file that holds no escrow slot of ours.
    """
    require(admin.role, "escrow.release")
    refusal = note_missing(note, _WHO_ASKED, _RULE)
    if refusal is not None:
        return refusal
    found = _read(companion)
    async with centre.store.transaction() as tx:
        if await fleet.node(tx, node) is None:
            raise NotFound("没有这个节点。", "there is no such node")
        stem = Origin(authority=centre.settings.authority, role="node", name=node).stem
        if found.origin.rpartition("/")[0] != stem:
            raise FileRefused("这份备份属于另一节点。", "the backup is another node's")
        slot, key = _key(centre, found, stem)
        sealed = release(_public(public), node, key)
        draft = drafted(
            admin, "admin.changed", f"escrow {slot} of {found.origin}", note.strip(), outcome="released"
        )
        await record(centre, tx, draft)
    return Released(node=node, slot=slot, sealed=base64.b64encode(sealed).decode())


def _read(companion: bytes) -> _Companion:
    try:
        return msgspec.json.decode(companion, type=_Companion)
    except UNREADABLE as error:
        raise FileRefused("不是备份的 .keys 文件。", "not the .keys file of a backup") from error


def _key(centre: Centre, found: _Companion, stem: str) -> tuple[str, bytes]:
    """Name and key of the first escrow slot; bound to this node, unless it is of the time before that."""
    for slot in found.slots:
        if slot.kind == "escrow":
            bound = stem if slot.stem else ""
            try:
                return slot.id, open_slot(centre.keys.sealing, bound, slot.id, base64.b64decode(slot.wrapped))
            except (SyncError, binascii.Error) as error:
                reason = "the escrow slot was not sealed to this centre for this node"
                raise FileRefused("托管槽不是这个节点封给本中心的。", reason) from error
    raise FileRefused("备份里没有托管槽。", "the backup has no escrow slot")


def _public(text: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise FileRefused("公钥格式不对。", "the public key is not base64") from error
    if len(raw) != KEY_BYTES:
        raise FileRefused("公钥格式不对。", "the public key has not 32 bytes")
    return raw


_RULE = "密钥托管（protocol.md 6）"
_WHO_ASKED = Words(zh="谁申请、如何核实", en="who asked and how you made sure")
