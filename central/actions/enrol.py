"""Enrolment: a one-time code and a node's public keys become an origin, a certificate and first leases."""

import base64
import binascii
import hmac
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from central.actions import incarnations, leases, nodes, restored
from central.actions.adopt import REPLACED
from central.actions.centre import Centre
from central.actions.incarnations import Wanted
from central.actions.own_ledger import Draft, record
from central.store import contacts, fleet, ledger
from central.store.database import Tx
from central.store.fleet import Code, Identity, NodeKept
from matters.model import Refusal, Words
from sync.errors import UNREADABLE, Malformed
from sync.messages import introduction
from sync.messages.incarnation import Claim, Opening, fingerprint
from sync.signing.notes import vkey
from sync.signing.sealing import seal

SUBJECT_KEY_INFO = b"yizhan/subject-key/1"
_KEY_BYTES = 32


class Application(msgspec.Struct, frozen=True, kw_only=True):
    """What a node hands in: the code, and its two public keys in base64.

    A node that was enrolled before says why its history ends (`reason`, a row of
    `sync.messages.incarnation`) and how far it had come. `code` is empty where the old key signs instead.
    """

    code: str = ""
    signing: str
    sealing: str
    reason: str = "disk-lost"
    claim: Claim = Claim()


class CentreSelf(msgspec.Struct, frozen=True, kw_only=True):
    """The centre's own public keys, base64; `vkey` in the C2SP form."""

    authority: str
    origin: str
    vkey: str
    signing: str
    sealing: str
    recovery: str


class Enrolled(msgspec.Struct, frozen=True, kw_only=True):
    """What a node gets: its origin, certificate and leases (base64), and the subject key sealed to it.

    `opening`: what the first entry of a later incarnation must say.
    """

    origin: str
    certificate: str
    centre: CentreSelf
    subject_key: str
    lease: tuple[str, ...]
    window_ms: int
    opening: Opening | None = None


class ByStick(msgspec.Struct, frozen=True, kw_only=True):
    """A request that came on a stick: whose it is, and the answer as a file, or why there is none."""

    node: str
    fingerprint: str
    answer: bytes
    refusal: Refusal | None = None


async def by_stick(centre: Centre, data: bytes) -> ByStick:
    """The same as `enrol` and `renew`, for a request that came as a file; the answer goes back as one.

    Harmless when repeated: the same answer while the node has written nothing since. Raises Malformed,
    UnknownVersion, or BadSignature for a file that no code of ours and no node's own key stands behind.
    """
    _, name = introduction.peek(data)
    async with centre.store.transaction() as tx:
        identity = await fleet.identity(tx, name)
        codes = {one.code_hash: one for one in await fleet.codes(tx, name)} if identity is None else {}
    shared = introduction.history_key(centre.keys.sealing, identity.sealing, name) if identity else b""
    body, key = introduction.read("request", data, lambda _: [shared] if identity else list(codes))
    try:
        application = msgspec.json.decode(body, type=Application)
    except UNREADABLE as error:
        raise Malformed("not a request to enrol") from error
    if identity is None:
        node = codes[key].node
        done = await _enrol(centre, application, lambda tx: _code_of(tx, name, key))
    else:
        node, done = identity.node, await renew(centre, identity, application)
    asked = _wanted(application)
    shown = fingerprint(asked.signing, asked.sealing) if asked else ""
    if isinstance(done, Refusal):
        return ByStick(node=node, fingerprint=shown, answer=b"", refusal=done)
    answer = introduction.write("answer", name, msgspec.json.encode(done), key)
    return ByStick(node=node, fingerprint=shown, answer=answer)


async def enrol(centre: Centre, application: Application) -> Enrolled | Refusal:
    """Use a code once. Durable before this returns: the code is used, the origin is trusted, its ledger open.

    A wrong, used or expired code is refused, and says only that; every refusal is an entry on the centre's
    ledger. A node with a history waits for officers (`incarnations.gate`); its code is not used up by asking.
    Raises Malformed for a reason that is not in the table.
    """
    name, key = introduction.locator(application.code), introduction.code_key(application.code)
    return await _enrol(centre, application, lambda tx: _code_of(tx, name, key))


