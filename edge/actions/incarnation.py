"""A new incarnation of a node that still has its database (protocol 1): ask, wait for officers, begin.

1  keys    new keys are made once and offered at every try, so that officers approve these and no others
2  ask     with the old key's signature (or a one-time code where that key is no longer trusted)
3  retire  ONE transaction: the old ledger aside, the new keys in force, the opening due
4  finish  first entry, carried entries (`succession`), leases
"""

import secrets
from pathlib import Path
from typing import Any

import msgspec
import structlog

from edge.actions import enrol, exchange, leases, succession
from edge.actions.exchange import LOCK_WAIT_S
from edge.actions.gates import RESTORED, countersigned_size
from edge.actions.node import Node
from edge.errors import Busy, CentreUnreachable, Damaged, Refused
from edge.store import anchor, past
from edge.store.files import hold_service, wait_for_lock
from edge.store.identity import Seeds, read_secrets, seeds
from edge.store.ledger import size_and_root
from edge.store.reader import Reading
from edge.store.transaction import Transaction
from edge.store.view import CENTRE_FACT, DIRECTIVE_FACT, CentreNoted
from edge.uplink.line import Enrolled
from matters.model import Words
from sync.errors import SyncError
from sync.ids import Origin, parse_origin
from sync.messages import introduction
from sync.messages.incarnation import OPEN_MAX, Claim, Opening, OpenWork, fingerprint, reason
from sync.signing.certificate import Certificate
from sync.signing.keys import SealingKey, SigningKey
from sync.signing.notes import cosign, only_signed_by

log = structlog.get_logger("incarnation")
NEXT = {"signing": "next.signing", "sealing": "next.sealing", "salt": "next.salt"}
KEY_GONE = "key-compromised"


class Renewed(msgspec.Struct, frozen=True, kw_only=True):
    """Who the node now is, and what became of its old ledger."""

    origin: str
    old_origin: str
    reason: str
    approved_by: tuple[str, ...]
    carried: int
    lost: int


