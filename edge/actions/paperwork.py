"""What goes on paper: the report's sheet, the slips, and the jobs that ask for them.

Written inside a transaction.
"""

import secrets

import msgspec

from edge.actions.asking import Asked
from edge.actions.node import Node
from edge.actions.sources import Held, Later, age_line
from edge.store.transaction import Transaction
from edge.typeset.sheets import ReportSheet, SlipKind, SlipSheet
from matters.ids import mask
from matters.model import Grant, Refusal, Words

PROVISIONAL = Words(
    zh="本报告为临时报告：离线出具，联网后由中心确认；如有变化，窗口将致电通知。",
    en="Provisional: issued offline, to be confirmed by the centre; you are called if anything changed.",
)
_FINAL = Words(zh="本报告为正式报告。", en="This report is final.")
_TITLES = {
    "public-credit": Words(zh="公共信用信息查询报告", en="Public credit information report"),
    "credit-bureau": Words(zh="个人信用报告（查询版）", en="Personal credit-bureau report"),
    "access-trail": Words(zh="本人信息查询记录", en="Who saw my data"),
}
_BASIS = {"SELF": "本人查询", "AUTHORISED": "经授权查询", "OPEN": "依法公开信息查询"}


def report_sheet(
    node: Node, asked: Asked, grant: Grant, held: Held, serial: str, issued_ms: int
) -> ReportSheet:
    """The A4 report as the paper will say it; the token is added when it is typeset."""
    provisional = held.mode == "cached"
    subject = held.subject
    label = "证件号码" if subject.kind == "natural" else "统一社会信用代码"
    rows = [("姓名" if subject.kind == "natural" else "名称", subject.name), (label, subject.number)]
    rows += [("申请人", asked.request.requester.name)] if asked.request.requester.name != subject.name else []
    title = _TITLES.get(asked.matter.report or "", asked.matter.title)
    return ReportSheet(
        serial=serial,
        status="provisional" if provisional else "final",
        title=title,
        subject=tuple(rows),
        groups=held.groups,
        as_of_ms=held.as_of_ms,
        issued_ms=issued_ms,
        hall=node.hall_name(),
        window=asked.session.window,
        clerk=asked.session.name,
        basis=f"{_BASIS.get(grant.basis, grant.basis)}（{grant.rule}）",
        purpose=grant.purpose or asked.request.purpose,
        token="",
        notes=(PROVISIONAL if provisional else _FINAL,),
        mark="training" if node.training else "",
    )


def report_slip(
    node: Node, asked: Asked, held: Held, case: str, serial: str, due: str, at_ms: int
) -> SlipSheet:
    """The acceptance slip that goes with a report."""
    lines = [
        f"事项：{asked.matter.title.zh}",
        f"办件编号：{case}",
        f"报告编号：{serial}",
        f"主体：{held.subject.name} {mask(held.subject.number)}",
        age_line(held.as_of_ms, at_ms).zh,
    ]
    lines += [f"领取时限：{due}"] if due else []
    words = PROVISIONAL if held.mode == "cached" else _FINAL
    title = Words(zh="受理回执单", en="Acceptance slip")
    return _slip(node, "report", title, tuple(lines), words, serial, at_ms)


def deferral_slip(node: Node, asked: Asked, later: Later, case: str, due: Words, at_ms: int) -> SlipSheet:
    """The promise on paper: number, due time, what happens next."""
    lines = (
        f"事项：{asked.matter.title.zh}",
        f"办件编号：{case}",
        f"申请人：{asked.request.requester.name} {mask(asked.request.requester.number)}",
        f"联系电话：{asked.phone or '未留'}",
        f"最迟：{due.zh}",
        later.words.zh,
    )
    title = Words(zh="待办回执单", en="Deferral slip")
    words = Words(zh="已受理待上传：尚未办结", en="Accepted, not yet sent: not finished")
    return _slip(node, "deferral", title, lines, words, case, at_ms)


def refusal_slip(node: Node, asked: Asked, no: Refusal, number: str, at_ms: int) -> SlipSheet:
    """一次性告知: everything that is missing, on one note (F064)."""
    lines = [f"事项：{asked.matter.title.zh}", no.message.zh, f"依据：{no.rule}"]
    lines += [f"{place}. {missing.zh}" for place, missing in enumerate(no.missing, 1)]
    lines.append(no.next.zh)
    title = Words(zh="一次性告知单", en="What is missing")
    words = Words(zh="未受理", en="Not accepted")
    return _slip(node, "refusal", title, tuple(lines), words, number, at_ms)


def _slip(
    node: Node,
    kind: SlipKind,
    title: Words,
    lines: tuple[str, ...],
    status: Words,
    number: str,
    at_ms: int,
) -> SlipSheet:
    return SlipSheet(
        kind=kind,
        title=title,
        lines=lines,
        status_words=status,
        number=number,
        hall=node.hall_name(),
        at_ms=at_ms,
        mark="training" if node.training else "",
    )


def ask_slip(tx: Transaction, window: str, case: str, serial: str, slip: SlipSheet) -> str:
    """Put a slip on the print journal (state asked); the press takes it after the commit. Its job id."""
    return _ask(tx, "slip", window, case, serial, 1, msgspec.json.encode(slip))


def ask_report(tx: Transaction, window: str, case: str, serial: str, copy_no: int, reason: str = "") -> str:
    """Put an A4 report on the print journal (state asked). Its job id."""
    return _ask(tx, "report", window, case, serial, copy_no, None, reason)


def _ask(
    tx: Transaction,
    kind: str,
    window: str,
    case: str,
    serial: str,
    copy_no: int,
    paper: bytes | None,
    reason: str = "",
) -> str:
    job = f"p-{secrets.token_hex(6)}"
    tx.execute(
        "INSERT INTO print_job (id, kind, serial, office_case, state, copy_no, reason, window, paper,"
        " asked_ms, changed_ms) VALUES (?,?,?,?,'asked',?,?,?,?,?,?)",
        (job, kind, serial, case, copy_no, reason, window, paper, tx.now_ms, tx.now_ms),
    )
    return job