async def _enrol(
    centre: Centre, application: Application, code_of: Callable[[Tx], Awaitable[Code | None]]
) -> Enrolled | Refusal:
    wanted = _wanted(application)
    if wanted is None:
        return _NO_KEY
    async with centre.store.transaction() as tx:
        code = await code_of(tx)
        again = await _again(centre, tx, code, (wanted.signing, wanted.sealing))
        if again is not None:
            return again
        refusal = _judge(centre, code)
        node = await fleet.node(tx, code.node) if code else None
        if refusal is not None or code is None or node is None:
            await record(centre, tx, Draft(kind="admin.changed", object="enrolment", outcome="refused"))
            return refusal or _WRONG
        before = await fleet.current(tx, node.node)
        again = (
            await _unwritten(centre, tx, node, before, (wanted.signing, wanted.sealing)) if before else None
        )
        if again is not None:  # the reply to an older code was lost
            return again
        opening = await _gated(centre, tx, before, wanted)
        if isinstance(opening, Refusal):
            return opening
        await fleet.use_code(tx, code, centre.now_ms())
        return await _admit(centre, tx, node, before, wanted, opening)


async def renew(centre: Centre, identity: Identity, application: Application) -> Enrolled | Refusal:
    """A new incarnation asked for with the old key's signature: the same, without a code.

    `identity` has signed the request; it may have been replaced by these very keys already (a lost reply).
    """
    wanted = _wanted(application)
    if wanted is None:
        return _NO_KEY
    async with centre.store.transaction() as tx:
        node, current = await fleet.node(tx, identity.node), await fleet.current(tx, identity.node)
        if node is None or current is None:
            return _WRONG
        if current.origin != identity.origin:
            again = await _unwritten(centre, tx, node, current, (wanted.signing, wanted.sealing))
            return again or _ENDED
        opening = await incarnations.gate(centre, tx, current, wanted)
        if isinstance(opening, Refusal):
            return opening
        return await _admit(centre, tx, node, current, wanted, opening)


async def _gated(centre: Centre, tx: Tx, before: Identity | None, wanted: Wanted) -> Opening | Refusal | None:
    """None where no history ends: a first enrolment, or a first incarnation nobody ever used."""
    if before is None:
        return None
    if not await incarnations.used(tx, before) and await incarnations.opening_of(tx, before.origin) is None:
        return None
    return await incarnations.gate(centre, tx, before, wanted)


async def _admit(
    centre: Centre,
    tx: Tx,
    node: NodeKept,
    before: Identity | None,
    wanted: Wanted,
    opening: Opening | None,
) -> Enrolled:
    signing, sealing = wanted.signing, wanted.sealing
    incarnation = before.incarnation + 1 if before else 1
    if node.created_ms < await restored.began_ms(tx):
        incarnation = max(incarnation, await restored.names_floor(tx) + 1)
    origin = nodes.origin_text(centre, node.node, incarnation)
    certificate, not_after_ms = leases.certificate(centre, node, origin, signing, sealing)
    if before is not None:
        await fleet.revoke(tx, node.node, REPLACED, centre.now_ms())
    identity = Identity(
        origin=origin,
        node=node.node,
        incarnation=incarnation,
        signing=signing,
        sealing=sealing,
        certificate=certificate,
        not_after_ms=not_after_ms,
        enrolled_ms=centre.now_ms(),
    )
    await fleet.add_identity(tx, identity)
    await ledger.open_head(tx, origin)
    await contacts.open_mailbox(tx, origin)
    if before is not None and opening is not None:
        opening = await incarnations.with_root(tx, opening)
        await incarnations.begin(centre, tx, before, opening, identity)
    given = await leases.give(centre, tx, node, origin, leases.CAPABILITIES)
    draft = Draft(kind="admin.changed", actor="centre", object=f"node {node.node} enrolled", note=origin)
    await record(centre, tx, draft)
    return _enrolled(centre, node, identity, given, opening)


async def _again(centre: Centre, tx: Tx, code: Code | None, keys: tuple[bytes, bytes]) -> Enrolled | None:
    """The same enrolment once more, for a node whose reply was lost: same keys, nothing written since."""
    if code is None or code.used_ms is None or code.expires_ms < centre.now_ms():
        return None
    node, identity = await fleet.node(tx, code.node), await fleet.current(tx, code.node)
    if node is None or identity is None:
        return None
    return await _unwritten(centre, tx, node, identity, keys)