class _Offer(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked with: new keys, why, and the state of the old ledger."""

    own: Seeds
    why: str
    claim: Claim
    start: int
    end: int
    gaps: bool


async def renew(node: Node, why: str, *, code: str = "", anew: bool = False) -> Renewed:
    """Become the next incarnation, once officers approved; everything is durable when this returns.

    Ask as often as needed: the same new keys are offered (others with `anew`). Raises CentreRefused while
    officers have not approved, or said no; Refused for a reason that is not in the table; Busy while the
    node serves. After a crash the next start goes on.
    """
    _must_be_reason(why)
    line = wait_for_lock(node.data / exchange.LOCK, Busy("an exchange runs"), LOCK_WAIT_S)
    with hold_service(node.data):
        async with node.exchanging, line:
            carried = await succession.finish(node.store)
            offer = await _offer(node, why, anew=anew)
            return await _begin(node, offer, await _ask(node, offer, code), carried)


async def request(
    node: Node, why: str, folder: Path, *, code: str = "", anew: bool = False
) -> enrol.Requested:
    """Ask on a stick instead (`renew` over a line): the request's file, safe to remove on return.

    Raises as `renew` does for a bad reason and while the node serves.
    """
    _must_be_reason(why)
    with hold_service(node.data):
        await succession.finish(node.store)
        offer, own = await _offer(node, why, anew=anew), node.identity
        if code:
            name, key = introduction.locator(code), introduction.code_key(code)
        else:
            name, key = own.origin, introduction.history_key(own.sealing, own.centre.sealing, own.origin)
        return await enrol.write_request(node.store, folder, name, key, _body(offer, code=""))


async def accept(node: Node, file: Path) -> Renewed:
    """Begin with the centre's answer on a stick. Raises CourierRefused for a file that is none of ours."""
    with hold_service(node.data):
        async with node.exchanging:
            carried = await succession.finish(node.store)
            reply = await enrol.read_answer(node.store, file)
            if reply.opening is None:
                raise CentreUnreachable("not the next incarnation of this node")
            offer = await _offer(node, reply.opening.reason, anew=False)
            return await _begin(node, offer, reply, carried)


def _must_be_reason(why: str) -> None:
    try:
        reason(why)
    except SyncError as error:
        raise Refused(error.detail, message=_NO_REASON, step=_REASONS) from error


async def _offer(node: Node, why: str, *, anew: bool) -> _Offer:
    own = await node.store.transact(lambda tx: _next_keys(tx, anew=anew))
    kept = anchor.read(node.data)

    anchored = kept.size if kept is not None and kept.origin == node.identity.origin else 0
    gaps, claim, end = await node.store.read_long(lambda db: _state(db, anchored))
    return _Offer(own=own, why=why, claim=claim, start=claim.countersigned, end=end, gaps=gaps)


def _state(db: Reading, anchored: int) -> tuple[bool, Claim, int]:
    """Whether the old ledger has gaps, what is said of it, and where it ends.

    With gaps its size is what was countersigned and what is still here of the rest: the others are lost. What
    was appended since stands behind.
    """
    size, root = size_and_root(db.connection)
    ended = past.ended(db)
    if ended is None:
        signed = countersigned_size(db)
        claim = Claim(
            size=size, root=root.hex(), anchored=anchored, countersigned=signed, open=_open_work(db)
        )
        return False, claim, size
    behind = db.query(f"SELECT count(*) FROM {past.SALVAGED} WHERE idx >= ?", (ended.countersigned,))  # noqa: S608 -- one name
    here = max(0, ended.whole - ended.countersigned) + behind[0][0]
    claim = Claim(
        size=ended.countersigned + here,
        anchored=max(anchored, ended.size),
        countersigned=ended.countersigned,
    )
    return True, claim, ended.size + size - ended.whole


def _open_work(db: Reading) -> tuple[OpenWork, ...]:
    """Promises and provisional reports whose letter has not come, as far as this disk knows."""
    rows = db.query(
        "SELECT number, idx, leaf_hash FROM office_case JOIN entry ON idx = entry WHERE state = 'deferred'"
        " UNION ALL SELECT serial, idx, entry.leaf_hash FROM report JOIN entry ON idx = entry"
        " WHERE status = 'provisional' LIMIT ?",
        (OPEN_MAX,),
    )
    return tuple(OpenWork(about=row[0], index=row[1], leaf_hash=bytes(row[2]).hex()) for row in rows)


def _next_keys(tx: Transaction, *, anew: bool) -> Seeds:
    if anew:
        tx.execute("DELETE FROM secret WHERE name IN (?,?,?)", tuple(NEXT.values()))
    held = {name: row[0] for name, kept in NEXT.items() if (row := tx.one(_SECRET, (kept,)))}
    found = seeds(held)
    if found is not None:
        return found
    made = Seeds(
        signing=SigningKey.generate(), sealing=SealingKey.generate(), salt_key=secrets.token_bytes(32)
    )
    rows = [
        (NEXT["signing"], made.signing.seed()),
        (NEXT["sealing"], made.sealing.seed()),
        (NEXT["salt"], made.salt_key),
    ]
    tx.execute_many("INSERT OR REPLACE INTO secret VALUES (?,?)", rows)
    return made


_SECRET = "SELECT CAST(value AS BLOB) FROM secret WHERE name = ?"  # noqa: S105 -- a statement, no secret


async def _ask(node: Node, offer: _Offer, code: str) -> Enrolled:
    body = _body(offer, code)
    log.info("incarnation.asked", code=offer.why)
    return await (node.uplink.enrol(body) if code else node.uplink.renew(node.identity, body))


def _body(offer: _Offer, code: str) -> dict[str, Any]:
    return {
        "code": code,
        **enrol.keys_of(offer.own),
        "reason": offer.why,
        "claim": msgspec.to_builtins(offer.claim),
    }


async def _begin(node: Node, offer: _Offer, reply: Enrolled, before: int) -> Renewed:
    """Steps 3 and 4."""
    kept, certificate, centre = enrol.take(reply, offer.own)
    old = parse_origin(node.identity.origin)
    opening = _judged(reply.opening, old, certificate)

    def retire(tx: Transaction) -> None:
        past.retire(tx, old.incarnation)
        _keys_in_force(tx, old.incarnation, offer, kept)
        _facts(tx, node, certificate.origin, offer.own.signing)
        succession.begin(tx, opening, offer.start, offer.end, gaps=offer.gaps)
        if reply.window_ms:
            tx.note("window_ms", reply.window_ms)

    await node.store.transact(retire)
    await node.store.reload_identity()
    node.store.clock.trust(certificate.not_before_ms)
    carried = before + await succession.finish(node.store)
    await node.store.transact(lambda tx: enrol.take_leases(tx, reply, centre.signing, certificate.origin))
    node.store.rolled_back = False
    log.info("incarnation.begun", code=offer.why, entries=carried)
    return Renewed(
        origin=certificate.origin,
        old_origin=old.text,
        reason=offer.why,
        approved_by=opening.approved_by,
        carried=carried,
        lost=opening.lost,
    )


def _judged(opening: Opening | None, old: Origin, certificate: Certificate) -> Opening:
    """The opening as the centre sent it: it ends this very ledger, and the certificate is for a later one."""
    new = parse_origin(certificate.origin)
    same = (new.authority, new.role, new.name) == (old.authority, old.role, old.name)
    if opening is None or opening.old_origin != old.text or not same or new.incarnation <= old.incarnation:
        raise CentreUnreachable("not the next incarnation of this node")
    return opening


def _keys_in_force(tx: Transaction, incarnation: int, offer: _Offer, kept: dict[str, bytes]) -> None:
    """The new keys; of the old ones the signing key stays for reprints, unless somebody else has it too."""
    if offer.why != KEY_GONE:
        tx.execute(
            "INSERT INTO secret SELECT 'past.' || ? || '.' || name, value FROM secret"
            " WHERE name IN ('signing', 'certificate')",
            (str(incarnation),),
        )
    rows = [(name, _must(tx, place)) for name, place in NEXT.items()]
    tx.execute_many("INSERT OR REPLACE INTO secret VALUES (?,?)", [*rows, *kept.items()])
    tx.execute("DELETE FROM secret WHERE name IN (?,?,?)", tuple(NEXT.values()))
    enrol.forget_request(tx)


def _must(tx: Transaction, name: str) -> bytes:
    row = tx.one(_SECRET, (name,))
    if row is None:
        raise Damaged(f"the key {name} is gone")
    return bytes(row[0])


def _facts(tx: Transaction, node: Node, origin: str, key: SigningKey) -> None:
    """A new mailbox is read from its first letter; what we saw of the centre is signed with the new key."""
    tx.note(DIRECTIVE_FACT, 0)
    leases.end_spoken(tx)
    tx.execute("DELETE FROM fact WHERE name = ?", (RESTORED,))
    row = tx.one("SELECT value FROM fact WHERE name = ?", (CENTRE_FACT,))
    if row is None:
        return
    noted = msgspec.json.decode(row[0], type=CentreNoted)
    note = only_signed_by(noted.checkpoint, node.identity.centre.origin)
    seen = msgspec.structs.replace(noted.seen, next=0)
    tx.note(CENTRE_FACT, CentreNoted(seen=seen, checkpoint=cosign(note, origin, key)))


async def offered(node: Node) -> str:
    """The fingerprint of the new keys that were offered, for the phone; empty before the first try."""
    held = await node.store.read(lambda db: read_secrets(db.connection))
    found = seeds({name: held[kept] for name, kept in NEXT.items() if kept in held})
    return fingerprint(found.signing.public, found.sealing.public) if found else ""


_NO_REASON = Words(zh="不认识这个换代原因。", en="That is no reason for a new incarnation.")
_REASONS = Words(
    zh="原因：rollback 回退、clone 克隆、disk-lost 磁盘损毁、key-compromised 密钥泄露、planned 计划更换。",
    en="Reasons: rollback, clone, disk-lost, key-compromised, planned.",
)
