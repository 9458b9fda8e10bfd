"""What an answer or a promise leaves behind: numbers, case, report, quota, task.

Each inside the caller's transaction.
"""

import hashlib
from datetime import UTC, datetime

import msgspec

from edge.actions import paperwork
from edge.actions.asking import Asked
from edge.actions.node import Node
from edge.actions.sources import Held
from edge.errors import NotThere
from edge.store.draft import Draft
from edge.store.transaction import Transaction
from matters.calendar import CHINA, china_ms
from matters.groups import shown_records
from matters.ids import plain
from matters.model import Grant, Words
from matters.records import facts, facts_bytes
from sync.ids import parse_origin
from sync.messages.registry import DetailValue


class Numbers(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers allocated inside the transaction; a crash gives them back."""

    case: str
    serial: str


def issue(tx: Transaction, node: Node, asked: Asked, grant: Grant, held: Held, numbers: Numbers) -> None:
    """The report's entry and row. Its facts carry no ages, so the centre can judge them again later."""
    stated = facts(held.subject, shown_records(asked.matter, held.records, tx.now_ms))
    body = facts_bytes(stated)
    status = "provisional" if held.mode == "cached" else "final"
    digest = hashlib.sha256(body).digest()
    session = asked.session
    placed = tx.append(
        Draft(
            kind="report.issued",
            subject=asked.subject.number,
            actor=session.staff,
            role=session.role,
            window=session.window,
            purpose=asked.purpose_code(grant.basis),
            basis=grant.basis,
            mode=held.mode,
            as_of=held.as_of_ms,
            policy=asked.matter.policy,
            outcome=status if asked.delivery == "print" else f"{status}-email",
            object=numbers.case,
            detail={
                "serial": numbers.serial,
                "subject_number": plain(asked.subject.number),
                "subject_name": asked.subject.name,
                "matter": asked.matter.code,
                "facts_digest": digest,
                "facts": body,
                "status": status,
                "as_of": held.as_of_ms,
            },
        )
    )
    sheet = paperwork.report_sheet(node, asked, grant, held, numbers.serial, tx.now_ms)
    tx.execute(
        "INSERT INTO report (serial, office_case, matter, status, facts_digest, as_of_ms, issued_ms, entry,"
        " leaf_hash, sheet) VALUES (?,?,?,?,?,?,?,?,?,?)",
        (
            numbers.serial,
            numbers.case,
            asked.matter.code,
            status,
            digest,
            held.as_of_ms,
            tx.now_ms,
            placed.index,
            placed.leaf_hash,
            msgspec.json.encode(sheet),
        ),
    )


def open_case(
    tx: Transaction, asked: Asked, numbers: Numbers, *, state: str, mode: str, due_ms: int, entry: int
) -> None:
    """The case.opened entry and the case's row."""
    session, subject = asked.session, asked.subject
    detail: dict[str, DetailValue] = {
        "case": numbers.case,
        "matter": asked.matter.code,
        "state": state,
        "subject_number": plain(subject.number),
        "subject_name": subject.name,
        "phone": asked.phone,
        "due": due_ms,
        "note": "",
    }
    tx.append(
        Draft(
            kind="case.opened",
            subject=subject.number,
            actor=session.staff,
            role=session.role,
            window=session.window,
            mode=mode,
            outcome=state,
            object=numbers.case,
            policy=asked.matter.policy,
            detail=detail,
        )
    )
    tx.execute(
        "INSERT INTO office_case VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        (
            numbers.case,
            asked.matter.code,
            state,
            tx.ref(subject.number),
            plain(subject.number),
            subject.name,
            asked.phone,
            session.staff,
            session.window,
            mode,
            tx.now_ms,
            tx.now_ms,
            due_ms,
            numbers.serial,
            "",
            entry,
        ),
    )


def make_task(tx: Transaction, asked: Asked, case: str, kind: str, words: Words, due_ms: int) -> None:
    """A task on the hall's list, owned by the clerk who took it."""
    tx.execute(
        "INSERT INTO task (id, office_case, kind, zh, en, name, phone, due_ms, state, owner, made_ms)"
        " VALUES (?,?,?,?,?,?,?,?,'open',?,?)",
        (
            f"{case}-{kind}",
            case,
            kind,
            words.zh,
            words.en,
            asked.request.requester.name or asked.subject.name,
            asked.phone,
            due_ms,
            asked.session.staff,
            tx.now_ms,
        ),
    )


def allot(tx: Transaction, node: Node, *, report: bool) -> Numbers:
    """The next case number and, with `report`, the next serial: `330102-2026-L-00231`, per node and year.

    A later incarnation counts in a series of its own (`L2`): what the lost end of the old ledger gave away is
    not known, and no number is given twice.
    """
    year = datetime.fromtimestamp(tx.now_ms / 1000, CHINA).year
    origin = parse_origin(node.identity.origin)
    name, series = origin.name, str(origin.incarnation) if origin.incarnation > 1 else ""
    case = f"{name}-{year}-C{series}-{tx.count_up('case' + series, year):05d}"
    serial = f"{name}-{year}-L{series}-{tx.count_up('serial' + series, year):05d}" if report else ""
    return Numbers(case=case, serial=serial)


def day_words(at_ms: int) -> Words:
    """A due time as people say it."""
    at = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(CHINA)
    return Words(zh=f"{at.year}年{at.month}月{at.day}日 {at:%H:%M}", en=f"{at:%Y-%m-%d %H:%M}")


def day_span(day: str) -> tuple[int, int]:
    """The first millisecond of a day in China (YYYY-MM-DD) and of the next.

    Raises NotThere for no such day.
    """
    try:
        start_ms = china_ms(f"{day}T00:00:00")
    except ValueError as error:
        raise NotThere("no such day") from error
    return start_ms, start_ms + 86_400_000
