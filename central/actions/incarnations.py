"""New incarnations (protocol 1): asked for by a node, approved by officers, begun once.

1  keep     a request is the fingerprint of new keys, a reason and what the node says of its old ledger
2  decide   the security administrator approves; a rollback, a clone or a fork on record needs the system
            administrator too, another person; either may refuse
3  begin    the approved keys become the next origin; letters wait for it, grants count as spent
4  compare  the first entry must say what was approved (`opened`); another one is evidence and a finding
"""

import msgspec

from central.actions import adopt, mailbox, restored
from central.actions.centre import AdminSession, Centre
from central.actions.findings import new_finding, raised
from central.actions.gathered import Gathered, Line
from central.actions.own_ledger import Draft, drafted, note_missing, record
from central.errors import NotFound
from central.security.permissions import ROLE_WORDS, require
from central.store import contacts, incarnations, ledger
from central.store.database import Tx
from central.store.fleet import Identity
from central.store.incarnations import Asked, Verdict
from central.store.ledger import Head
from matters.calendar import china_day
from matters.model import Refusal, Words
from sync.messages.incarnation import (
    FORGOTTEN,
    Claim,
    Opening,
    differs,
    fingerprint,
    known_lost,
    reason,
)
from sync.messages.registry import kind

WAITING_MAX = 16
WAITING = "incarnation-waiting"
"""The code of the refusal while officers have not approved."""
WORDS_MAX = 300
_SUCCEEDED = kind("centre.succeeded").number
_POWERS = {"security": "incarnations.approve", "system": "incarnations.confirm"}
_RULE = "节点换代（protocol.md 1）"
_HOW_SURE = Words(zh="核实经过", en="how you made sure")
_LEFT_BEHIND = {"revoked", "lease", "seal-and-wipe"}
"""Letters to an ended incarnation that mean nothing to the next."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a node asks for: the public halves of its new keys, why, and what it says of its old ledger."""

    signing: bytes
    sealing: bytes
    reason: str
    claim: Claim = Claim()


class VerdictRow(msgspec.Struct, frozen=True, kw_only=True):
    """What an officer said."""

    role: str
    officer: str
    approves: bool
    note: str
    at_ms: int


class IncarnationRow(msgspec.Struct, frozen=True, kw_only=True):
    """A request as officers see it before they decide.

    `held` and `countersigned` are the centre's own record of the old ledger, `claim` the node's word; `lost`
    is what follows from both. `wanted` are the roles that must approve.
    """

    node: str
    origin: str
    fingerprint: str
    reason: str
    words: Words
    claim: Claim
    held: int
    countersigned: int
    lost: int
    frozen: str
    wanted: tuple[str, ...]
    verdicts: tuple[VerdictRow, ...]
    state: str
    new_origin: str
    asked_ms: int


async def used(tx: Tx, before: Identity) -> bool:
    """Whether an incarnation has a history that can end: entries here, or a contact."""
    head = await ledger.head(tx, before.origin)
    return bool(head.size or await contacts.contacts(tx, before.origin, 0, 1))


async def gate(centre: Centre, tx: Tx, before: Identity, wanted: Wanted) -> Opening | Refusal:
    """Steps 1 and 2: what the first entry must say once enough officers approved these very keys.

    Until then a refusal that says who is still missing; the request is kept with the transaction, and the
    same keys may ask again.
    """
    if await restored.waits(centre, tx):
        return restored.WAIT
    why = reason(wanted.reason)
    asked = fingerprint(wanted.signing, wanted.sealing)
    known = await incarnations.one(tx, before.origin, asked)
    if known is None:
        if await incarnations.waiting(tx, before.origin) >= WAITING_MAX:
            return _TOO_MANY
        known = _request(centre, before, wanted, asked)
        await incarnations.add(tx, known)
        draft = Draft(kind="admin.changed", actor=before.origin, object=f"incarnation {asked} asked")
        await record(centre, tx, msgspec.structs.replace(draft, note=why.code))
    row = await _row(tx, known)
    if known.state == "refused" or any(not one.approves for one in row.verdicts):
        return _refused(asked)
    missing = [role for role in row.wanted if role not in {one.role for one in row.verdicts}]
    return _waiting(asked, missing) if missing else _opening(row)


def _request(centre: Centre, before: Identity, wanted: Wanted, asked: str) -> Asked:
    return Asked(
        origin=before.origin,
        asked=asked,
        node=before.node,
        reason=wanted.reason,
        signing=wanted.signing,
        sealing=wanted.sealing,
        claim=msgspec.json.encode(wanted.claim).decode(),
        asked_ms=centre.now_ms(),
        state="waiting",
    )


