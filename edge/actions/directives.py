"""The centre's letters, obeyed in order; each effect and `directive_seen` in one transaction (P5)."""

import base64
import binascii
import functools
from collections.abc import Callable
from typing import Any

import msgspec
import structlog

from edge.actions import findings, leases, quota
from edge.actions.cases import call_task, change_case, correction_task, end_deferral
from edge.actions.close_day import close_again
from edge.actions.gates import REVOKED, WIPE
from edge.actions.node import Node
from edge.store import past
from edge.store.cache import withdraw
from edge.store.draft import Draft
from edge.store.transaction import Transaction
from edge.store.view import DIRECTIVE_FACT
from matters.model import Words
from sync.errors import SyncError
from sync.ids import parse_origin
from sync.lease.lease import open_lease
from sync.messages.directives import Directive, follows, objection, whose
from sync.messages.incarnation import GENERATION

log = structlog.get_logger("directives")
Body = dict[str, Any]
RECOUNT_DUE = "recount_due"
"""Fact that stands until the job `recount` did what the centre's letter asks."""


async def deliver(node: Node, letters: tuple[Directive, ...]) -> int:
    """Obey the letters that are new, in order; how many.

    One that cannot be obeyed is noted and passed (P6).
    """
    done = 0
    for letter in letters:
        done += await node.store.transact(functools.partial(_obey, node=node, letter=letter))
    if done:
        node.events.publish("task")
        node.events.publish("print")
    return done


def _obey(tx: Transaction, node: Node, letter: Directive) -> int:
    seen = int(tx.noted(DIRECTIVE_FACT) or 0)
    if not follows(seen, letter.number):
        return 0
    problem = objection(letter) or _said_before(tx, letter) or _of_another(tx, letter)
    if not problem:
        problem = _EFFECTS[letter.kind](tx, node, letter.body)
    if problem:
        log.warning("directive.refused", number=letter.number, kind=letter.kind)
    body = msgspec.json.encode(letter.body)
    tx.execute(
        "INSERT OR REPLACE INTO directive VALUES (?,?,?,?,?)",
        (letter.number, letter.kind, body, tx.now_ms, problem),
    )
    tx.note(DIRECTIVE_FACT, letter.number)
    return 1


def _said_before(tx: Transaction, letter: Directive) -> str:
    """A restored centre says again what it forgot it said: nobody pays or is called twice for it.

    A second verdict on the same thing has no effect even where it is another: the first one knew more.
    """
    key, kinds = _ONCE.get(letter.kind, ((), ()))
    if not key or letter.number < GENERATION:
        return ""
    either = ",".join("?" * len(kinds))
    same = " AND ".join("json_extract(CAST(body AS TEXT), ?) = ?" for _ in key)
    bound = [part for name in key for part in (f"$.{name}", letter.body[name])]
    query = f"SELECT number FROM directive WHERE kind IN ({either}) AND objection = '' AND {same}"  # noqa: S608 -- names of _ONCE
    row = tx.one(query, (*kinds, *bound))
    return f"obeyed before as letter {row[0]}" if row else ""


_VERDICTS = ("report.confirmed", "report.superseded")
_ONCE: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "report.confirmed": (("serial",), _VERDICTS),
    "report.superseded": (("serial",), _VERDICTS),
    "case.fulfilled": (("case",), ("case.fulfilled",)),
    "case.refused": (("case",), ("case.refused",)),
    "quota.settled": (("origin", "index"), ("quota.settled",)),
}
"""Letters whose effect must not come twice: what they are about, and the kinds that say it."""


def _of_another(tx: Transaction, letter: Directive) -> str:
    """Why this is about somebody else's case: a disk that went back gives its numbers a second time."""
    name, query = _WHOSE.get(letter.kind, ("", ""))
    row = tx.one(query, (letter.body[name],)) if name else None
    if row is None or letter.body.get("whose", whose(row[0])) == whose(row[0]):
        return ""
    return f"{name} {letter.body[name]} is another person's here"


