"""Cases and tasks of the hall."""

import secrets
from typing import Any

import msgspec

from edge.actions.gates import countersigned_size
from edge.actions.marks import mark
from edge.actions.node import Node, Session
from edge.actions.views import CaseView, Task
from edge.errors import NotThere, Refused, WrongMoment
from edge.store.draft import Draft
from edge.store.reader import Reading
from edge.store.transaction import Transaction
from matters.cases import STATE_WORDS, TRANSITIONS
from matters.ids import mask
from matters.model import Words

CASES_MAX = 200
TASKS_MAX = 500
NOTE_MAX = 500
ANSWER_MIN = 4
CALL_MS = 24 * 3600 * 1000
CORRECTION = "correction"
_COLUMNS = (
    "SELECT c.number, c.matter, c.state, c.subject_name, c.subject_number, c.staff, c.window, c.mode,"
    " c.opened_ms, c.changed_ms, c.due_ms, c.serial, coalesce(r.status, ''), c.note, c.entry"
    " FROM office_case c LEFT JOIN report r ON r.serial = c.serial AND c.serial <> ''"
)


async def list_cases(node: Node, session: Session, state: str | None = None) -> tuple[CaseView, ...]:
    """The newest cases of this hall (at most 200), one state only where asked. Numbers are masked."""
    where, bound = ("WHERE c.state = ?", (state,)) if state else ("", ())
    sql = f"{_COLUMNS} {where} ORDER BY c.opened_ms DESC LIMIT {CASES_MAX}"
    return await node.store.read(lambda db: _views(db, node, session, db.query(sql, bound)))


async def case(node: Node, session: Session, number: str) -> CaseView:
    """One case; raises NotThere."""
    sql = f"{_COLUMNS} WHERE c.number = ?"
    found = await node.store.read(lambda db: _views(db, node, session, db.query(sql, (number,))))
    if not found:
        raise NotThere("no such case")
    return found[0]


def _views(db: Reading, node: Node, session: Session, rows: list[tuple[Any, ...]]) -> tuple[CaseView, ...]:
    signed = countersigned_size(db)
    return tuple(_view(node, session, row, signed) for row in rows)


def _view(node: Node, session: Session, row: tuple[Any, ...], signed: int) -> CaseView:
    matter = node.catalogue.get(row[1])
    return CaseView(
        number=row[0],
        matter=row[1],
        title=matter.title if matter else Words(zh=row[1], en=row[1]),
        state=row[2],
        state_words=STATE_WORDS.get(row[2], Words(zh=row[2], en=row[2])),
        subject_name=row[3],
        subject_number_masked=mask(row[4]),
        staff=row[5],
        window=row[6],
        mode=row[7],
        opened_ms=row[8],
        changed_ms=row[9],
        due_ms=row[10],
        serial=row[11],
        report_status=row[12],
        note=row[13],
        mine=row[5] == session.staff,
        uploaded=row[14] < signed,
    )


async def tasks(node: Node, *, done: bool = False) -> tuple[Task, ...]:
    """The hall's list: corrections the centre asks for, deferrals that wait, people to call; urgent first.

    `done` shows finished ones.
    """
    state = "done" if done else "open"
    rows = await node.store.read(
        lambda db: db.query(
            "SELECT id, office_case, kind, zh, en, name, phone, due_ms, state, owner, note FROM task"
            " WHERE state = ? ORDER BY due_ms LIMIT ?",
            (state, TASKS_MAX),
        )
    )
    return tuple(_task(row) for row in rows)


def _task(row: tuple[Any, ...]) -> Task:
    return Task(
        id=row[0],
        case=row[1],
        kind=row[2],
        words=Words(zh=row[3], en=row[4]),
        name=row[5],
        phone=row[6],
        due_ms=row[7],
        state=row[8],
        owner=row[9],
        note=row[10],
    )