async def begin(centre: Centre, tx: Tx, before: Identity, opening: Opening, new: Identity) -> None:
    """Step 3: the request is settled; the old mailbox's unread letters wait in the new one.

    Before them those that were read in a part of the old life which the node forgot, where it still waits.
    """
    asked = await incarnations.one(tx, before.origin, fingerprint(new.signing, new.sealing))
    if asked is None:
        raise NotFound("没有这份换代申请。", "there is no such request for a new incarnation")
    said = msgspec.json.encode(opening).decode()
    await incarnations.settle(tx, asked, "begun", centre.now_ms(), new.origin, said)
    await incarnations.end_waiting(tx, before.origin, centre.now_ms())
    claim = msgspec.json.decode(asked.claim, type=Claim)
    await mailbox.post(centre, tx, new.origin, await mailbox.obeyed(centre, tx, before.origin, claim.open))
    unread = await contacts.unseen(tx, before.origin)
    if unread:
        letters = await mailbox.waiting(centre, tx, before.origin, unread[0].number - 1)
        moved = [(one.kind, one.body) for one in letters if one.kind not in _LEFT_BEHIND]
        await mailbox.post(centre, tx, new.origin, moved)


async def opening_of(tx: Tx, origin: str) -> Opening | None:
    """What the first entry of this origin must say; None for a first incarnation."""
    asked = await incarnations.begun_as(tx, origin)
    return msgspec.json.decode(asked.opening, type=Opening) if asked and asked.opening else None


async def decide(
    centre: Centre, admin: AdminSession, node: str, asked: str, *, approves: bool, note: str
) -> IncarnationRow | Refusal:
    """Step 2: one officer's word on a request, for ever and on the centre's ledger.

    Raises NotPermitted for a role without the power, NotFound for no such request.
    """
    require(admin.role, _POWERS.get(admin.role, "incarnations.approve"))
    unsaid = note_missing(note, _HOW_SURE, _RULE)
    if unsaid is not None:
        return unsaid
    async with centre.store.transaction() as tx:
        known = await incarnations.named(tx, node, asked)
        if known is None:
            raise NotFound("没有这份换代申请。", "there is no such request for a new incarnation")
        row = await _row(tx, known)
        refusal = _objection(row, admin)
        if refusal is not None:
            return refusal
        said = Verdict(
            origin=known.origin,
            asked=asked,
            role=admin.role,
            officer=admin.admin,
            approves=approves,
            note=note.strip(),
            at_ms=centre.now_ms(),
        )
        if not await incarnations.add_verdict(tx, said):
            return _SPOKEN
        officers = _agreed(row, said) if approves else ()
        if not approves:
            await incarnations.settle(tx, known, "refused", centre.now_ms())
        draft = drafted(
            admin,
            "admin.changed",
            f"incarnation {asked} of {node}",
            note.strip(),
            outcome="approved" if approves else "refused",
        )
        await record(centre, tx, draft)
        if officers:
            await _take_effect(centre, tx, known, officers)
        settled = await incarnations.one(tx, known.origin, asked)
        assert settled is not None
        return await _row(tx, settled)


async def _take_effect(centre: Centre, tx: Tx, known: Asked, officers: tuple[str, ...]) -> None:
    """What needs no further word of a node begins with the last officer's."""
    if known.node == incarnations.CENTRE:
        await restored.begin(centre, tx, known, officers)
    elif known.reason == FORGOTTEN.code:
        await adopt.adopt(centre, tx, known)


def _agreed(row: IncarnationRow, said: Verdict) -> tuple[str, ...]:
    """The officers in the order they approved, once this word was the last one wanted; empty before."""
    spoken = {one.role: one.officer for one in row.verdicts} | {said.role: said.officer}
    return tuple(spoken.values()) if set(row.wanted) <= set(spoken) else ()


def _objection(row: IncarnationRow, admin: AdminSession) -> Refusal | None:
    if row.state != "waiting":
        return _SETTLED
    if any(one.officer == admin.admin for one in row.verdicts):
        return _SAME_PERSON
    return None


async def requests(centre: Centre, node: str = "") -> tuple[IncarnationRow, ...]:
    """Every request of a node ("" of all), newest first."""
    async with centre.store.reading() as tx:
        return tuple([await _row(tx, one) for one in await incarnations.of_node(tx, node)])


async def _row(tx: Tx, asked: Asked) -> IncarnationRow:
    head = (await ledger.heads(tx)).get(asked.origin, _NOTHING_HELD)
    why = reason(asked.reason)
    claim = msgspec.json.decode(asked.claim, type=Claim)
    said = await incarnations.verdicts(tx, asked.origin, asked.asked)
    told = await incarnations.told_size(tx, asked.origin)
    both = why.officers > 1 or bool(head.frozen) or claim.anchored > claim.size > 0
    return IncarnationRow(
        node=asked.node,
        origin=asked.origin,
        fingerprint=asked.asked,
        reason=why.code,
        words=Words(zh=why.words[0], en=why.words[1]),
        claim=claim,
        held=head.size,
        countersigned=head.countersigned,
        lost=known_lost(claim, head.size, told),
        frozen=head.frozen,
        wanted=("security", "system") if both else ("security",),
        verdicts=tuple(
            VerdictRow(
                role=one.role, officer=one.officer, approves=one.approves, note=one.note, at_ms=one.at_ms
            )
            for one in said
        ),
        state=asked.state,
        new_origin=asked.new_origin,
        asked_ms=asked.asked_ms,
    )