_OF_CASE = ("case", "SELECT subject_ref FROM office_case WHERE number = ?")
_OF_REPORT = (
    "serial",
    "SELECT subject_ref FROM office_case WHERE number = (SELECT office_case FROM report WHERE serial = ?)",
)
_WHOSE = {
    "report.confirmed": _OF_REPORT,
    "report.superseded": _OF_REPORT,
    "case.fulfilled": _OF_CASE,
    "case.refused": _OF_CASE,
}
"""Letters that say whose case or report they are about: the field that names it, and how it is looked up."""


def _confirmed(tx: Transaction, _: Node, body: Body) -> str:
    if not tx.execute(
        "UPDATE report SET status = 'confirmed' WHERE serial = ? AND status = 'provisional'",
        (body["serial"],),
    ):  # after a rollback the number of a lost report may be that of another, who was answered online
        return f"no provisional report {body['serial']}"
    _settled(tx, body["serial"], "confirmed", "")
    return ""


def _superseded(tx: Transaction, node: Node, body: Body) -> str:
    changes = msgspec.json.encode(body["changes"])
    row = tx.one(
        "SELECT office_case FROM report WHERE serial = ? AND status = 'provisional'", (body["serial"],)
    )
    if row is None:
        return f"no provisional report {body['serial']}"
    tx.execute(
        "UPDATE report SET status = 'superseded', changes = ? WHERE serial = ?", (changes, body["serial"])
    )
    _settled(tx, body["serial"], "superseded", changes.decode())
    what = "；".join(str(change[0]) for change in body["changes"] if change)
    words = Words(
        zh=f"报告 {body['serial']} 的内容有变化，请致电告知并换发：{what}",
        en=f"Report {body['serial']} changed; call and replace it",
    )
    change_case(tx, row[0], "superseded", what)
    return call_task(tx, node, row[0], words)


def _settled(tx: Transaction, serial: str, verdict: str, changes: str) -> None:
    row = tx.one("SELECT subject_number FROM office_case WHERE serial = ?", (serial,))
    tx.append(
        Draft(
            kind="report.settled",
            subject=row[0] if row else "",
            actor="centre",
            outcome=verdict,
            object=serial,
            detail={"serial": serial, "verdict": verdict, "changes": changes},
        )
    )


def _fulfilled(tx: Transaction, node: Node, body: Body) -> str:
    problem = change_case(tx, body["case"], "fulfilled", str(body["note"]))
    if problem:
        return problem
    end_deferral(tx, body["case"])
    words = Words(
        zh=f"办件 {body['case']} 已联网办好，请致电申请人：{body['note']}",
        en=f"Case {body['case']} is done at the centre; call the applicant",
    )
    return call_task(tx, node, body["case"], words)


def _refused(tx: Transaction, node: Node, body: Body) -> str:
    reason = str(body["reason"][0]) if body["reason"] else ""
    problem = change_case(tx, body["case"], "refused", f"{reason}（{body['rule']}）")
    if problem:
        return problem
    end_deferral(tx, body["case"])
    words = Words(
        zh=f"办件 {body['case']} 未获受理，请致电说明：{reason}（{body['rule']}）",
        en=f"Case {body['case']} was refused by the centre; call and explain",
    )
    return call_task(tx, node, body["case"], words)


def _correction(tx: Transaction, _: Node, body: Body) -> str:
    """Work for who took the case, until it is answered by an entry (`cases.finish_task`)."""
    return correction_task(tx, body["correction"], body["case"], body["what"], body["why"], body["until_ms"])


def _lease(tx: Transaction, node: Node, body: Body) -> str:
    try:
        signed = base64.b64decode(body["lease"], validate=True)
        lease = open_lease(signed, node.identity.centre.signing)
    except (SyncError, binascii.Error) as error:
        return f"lease: {error}"
    if lease.origin != node.identity.origin:
        return f"lease of {lease.origin}"
    leases.take(tx, lease, signed)
    return ""


def _finding(tx: Transaction, _: Node, body: Body) -> str:
    findings.told(tx, body)
    return ""


