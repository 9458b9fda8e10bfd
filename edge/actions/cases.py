"""Cases and tasks of the hall."""

from typing import Any

from edge.actions.gates import countersigned_size
from edge.actions.marks import mark
from edge.actions.node import Node, Session
from edge.actions.views import CaseView, Task
from edge.errors import NotThere, WrongMoment
from edge.store.reader import Reading
from edge.store.transaction import Transaction
from matters.cases import STATE_WORDS
from matters.ids import mask
from matters.model import Words

CASES_MAX = 200
TASKS_MAX = 500
NOTE_MAX = 500
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
    """The hall's list: deferrals that wait, people to call; the most urgent first.

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
    """Mark a task done, with what was said; an entry.

    Raises NotThere, or WrongMoment when it is done already.
    """

    def finish(tx: Transaction) -> None:
        row = tx.one("SELECT office_case, state, kind FROM task WHERE id = ?", (task_id,))
        if row is None:
            raise NotThere("no such task")
        if row[1] != "open":
            raise WrongMoment("task is done")
        tx.execute(
            "UPDATE task SET state = 'done', done_ms = ?, note = ?, owner = ? WHERE id = ?",
            (tx.now_ms, note[:NOTE_MAX], session.staff, task_id),
        )
        tx.append(mark(session, f"task-{row[2]}-done", row[0]))

    await node.store.transact(finish)
    node.events.publish("task")
