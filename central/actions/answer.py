"""An online answer to a node: disclosed on the centre's ledger first, then given.

1  open      sealed to us, from a node we trust
2  look up   the subject's dossier, the bureau's report, or who saw the subject
3  disclose  an entry on our own ledger and a row that pairs with the node's own access, durable
4  reply     sealed to the node
"""

from collections.abc import Mapping

import msgspec

from central.actions import dossier, trail
from central.actions.centre import Centre
from central.actions.own_ledger import Draft, record
from central.store import effects, quota, records
from central.store.effects import Disclosure
from central.store.fleet import Identity
from central.upstream.bureau import BureauReport
from matters.groups import shown_records
from matters.model import Refusal, Words
from matters.quota import UnitsSpent
from matters.records import Record, SubjectRecord
from sync.errors import UNREADABLE, Malformed
from sync.signing.sealing import seal, unseal

UP = b"yizhan/answers/1/up"
DOWN = b"yizhan/answers/1/down"
BODY_BYTES_MAX = 64 * 1024
OWN_TRAIL = "access-trail.self"
BUREAU = "credit-bureau."


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What a node asks. `case` is its own number; `actor` and `window` who asks there."""

    request_id: str
    matter: str
    subject_number: str
    subject_name: str = ""
    basis: str
    purpose: str = ""
    case: str = ""
    actor: str
    window: str = ""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the centre holds: `subject` None when nothing; `bureau` and `accesses` only for their matters.

    `silent` names the halls whose newest reads may still be missing, `spent` the free units used.
    """

    request_id: str
    as_of: int
    subject: SubjectRecord | None
    records: tuple[Record, ...]
    bureau: BureauReport | None
    accesses: tuple[trail.OwnAccess, ...] | None
    silent: tuple[str, ...] = ()
    spent: tuple[UnitsSpent, ...] = ()


async def answer(centre: Centre, identity: Identity, body: bytes) -> bytes | Refusal:
    """The sealed reply to a sealed question; the disclosure is durable before this returns.

    Raises NotForUs or Malformed for what does not open, UpstreamFailed when the bureau does not answer
    (nothing is disclosed then). A request id is answered once.
    """
    question = _question(centre, body)
    if question.matter not in centre.catalogue:
        return _refusal("matter-unknown", "中心没有这个事项。", "the centre knows no such matter")
    found = await _look_up(centre, question)
    async with centre.store.transaction() as tx:
        ref = centre.keys.ref(question.subject_number)
        if await effects.disclosed(tx, identity.origin, question.request_id):
            return _refusal("request-repeated", "该请求已答复过。", "this request was answered before")
        draft = Draft(
            kind="centre.disclosed",
            actor=question.actor,
            role="node",
            window=question.window,
            subject_ref=ref,
            purpose=question.purpose,
            basis=question.basis,
            mode="online",
            as_of=found.as_of,
            outcome="disclosed" if found.subject or found.bureau or found.accesses else "nothing-held",
            object=f"{identity.origin} {question.request_id}",
            note=question.matter,
        )
        placed = await record(centre, tx, draft)
        row = Disclosure(
            origin=identity.origin,
            request_id=question.request_id,
            centre_idx=placed.index,
            occurred_ms=centre.now_ms(),
            node=identity.node,
            actor=question.actor,
            desk=question.window,
            subject_ref=ref,
            matter=question.matter,
            purpose=question.purpose,
            basis=question.basis,
            case_no=question.case,
            leaf_hash=placed.leaf_hash,
        )
        await effects.add_disclosure(tx, row)
    return seal(identity.sealing, msgspec.json.encode(found), DOWN)


def _question(centre: Centre, body: bytes) -> Question:
    """Step 1."""
    plain = unseal(centre.keys.sealing, body, UP)
    try:
        return msgspec.json.decode(plain, type=Question)
    except UNREADABLE as error:
        raise Malformed("not a question of this version") from error


async def _look_up(centre: Centre, question: Question) -> Answer:
    """Step 2."""
    ref = centre.keys.ref(question.subject_number)
    async with centre.store.reading() as tx:
        held: Mapping[bytes, records.Held] = await records.held(tx, [ref])
        spent = await quota.known(tx, [ref])
    kept = dossier.opened(centre.keys, held[ref]) if ref in held else None
    matter = centre.catalogue[question.matter]
    bureau, view = None, None
    if question.matter.startswith(BUREAU) and centre.bureau is not None:
        name, number = question.subject_name, question.subject_number
        bureau = await centre.bureau.report(number, name, question.purpose, question.request_id)
    if question.matter == OWN_TRAIL:
        view = await trail.own_accesses(centre, question.subject_number)
    now_ms = centre.now_ms()
    return Answer(
        request_id=question.request_id,
        as_of=now_ms,
        subject=dossier.stated(matter, kept.subject) if kept and kept.subject else None,
        records=shown_records(matter, kept.records, now_ms) if kept else (),
        bureau=bureau,
        accesses=view.accesses if view else None,
        silent=view.unreported if view else (),
        spent=spent.get(ref, ()) if matter.quota else (),
    )


def _refusal(code: str, zh: str, en: str) -> Refusal:
    return Refusal(
        code=code,
        message=Words(zh=zh, en=en),
        rule="在线查询（protocol.md 10）",
        next=Words(zh="请重新发起查询。", en="Ask again with a new request."),
    )