def _reconcile(tx: Transaction, node: Node, body: Body) -> str:
    close_again(tx, node, body["day"])
    return ""


def _revoked(tx: Transaction, _: Node, body: Body) -> str:
    tx.note(REVOKED, body["reason"])
    return ""


def _consent(tx: Transaction, _: Node, body: Body) -> str:
    """In force whether the subject's data came before, come with, or come after this letter."""
    try:
        ref = bytes.fromhex(body["ref"])
    except ValueError:
        return "consent: not a reference"
    withdraw(tx, ref, withdrawn=body["withdrawn"])
    outcome = "consent-withdrawn" if body["withdrawn"] else "consent-given"
    tx.append(Draft(kind="mark", actor="centre", outcome=outcome, object=body["ref"]))
    return ""


def _policy(tx: Transaction, _: Node, body: Body) -> str:
    window = body["settings"].get("window_ms")
    if isinstance(window, int) and window > 0:
        tx.note("window_ms", window)
    return ""


def _quota(tx: Transaction, node: Node, body: Body) -> str:
    """The fee is corrected where it was counted, and the person is on the call list (F017)."""
    place = _place(node, body["origin"], body["index"])
    if place is None:
        return f"no right spent at {body['index']}"
    spent = tx.one("SELECT office_case, ref FROM quota_spent WHERE entry = ?", (place,))
    if spent is None:
        return f"no right spent at {body['index']}"
    if body.get("whose", whose(spent[1])) != whose(spent[1]):
        return f"entry {body['index']} is another person's here"
    cents, case = int(body["fee_cents"]), str(spent[0])
    tx.execute("UPDATE quota_spent SET fee_cents = max(0, fee_cents + ?) WHERE entry = ?", (cents, place))
    tx.append(
        Draft(
            kind="mark",
            actor="centre",
            outcome="quota-settled",
            object=f"entry-{body['index']}",
            detail={"note": f"{cents} cents"},
        )
    )
    yuan = f"{abs(cents) / 100:g}"
    what = Words(zh="应补收", en="to collect") if cents > 0 else Words(zh="应退还", en="to give back")
    words = Words(
        zh=f"办件 {case} 的次数经中心核定，{what.zh} {yuan} 元：{body['note']}",
        en=f"Case {case}: {yuan} yuan {what.en}, as the centre settled",
    )
    return call_task(tx, node, case, words)


def _place(node: Node, origin: str, index: int) -> int | None:
    """How our rows name an entry of this or of an ended incarnation; None for somebody else's."""
    try:
        theirs, ours = parse_origin(origin), parse_origin(node.identity.origin)
    except SyncError:
        return None
    if (theirs.authority, theirs.name) != (ours.authority, ours.name):
        return None
    same = theirs.incarnation == ours.incarnation
    return index if same else past.number_of(index, theirs.incarnation)


def _wipe(tx: Transaction, _: Node, body: Body) -> str:
    """Answers stop now; the job `wipe` seals what is unsent and destroys the keys (`edge.actions.wipe`)."""
    tx.note(WIPE, body["note"])
    tx.append(Draft(kind="ledger.closed", actor="centre", outcome="seal-and-wipe"))
    return ""


def _recount(tx: Transaction, _: Node, body: Body) -> str:
    """Done by the job `recount` as soon as the line allows; what is found is an entry."""
    tx.note(RECOUNT_DUE, body["note"])
    return ""


_EFFECTS: dict[str, Callable[[Transaction, Node, Body], str]] = {
    "report.confirmed": _confirmed,
    "report.superseded": _superseded,
    "case.fulfilled": _fulfilled,
    "case.refused": _refused,
    "case.correction": _correction,
    "lease": _lease,
    "finding": _finding,
    "reconcile": _reconcile,
    "recount": _recount,
    "quota.granted": quota.take,
    "quota.settled": _quota,
    "seal-and-wipe": _wipe,
    "consent": _consent,
    "revoked": _revoked,
    "policy": _policy,
}
"""One effect for each row of DIRECTIVES; returns why it could not be done, or empty."""
