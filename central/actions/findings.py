"""Findings: differences reconciliation named, with an owner and a state, told to the hall they are about."""

from collections.abc import Sequence

import msgspec

from central.actions import mailbox
from central.actions.centre import AdminSession, Centre
from central.actions.gathered import HallWord
from central.actions.own_ledger import Draft, drafted, record
from central.actions.views import FindingRow, FindingState
from central.errors import NotFound
from central.security.permissions import require
from central.store import fleet as nodes
from central.store import reconciling
from central.store.database import Tx
from central.store.reconciling import Finding, WordKept
from matters.model import Refusal, Words
from sync.ids import finding_id, parse_origin

PURPOSE = "finding"
STATES: tuple[FindingState, ...] = ("open", "explained", "closed")
NOTE_CHARACTERS_MIN = 4


async def findings(
    centre: Centre, *, node: str = "", state: str = "", limit: int = 500
) -> tuple[FindingRow, ...]:
    """Findings, open ones first, then the newest day; "" means any."""
    async with centre.store.reading() as tx:
        names = {one.node: one.name for one in await nodes.nodes(tx)}
        found = await reconciling.findings(tx, node, state, "", limit)
        said = await reconciling.hall_words(tx, [one.finding for one in found])
    rows = ((finding_row(one, names.get(one.node, one.node)), said.get(one.finding)) for one in found)
    return tuple(_with_word(centre, row, word) for row, word in rows)


def _with_word(centre: Centre, row: FindingRow, word: WordKept | None) -> FindingRow:
    if word is None:
        return row
    note = centre.keys.unseal(PURPOSE, row.id.encode(), word.note_sealed).decode()
    return msgspec.structs.replace(
        row, hall_owner=word.owner, hall_state=word.state, hall_note=note, hall_ms=word.occurred_ms
    )


async def heard(centre: Centre, tx: Tx, node: str, origin: str, words: Sequence[HallWord]) -> None:
    """Keep what a hall's entries say of findings, in their transaction; the centre's own state stays."""
    for one in words:
        kept = WordKept(
            origin=origin,
            idx=one.idx,
            node=node,
            finding=one.finding,
            owner=one.owner,
            state=one.state,
            note_sealed=centre.keys.seal(PURPOSE, one.finding.encode(), one.note.encode()),
            occurred_ms=one.occurred_ms,
        )
        await reconciling.add_word(tx, kept)


def finding_row(one: Finding, name: str) -> FindingRow:
    """A finding as pages show it."""
    return FindingRow(
        id=one.finding,
        origin=one.origin,
        node=one.node,
        node_name=name,
        day=one.day,
        code=one.code,
        object=one.object,
        words=Words(zh=one.words_zh, en=one.words_en),
        owner=one.owner,
        state=msgspec.convert(one.state, FindingState),
        opened_ms=one.opened_ms,
        settled_ms=one.settled_ms,
        settled_by=one.settled_by,
        note=one.note,
    )


def new_finding(
    centre: Centre, origin: str, *, day: str, code: str, about: str, words: Words, owner: str
) -> Finding:
    """An open finding on a ledger, as rules find it; `owner` ("hall" or "centre") has to look."""
    return Finding(
        origin=origin,
        finding=finding_id(origin, day, code, about),
        node=parse_origin(origin).name,
        day=day,
        code=code,
        object=about,
        words_zh=words.zh,
        words_en=words.en,
        owner=owner,
        state="open",
        opened_ms=centre.now_ms(),
    )


async def raised(centre: Centre, tx: Tx, found: Finding) -> bool:
    """Keep a finding or open it again, write it on the centre's ledger, tell the hall; False: nothing new."""
    if not await reconciling.raise_finding(tx, found):
        return False
    draft = Draft(
        kind="finding.raised", actor="centre", object=found.finding, outcome=found.code, note=found.words_zh
    )
    await mailbox.post(centre, tx, found.origin, [_letter(found)])
    await record(centre, tx, draft)
    return True


async def corrected(centre: Centre, tx: Tx, found: Finding) -> None:
    """Close a finding that is no longer there: on the centre's ledger, too, and the hall is told.

    It is opened again when a later recount finds it again.
    """
    moved = msgspec.structs.replace(
        found,
        state="closed",
        settled_ms=centre.now_ms(),
        settled_by=reconciling.RECOUNT,
        note="复点后已不存在",
    )
    await reconciling.settle_finding(tx, moved)
    await mailbox.post(centre, tx, found.origin, [_letter(moved)])
    about = f"finding {found.finding} closed"
    await record(centre, tx, Draft(kind="mark", actor="centre", object=about, note=moved.note))


def _letter(found: Finding) -> mailbox.Draft:
    return "finding", {
        "finding": found.finding,
        "day": found.day,
        "state": found.state,
        "code": found.code,
        "about": found.object,
        "words": [found.words_zh, found.words_en],
        "gone": found.state == "closed" and found.settled_by == reconciling.RECOUNT,
    }


async def settle(
    centre: Centre, admin: AdminSession, finding_id: str, state: str, note: str
) -> FindingRow | Refusal:
    """Explain or close a finding with a note; the hall is told. Raises NotFound."""
    require(admin.role, "findings.settle")
    if state not in STATES or len(note.strip()) < NOTE_CHARACTERS_MIN:
        return Refusal(
            code="finding-note",
            message=Words(
                zh=f"处理差异须写明情况，不少于 {NOTE_CHARACTERS_MIN} 个字。",
                en=f"settling a finding needs a note of {NOTE_CHARACTERS_MIN} characters or more",
            ),
            rule="对账规则（protocol.md 10）",
            next=Words(zh="写明原因和处理结果后提交。", en="Say what happened and what was done."),
        )
    async with centre.store.transaction() as tx:
        found = await reconciling.finding(tx, finding_id)
        if found is None:
            raise NotFound("没有这条差异。", "there is no such finding")
        moved = msgspec.structs.replace(
            found, state=state, settled_ms=centre.now_ms(), settled_by=admin.admin, note=note.strip()
        )
        await reconciling.settle_finding(tx, moved)
        await mailbox.post(centre, tx, found.origin, [_letter(moved)])
        draft = drafted(admin, "admin.changed", f"finding {finding_id} {state}", note)
        await record(centre, tx, draft)
        node = await nodes.node(tx, found.node)
    return finding_row(moved, node.name if node else found.node)
