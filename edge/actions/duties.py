"""Duties of the hall that are no matter: who may close the day, exchange on demand, answer for a paper.

Roles and permits are data of the staff release: supervisor (值班长), hall manager, or a clerk with the
permit `duty` (值班; the only clerk on a bus has it). A clerk answers for papers of their own window and
their own cases. A refused act is an entry, durable before the refusal is said (F013).
"""

from typing import Final

from edge.actions.marks import mark
from edge.actions.node import Node, Session
from edge.errors import NotAllowed
from matters.model import Words

CHIEFS: Final = frozenset({"supervisor", "manager", "hall-manager"})
DUTY: Final = "duty"
CLOSE_DAY: Final = "close-day"
EXCHANGE: Final = "exchange"
LEASE: Final = "lease"
COURIER: Final = "courier"
PAPER: Final = "paper"
SHEETS: Final = "sheets"
DEVICE: Final = "device"
FINDING: Final = "finding"
_ACTS = {
    CLOSE_DAY: Words(zh="日结", en="Closing the day"),
    EXCHANGE: Words(zh="手动交换", en="An exchange on demand"),
    LEASE: Words(zh="录入电话授权码", en="A lease by phone"),
    COURIER: Words(zh="用 U 盘传递", en="Carrying by stick"),
    PAPER: Words(zh="其他窗口的纸张", en="The paper of another window"),
    SHEETS: Words(zh="领用和退回纸张", en="Issuing sheets and taking them back"),
    FINDING: Words(zh="分派和说明差异", en="Giving out and explaining differences"),
    DEVICE: Words(zh="测试其他窗口的设备", en="A test of another window's device"),
}
_STEP = Words(
    zh="请由值班长、大厅主管，或有值班权限的窗口人员办理。",
    en="Ask the supervisor, the hall manager, or a clerk who holds the permit duty.",
)


def on_duty(session: Session) -> bool:
    """May this person do the hall's own acts?"""
    return session.role in CHIEFS or DUTY in session.permits


def may_touch(session: Session, window: str) -> bool:
    """May this person test a device that serves `window` ("" every window)?"""
    return window in {"", session.window} or on_duty(session)


async def touches(node: Node, session: Session, window: str) -> None:
    """Nothing for who may test such a device. Raises NotAllowed as `require` does."""
    if not may_touch(session, window):
        await _refuse(node, session, DEVICE)


async def require(node: Node, session: Session, act: str) -> None:
    """Nothing for who is on duty. Raises NotAllowed once the refusal is durable on the ledger."""
    if not on_duty(session):
        await _refuse(node, session, act)


async def answers_for(node: Node, session: Session, *, job: str = "", serial: str = "") -> None:
    """May this person say what became of a paper: a print `job`, or the papers of report `serial`.

    A paper that does not exist is for the caller to miss. Raises NotAllowed as `require` does.
    """
    if on_duty(session):
        return
    rows = await node.store.read(
        lambda db: db.query(
            "SELECT j.window, c.staff FROM print_job j LEFT JOIN office_case c ON c.number = j.office_case"
            " WHERE j.id = ? OR (? <> '' AND j.serial = ?)",
            (job, serial, serial),
        )
    )
    if rows and not any(window in {"", session.window} or staff == session.staff for window, staff in rows):
        await _refuse(node, session, PAPER)


async def _refuse(node: Node, session: Session, act: str) -> None:
    await node.store.transact(lambda tx: tx.append(mark(session, "not-allowed", act)))
    words = _ACTS[act]
    message = Words(
        zh=f"{words.zh}须由值班人员办理；本次操作已留痕。",
        en=f"{words.en} is for those on duty; this attempt is on record.",
    )
    raise NotAllowed(f"no duty for {act}", message=message, step=_STEP)
