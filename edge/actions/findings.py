"""Findings at the hall (protocol.md 10): differences with an owner and a state, told to the centre.

raised      by closing a day, or by the centre's letter; a difference has the same id on both sides
dealt with  given to somebody by who is on duty, explained by them: a `finding.changed` entry each
closed      by the centre's letter, or by closing the day again without it
reopened    when the difference is there again, by an entry; what was said of it stays beside it
"""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from edge.actions import duties
from edge.actions.node import Node, Session
from edge.actions.views import Finding
from edge.errors import NotThere, Refused, WrongMoment
from edge.store.cache import staff_member, staff_members
from edge.store.draft import Draft
from edge.store.transaction import Transaction
from matters.model import Words

SHOWN_MAX: Final = 500
NOTE_MIN: Final = 4
NOTE_MAX: Final = 300
_COLUMNS = "id, day, code, zh, en, state, raised_by, about, owner, note, centre"


async def findings(node: Node) -> tuple[Finding, ...]:
    """Differences this node or the centre found, those to be dealt with first, newest first."""
    rows = await node.store.read(
        lambda db: db.query(
            f"SELECT {_COLUMNS} FROM finding ORDER BY (state <> 'open'), day DESC, raised_ms DESC LIMIT ?",  # noqa: S608 -- names of this file
            (SHOWN_MAX,),
        )
    )
    return tuple(_finding(row) for row in rows)


async def owners(node: Node) -> tuple[tuple[str, str], ...]:
    """Who may be given a finding: name to sign in with, and name."""
    people = await node.store.read(staff_members)
    return tuple((one.staff, one.name) for one in people if not one.revoked)


async def assign(node: Node, session: Session, finding: str, staff: str) -> None:
    """Make somebody of this hall the owner of a finding; the entry is durable when this returns.

    Raises NotAllowed for who is not on duty, Refused for an owner who is nobody here, NotThere, WrongMoment
    for a finding that is closed.
    """
    await duties.require(node, session, duties.FINDING)

    def give(tx: Transaction) -> None:
        person = staff_member(tx, staff)
        if person is None or person.revoked:
            raise Refused("no such staff", message=_NOBODY, step=_CHOOSE)
        found = msgspec.structs.replace(_open(tx, finding), owner=staff)
        _change(tx, found, "assigned", session.staff, session.role, session.window)

    await node.store.transact(give)
    node.events.publish("task")


async def explain(node: Node, session: Session, finding: str, note: str) -> None:
    """Say what was found out about a finding; the centre judges it. The entry is durable when this returns.

    For its owner and who is on duty. Raises NotAllowed, Refused for too short a note, NotThere, WrongMoment.
    """
    mine = "SELECT 1 FROM finding WHERE id = ? AND owner = ?"
    if not await node.store.read(lambda db: db.one(mine, (finding, session.staff))):
        await duties.require(node, session, duties.FINDING)
    words = note.strip()[:NOTE_MAX]
    if len(words) < NOTE_MIN:
        raise Refused("no note", message=_NO_NOTE, step=_SAY_WHAT)

    def say(tx: Transaction) -> None:
        found = msgspec.structs.replace(_open(tx, finding), state="explained", note=words)
        _change(tx, found, "explained", session.staff, session.role, session.window)

    await node.store.transact(say)
    node.events.publish("task")


def raised(tx: Transaction, day: str, found: Iterable[Finding], actor: str, role: str) -> None:
    """Keep what closing `day` found; what an earlier close of it found and this one did not is closed.

    One that is there again is open again, unless an officer of the centre closed it.
    """
    now = {one.id: one for one in found}
    for one in now.values():
        known = _known(tx, one.id)
        if known is None:
            _keep(tx, one)
        elif known.state == "closed" and known.centre != "closed":
            _change(tx, msgspec.structs.replace(known, state="open"), "reopened", actor, role)
    before = tx.query(
        "SELECT id FROM finding WHERE day = ? AND raised_by = 'node' AND state <> 'closed'", (day,)
    )
    gone = [(name,) for (name,) in before if name not in now]
    tx.execute_many("UPDATE finding SET state = 'closed' WHERE id = ?", gone)