async def finish_task(node: Node, session: Session, task_id: str, note: str) -> None:
    """Mark a task done, with what was said; an entry, which answers a correction the centre asked for.

    Raises NotThere, WrongMoment when it is done already, Refused for a correction without an answer.
    """

    def finish(tx: Transaction) -> None:
        row = tx.one("SELECT office_case, state, kind FROM task WHERE id = ?", (task_id,))
        if row is None:
            raise NotThere("no such task")
        if row[1] != "open":
            raise WrongMoment("task is done")
        if row[2] == CORRECTION and len(note.strip()) < ANSWER_MIN:
            raise Refused("no answer", message=_NO_ANSWER, step=_SAY_WHAT)
        tx.execute(
            "UPDATE task SET state = 'done', done_ms = ?, note = ?, owner = ? WHERE id = ?",
            (tx.now_ms, note[:NOTE_MAX], session.staff, task_id),
        )
        done = mark(session, f"task-{row[2]}-done", row[0])
        if row[2] == CORRECTION:
            found = _load(tx, row[0])
            assert found is not None  # the task was made for a case that is there
            said = _entry(found, found.state, "corrected", note[:NOTE_MAX], correction=task_id)
            done = msgspec.structs.replace(
                said, actor=session.staff, role=session.role, window=session.window
            )
        tx.append(done)

    await node.store.transact(finish)
    node.events.publish("task")


_NO_ANSWER = Words(zh="答复补正须写明改了什么。", en="A correction is answered with what was changed.")
_SAY_WHAT = Words(
    zh=f"请写不少于 {ANSWER_MIN} 个字；不能补正的写明原因。",
    en=f"Write {ANSWER_MIN} characters or more; where it cannot be corrected, say why.",
)


class _Kept(msgspec.Struct, frozen=True):
    """A case as its entries name it."""

    number: str
    state: str
    matter: str
    subject_number: str
    subject_name: str
    phone: str
    due_ms: int
    staff: str


def _load(tx: Transaction, number: str) -> _Kept | None:
    row = tx.one(f"SELECT {', '.join(_Kept.__struct_fields__)} FROM office_case WHERE number = ?", (number,))  # noqa: S608 -- names of this file
    return _Kept(*row) if row else None


def _entry(found: _Kept, state: str, outcome: str, note: str, *, correction: str = "") -> Draft:
    return Draft(
        kind="case.changed",
        subject=found.subject_number,
        outcome=outcome,
        object=found.number,
        detail={
            "case": found.number,
            "matter": found.matter,
            "state": state,
            "subject_number": found.subject_number,
            "subject_name": found.subject_name,
            "phone": found.phone,
            "due": found.due_ms,
            "note": note,
            "correction": correction,
        },
    )


def change_case(tx: Transaction, number: str, state: str, note: str, actor: str = "centre") -> str:
    """Move a case and write its case.changed entry; why it may not move, or empty."""
    found = _load(tx, number)
    if found is None:
        return f"no case {number}"
    if state not in TRANSITIONS[found.state]:
        return f"case {number} is {found.state}, not {state}"
    tx.execute(
        "UPDATE office_case SET state = ?, changed_ms = ?, note = ? WHERE number = ?",
        (state, tx.now_ms, note, number),
    )
    tx.append(msgspec.structs.replace(_entry(found, state, state, note), actor=actor))
    return ""


def end_deferral(tx: Transaction, case: str) -> None:
    """Nobody waits for the line any more on this case."""
    tx.execute(
        "UPDATE task SET state = 'done', done_ms = ? WHERE office_case = ? AND kind = 'deferral'",
        (tx.now_ms, case),
    )


def call_task(tx: Transaction, node: Node, case: str, words: Words) -> str:
    """Put the person of a case on the call list, due tomorrow; why not, or empty."""
    return _task_for(tx, f"{case}-call-{secrets.token_hex(3)}", case, "call", words, node.now_ms() + CALL_MS)


def correction_task(tx: Transaction, correction: str, case: str, what: str, why: str, until_ms: int) -> str:
    """Work the centre asks for on a case; why not, or empty. One asked before is not asked again."""
    words = Words(zh=f"中心要求补正：{what}（{why}）", en=f"The centre asks for a correction: {what} ({why})")
    return _task_for(tx, correction, case, CORRECTION, words, until_ms)


def _task_for(tx: Transaction, task_id: str, case: str, kind: str, words: Words, due_ms: int) -> str:
    """A task about the person of a case, owned by the clerk who took it."""
    found = _load(tx, case)
    if found is None:
        return f"no case {case}"
    tx.execute(
        "INSERT INTO task (id, office_case, kind, zh, en, name, phone, due_ms, state, owner, made_ms)"
        " VALUES (?,?,?,?,?,?,?,?,'open',?,?) ON CONFLICT (id) DO NOTHING",
        (
            task_id,
            case,
            kind,
            words.zh,
            words.en,
            found.subject_name,
            found.phone,
            due_ms,
            found.staff,
            tx.now_ms,
        ),
    )
    return ""