async def _unwritten(
    centre: Centre, tx: Tx, node: NodeKept, identity: Identity, keys: tuple[bytes, bytes]
) -> Enrolled | None:
    """The same reply once more, for these very keys and while nothing came from the new origin."""
    if (identity.signing, identity.sealing) != keys or identity.revoked_ms:
        return None
    if await incarnations.used(tx, identity):
        return None
    given = [one.signed for one in await contacts.leases(tx, identity.origin)]
    return _enrolled(centre, node, identity, given, await incarnations.opening_of(tx, identity.origin))


def _enrolled(
    centre: Centre, node: NodeKept, identity: Identity, given: list[bytes], opening: Opening | None
) -> Enrolled:
    return Enrolled(
        origin=identity.origin,
        certificate=_text(identity.certificate),
        centre=centre_self(centre),
        subject_key=_text(seal(identity.sealing, centre.keys.subject, SUBJECT_KEY_INFO)),
        lease=tuple(_text(one) for one in given),
        window_ms=node.window_ms,
        opening=opening,
    )


def centre_self(centre: Centre) -> CentreSelf:
    """The centre's public keys as nodes and verifiers get them."""
    return CentreSelf(
        authority=centre.settings.authority,
        origin=centre.origin,
        vkey=vkey(centre.origin, centre.keys.signing.public),
        signing=_text(centre.keys.signing.public),
        sealing=_text(centre.keys.sealing.public),
        recovery=_text(centre.keys.recovery),
    )


async def trust(centre: Centre) -> dict[str, Any]:
    """The public trust file: the centre's keys and the origins no longer trusted, each with since when."""
    async with centre.store.reading() as tx:
        known = await fleet.identities(tx)
    revoked = {
        one.origin: one.revoked_ms
        for one in known
        if one.revoked_ms is not None and one.revoked_reason != REPLACED
    }
    own = centre_self(centre)
    return {
        "authority": own.authority,
        "centre": {"vkey": own.vkey, "signing": own.signing, "origin": own.origin},
        "revoked": list(revoked),
        "revoked_since_ms": revoked,
    }


async def _code_of(tx: Tx, name: str, wanted: bytes) -> Code | None:
    """The code itself, or None; a wrong attempt counts against every code with the same first group."""
    candidates = await fleet.codes(tx, name)
    found = next((one for one in candidates if hmac.compare_digest(one.code_hash, wanted)), None)
    if found is None:
        for one in candidates:
            await fleet.miss_code(tx, one)
    return found


def _judge(centre: Centre, code: Code | None) -> Refusal | None:
    """Why a code may not be used."""
    if code is None or code.attempts >= centre.settings.code_attempts:
        return _WRONG
    if code.used_ms is not None:
        return _refusal(
            "code-used", "注册码已使用过，每个注册码只能使用一次。", "this code was used; a code works once"
        )
    if code.expires_ms < centre.now_ms():
        return _refusal("code-expired", "注册码已过期。", "this code has expired")
    return None


def _refusal(code: str, zh: str, en: str) -> Refusal:
    return Refusal(
        code=code,
        message=Words(zh=zh, en=en),
        rule="节点注册（protocol.md 1）",
        next=Words(
            zh="请核对注册码，或请系统管理员为该节点重新生成注册码。",
            en="Compare the code, or ask the system administrator for a new one.",
        ),
    )


_WRONG = _refusal("code-wrong", "注册码不对。", "the enrolment code is wrong")
_NO_KEY = _refusal("key-malformed", "节点公钥格式不对。", "a public key is not 32 bytes of base64")
_ENDED = _refusal(
    "incarnation-ended", "这一代已由别的密钥接替。", "this incarnation was replaced by other keys"
)


def _wanted(application: Application) -> Wanted | None:
    """The keys, reason and claim of an application; None where a key is not 32 bytes of base64."""
    try:
        signing, sealing = _key(application.signing), _key(application.sealing)
    except ValueError:
        return None
    return Wanted(signing=signing, sealing=sealing, reason=application.reason, claim=application.claim)


def _key(text: str) -> bytes:
    try:
        content = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error
    if len(content) != _KEY_BYTES:
        raise ValueError("not 32 bytes")
    return content


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