def told(tx: Transaction, body: dict[str, Any]) -> None:
    """The centre's letter `finding`: one it closed is closed here, one it opens again is open again.

    So is one it found that says something else by now. With `gone` nobody closed it: the centre has no word
    on it any more, and the hall may find it again.
    """
    words, state = [str(word) for word in body["words"]] or ["", ""], body["state"]
    said = Finding(
        id=body["finding"],
        day=body["day"],
        code=str(body.get("code", "")),
        words=Words(zh=words[0], en=words[-1]),
        state=state,
        raised_by="centre",
        subject_of=str(body.get("about", "")),
        centre="" if body.get("gone") else state,
    )
    known = _known(tx, said.id)
    if known is None:
        _keep(tx, said)
        return
    new = known.raised_by == "centre" and known.words != said.words
    moved = msgspec.structs.replace(known, centre=said.centre, words=said.words if new else known.words)
    if new or "closed" in {known.state, state}:
        moved = msgspec.structs.replace(moved, state=state)
    if known.state != "open" and moved.state == "open":
        _change(tx, moved, "reopened", "centre", "centre")
    else:
        _keep(tx, moved)


def _keep(tx: Transaction, one: Finding) -> None:
    text = (one.words.zh, one.words.en, one.state, one.raised_by, one.subject_of, one.owner, one.note)
    tx.execute(
        f"INSERT INTO finding ({_COLUMNS}, raised_ms) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)"  # noqa: S608 -- names of this file
        " ON CONFLICT (id) DO UPDATE SET zh = excluded.zh, en = excluded.en, state = excluded.state,"
        " owner = excluded.owner, note = excluded.note, centre = excluded.centre",
        (one.id, one.day, one.code, *text, one.centre, tx.now_ms),
    )


def _change(tx: Transaction, changed: Finding, outcome: str, actor: str, role: str, window: str = "") -> None:
    _keep(tx, changed)
    tx.append(
        Draft(
            kind="finding.changed",
            actor=actor,
            role=role,
            window=window,
            outcome=outcome,
            object=changed.id,
            detail={
                "finding": changed.id,
                "day": changed.day,
                "code": changed.code,
                "about": changed.subject_of,
                "owner": changed.owner,
                "state": changed.state,
                "note": changed.note,
            },
        )
    )


def _open(tx: Transaction, finding: str) -> Finding:
    found = _known(tx, finding)
    if found is None:
        raise NotThere("no such finding")
    if found.state == "closed":
        raise WrongMoment("the finding is closed")
    return found


def _known(tx: Transaction, finding: str) -> Finding | None:
    row = tx.one(f"SELECT {_COLUMNS} FROM finding WHERE id = ?", (finding,))  # noqa: S608 -- names of this file
    return _finding(row) if row else None


def _finding(row: tuple[Any, ...]) -> Finding:
    name, day, code, zh, en, state, raised_by, about, owner, note, centre = row
    return Finding(
        id=name,
        day=day,
        code=code,
        words=Words(zh=zh, en=en),
        state=state,
        raised_by=raised_by,
        subject_of=about,
        owner=owner,
        note=note,
        centre=centre,
    )


_NOBODY = Words(zh="本厅没有这位工作人员。", en="There is no such person on the staff of this hall.")
_CHOOSE = Words(zh="请从名单里选一位。", en="Choose somebody from the list.")
_NO_NOTE = Words(zh=f"说明不少于 {NOTE_MIN} 个字。", en=f"The explanation needs {NOTE_MIN} characters.")
_SAY_WHAT = Words(
    zh="请写明查到了什么、凭什么；未作改动。", en="Say what was found, and on what; nothing was changed."
)
