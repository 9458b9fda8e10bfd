"""Papers photographed into a case by the document camera.

A picture is kept in the node's database (encrypted like everything in it) under its SHA-256; the entry of
taking it names that digest, and looking at it is an entry too. Dropped with the report files (`prune`).
"""

import hashlib

import msgspec

from drivers.errors import DriverError
from edge.actions import cases, duties
from edge.actions.marks import mark
from edge.actions.node import Node, Session
from edge.errors import NotThere, WrongMoment
from edge.store.draft import Draft
from edge.store.transaction import Transaction
from matters.model import Words

PHOTOS_MAX = 40
"""Pictures one case may hold."""
_ENOUGH = Words(zh=f"一个办件最多拍 {PHOTOS_MAX} 张。", en=f"A case holds {PHOTOS_MAX} pictures at most.")
_ENOUGH_STEP = Words(zh="请另外收存纸质复印件。", en="Keep a paper copy of the rest.")
_NO_CAMERA = Words(zh="本窗口没有高拍仪。", en="This window has no document camera.")
_NO_CAMERA_STEP = Words(zh="请收存纸质复印件。", en="Keep a paper copy.")


class Photo(msgspec.Struct, frozen=True, kw_only=True):
    """One picture of a case: the hex of its SHA-256, when it was taken, its size."""

    digest: str
    taken_ms: int
    size_bytes: int


async def take(node: Node, session: Session, number: str) -> Photo:
    """Photograph what lies under the window's camera into a case; durable with its entry when this returns.

    The same picture twice is one. Raises NotThere (no such case), NotAllowed (another's case), WrongMoment
    (no camera, none that works, or too many pictures), each with words.
    """
    await _mine(node, session, number)
    device = node.hall.device_of(session.window, "document_camera") if node.hall else ""
    if node.hall is None or not device:
        raise WrongMoment("no-camera", message=_NO_CAMERA, step=_NO_CAMERA_STEP)
    try:
        picture = await node.hall.picture(device)
    except DriverError as error:
        raise WrongMoment(error.code, message=error.words, step=error.next) from None
    digest = hashlib.sha256(picture).digest()

    def keep(tx: Transaction) -> Photo:
        held = tx.one("SELECT taken_ms FROM photo WHERE office_case = ? AND digest = ?", (number, digest))
        if held:
            return Photo(digest=digest.hex(), taken_ms=int(held[0]), size_bytes=len(picture))
        (count,) = tx.one("SELECT count(*) FROM photo WHERE office_case = ?", (number,)) or (0,)
        if count >= PHOTOS_MAX:
            raise WrongMoment("too-many-photos", message=_ENOUGH, step=_ENOUGH_STEP)
        placed = tx.append(_draft(session, "paper-photographed", number, digest))
        tx.execute("INSERT INTO photo VALUES (?,?,?,?,?)", (number, digest, tx.now_ms, placed.index, picture))
        return Photo(digest=digest.hex(), taken_ms=tx.now_ms, size_bytes=len(picture))

    return await node.store.transact(keep)


async def listed(node: Node, number: str) -> tuple[Photo, ...]:
    """The pictures of a case, oldest first; nothing of what they show."""
    rows = await node.store.read(
        lambda db: db.query(
            "SELECT hex(digest), taken_ms, length(picture) FROM photo WHERE office_case = ?"
            " ORDER BY taken_ms",
            (number,),
        )
    )
    return tuple(Photo(digest=str(row[0]).lower(), taken_ms=row[1], size_bytes=row[2]) for row in rows)


async def look(node: Node, session: Session, number: str, digest: str) -> bytes:
    """One picture; that it was looked at is durable on the ledger before the bytes go.

    Raises NotThere, NotAllowed (another's case).
    """
    await _mine(node, session, number)
    named = _digest(digest)
    row = await node.store.read(
        lambda db: db.one(
            "SELECT CAST(picture AS BLOB) FROM photo WHERE office_case = ? AND digest = ?", (number, named)
        )
    )
    if row is None:
        raise NotThere("no such picture")
    await node.store.transact(lambda tx: tx.append(_draft(session, "photo-seen", number, named)))
    return bytes(row[0])


async def _mine(node: Node, session: Session, number: str) -> None:
    """A clerk has to do with their own cases and their window's, those on duty with every case."""
    case = await cases.case(node, session, number)
    if not case.mine and case.window != session.window:
        await duties.require(node, session, duties.PAPER)


def _digest(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise NotThere("no such picture") from None


def _draft(session: Session, outcome: str, number: str, digest: bytes) -> Draft:
    return mark(session, outcome, "document_camera", note=f"{number} sha256:{digest.hex()}")