_NOTHING_HELD = Head(origin="", size=0, root=b"", countersigned=0, hlc_ms=0, hlc_n=0, frozen="")


def _opening(row: IncarnationRow) -> Opening:
    return Opening(
        old_origin=row.origin,
        countersigned=row.countersigned,
        root="",
        reason=row.reason,
        approved_by=tuple(one.officer for one in row.verdicts),
        lost=row.lost,
    )


async def with_root(tx: Tx, opening: Opening) -> Opening:
    """The same with the root of the last countersigned checkpoint."""
    kept = await ledger.checkpoints(tx, opening.old_origin, 1)
    if not kept:
        return opening
    return msgspec.structs.replace(opening, countersigned=kept[0].size, root=kept[0].root.hex())


async def opened(centre: Centre, tx: Tx, gathered: Gathered) -> None:
    """Step 4, and the serials of carried reports: what does not fit is a finding, never a lost entry."""
    origin, node = gathered.source.origin, gathered.source.node
    for line in gathered.openings:
        if line.entry.kind == _SUCCEEDED:
            await _doubted(centre, tx, gathered, line)
            continue
        wanted = await opening_of(tx, origin)
        wrong = "opening" if wanted is None else differs(wanted, dict(line.fields))
        if wrong or line.entry.index:
            gathered.reject(line.entry.index, f"not the opening that was approved: {wrong or 'index'}")
            words = Words(zh="换代首条与批准的内容不一致", en="the first entry is not what was approved")
            await _raise(centre, tx, gathered, "opening", words)
    carried = {index for _, index in gathered.carried}
    serials = [report.serial for report in gathered.reports if report.idx in carried]
    for serial in await incarnations.serial_elsewhere(tx, node, origin, serials) if serials else []:
        words = Words(
            zh=f"报告编号 {serial} 在回退前后各签发一次",
            en=f"serial {serial} was issued before and after the fork",
        )
        await _raise(centre, tx, gathered, serial, words)


async def _doubted(centre: Centre, tx: Tx, gathered: Gathered, line: Line) -> None:
    """A node saw more of our own ledger than our new one's opening admits: a finding, and our own entry."""
    doubt = line.text("doubt")
    if doubt:
        words = Words(
            zh="中心换代时未承认该节点见过的中心台账",
            en=f"our opening admits less than seen: {doubt}"[:WORDS_MAX],
        )
        await _raise(centre, tx, gathered, f"centre at {line.entry.index}", words)


async def _raise(centre: Centre, tx: Tx, gathered: Gathered, about: str, words: Words) -> None:
    found = new_finding(
        centre,
        gathered.source.origin,
        day=china_day(centre.now_ms()).isoformat(),
        code="incarnation",
        about=about,
        words=words,
        owner="centre",
    )
    await raised(centre, tx, found)


def _no(code: str, zh: str, en: str, next_zh: str, next_en: str) -> Refusal:
    return Refusal(
        code=code,
        message=Words(zh=zh, en=en),
        rule=_RULE,
        next=Words(zh=next_zh, en=next_en),
    )


def _waiting(asked: str, missing: list[str]) -> Refusal:
    zh = "、".join(ROLE_WORDS[role][0] for role in missing)
    en = ", ".join(ROLE_WORDS[role][1].lower() for role in missing)
    return _no(
        WAITING,
        f"换代申请已登记（新密钥指纹 {asked}），还需{zh}批准。",
        f"the request is kept (new keys {asked}); still to approve: {en}",
        f"请致电中心核对指纹 {asked}，批准后用同一命令再试一次。",
        f"Call the centre, compare the fingerprint {asked}, and run the same command again once approved.",
    )


def _refused(asked: str) -> Refusal:
    return _no(
        "incarnation-refused",
        f"换代申请（新密钥指纹 {asked}）未获批准或已作废。",
        f"the request with the new keys {asked} was refused or has ended",
        "请联系中心安全管理员；如需再申请，用 --again 生成新密钥。",
        "Call the security administrator; to ask anew, make new keys with --again.",
    )


_TOO_MANY = _no(
    "incarnation-many", "该节点待批的换代申请过多。", "too many requests of this node wait",
    "请安全管理员先处理待批申请。", "Have the security administrator settle the waiting ones.",
)  # fmt: skip
_SETTLED = _no(
    "incarnation-settled", "这份申请已经办结。", "this request is settled already",
    "无需再批。", "There is nothing to approve.",
)  # fmt: skip
_SAME_PERSON = _no(
    "same-officer", "同一人不能批准两次。", "one person cannot approve twice",
    "请另一位负责人批准。", "Have the other officer approve.",
)  # fmt: skip
_SPOKEN = _no(
    "role-spoken", "该角色已经表态。", "this role has spoken already",
    "请另一位负责人批准。", "Have the other officer approve.",
)  # fmt: skip
