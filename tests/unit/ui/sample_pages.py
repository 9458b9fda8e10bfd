"""Every page of the hall by name, as the gallery serves it and the template tests render it."""

from collections.abc import Callable
from datetime import date
from typing import Any

import msgspec

from drivers.devices.receipt_printer.abilities import PAPER_MM, Abilities
from drivers.devices.receipt_printer.testpage import PARTS, well
from edge.actions.printers import PrinterSeen
from edge.actions.stick import StickFile
from edge.actions.sticks import Journey
from edge.pages import choices, forms, manual, serving, views
from edge.pages.desk import Desk
from matters.catalogue.load import builtin
from tests.unit.ui import samples
from tests.unit.ui.samples import W

CATALOGUE = builtin()
PERMITS = samples.SESSION.permits

LETTER = {
    "subject_name": "王䶮国", "subject_number": "330102196203074516", "requester_phone": "13800004412",
    "paper:letter:shown": "yes", "letter_authoriser_name": "yes", "letter_authoriser_number": "yes",
    "letter_matter": "查询公共信用信息", "letter_to": "2026-12-31", "letter_signature": "yes", "undertaking": "yes",
}  # fmt: skip


def desk(matter: str, case: str, form: dict[str, str] | None = None, *, read: bool = True) -> Desk:
    made = Desk(step="papers", matter=matter, case=case, form=form or {}, begun_ms=samples.NOW - 221_000)
    made.reads = {"visitor": samples.card()} if read else {}
    made.nonce = "nonce"
    return made


def wrong_form() -> Desk:
    form = {**LETTER, "subject_number": "330102196203074517", "letter_to": "31.12.2026", "email_code": "12"}
    made = desk("public-credit.authorised", "natural-natural", form)
    made.errors = forms.errors(made, form, date(2026, 11, 21))
    return made


def choose(mode: str = "online", *, read: bool = True) -> views.ChooseView:
    return views.ChooseView(
        side=samples.side(read=samples.card() if read else None),
        choices=choices.choices(CATALOGUE, ("public-credit",), online=mode == "online"),
        notice=views.Notice(
            kind="fresh", words=W(zh="报告已交付。请下一位。", en="Report handed over. Next, please.")
        ),
    )


def papers(made: Desk) -> views.PapersView:
    side = samples.side(read=made.reads.get("visitor"), matter=True, chips=tuple(made.chips.values()))
    return serving.papers_view(CATALOGUE[made.matter], made, side)


def with_chips() -> Desk:
    """An organisation's card filled it in; the agent's social security card waits for its PIN."""
    made = desk("public-credit.self", "self-legal", read=False)
    made.take_chip("subject", samples.chip("organisation_card", "某某（北京）有限公司", "91110000600037341L"))
    made.chips["agent"] = samples.chip("social_card")
    return made


def check(made: Desk, permits: tuple[str, ...], *, online: bool) -> views.CheckView:
    side = samples.side(read=made.reads.get("visitor"), matter=True)
    return serving.check_view(CATALOGUE[made.matter], made, side, permits, online=online)


def outcome(result: Any, state: str = "sent") -> msgspec.Struct:
    made = desk("public-credit.self", "self-natural", {"phone": "138 0000 4412"})
    side = samples.side(read=samples.card(), matter=True, number="330102-3-000482")
    jobs = (samples.job(state, 231), *samples.JOBS[1:])
    return serving.outcome_view(CATALOGUE[made.matter], made, side, result, jobs)


def day(*, closed: bool) -> views.DayView:
    totals = msgspec.structs.replace(samples.TOTALS, closed_ms=samples.NOW if closed else 0)
    return views.DayView(
        totals=totals,
        kinds=((W(zh="查询应答", en="Answered"), 29), (W(zh="报告出具", en="Reports issued"), 28)),
        findings=samples.FINDINGS if closed else (),
        people=(("li.min", "李敏"), ("wu.yue", "吴越")),
        me="wu.yue",
        is_today=not closed,
        may_close=True,
        notice=None,
    )


def own_trail(**found: Any) -> views.OwnTrailView:
    fields: dict[str, Any] = {
        "card": samples.card(),
        "trail": None,
        "deferral": None,
        "refusal": None,
        "phone": "",
        "error": None,
    }
    return views.OwnTrailView(**{**fields, **found})


def printers_seen() -> tuple[PrinterSeen, ...]:
    wide = _printer("回执 1", "3", Abilities(), answered=True, may=True)
    return wide, _printer("回执 2", "1", Abilities(columns=32, cut=False), answered=False, may=False)


def _printer(name: str, window: str, able: Abilities, *, answered: bool, may: bool) -> PrinterSeen:
    status = msgspec.structs.replace(samples.devices()[1], name=name, window=window)
    return PrinterSeen(
        status=status, able=able, paper_mm=PAPER_MM[able.columns], well=well(able), answered=answered, may=may
    )


def printers(chosen: str) -> views.PrintersView:
    seen = printers_seen()
    at = next(one for one in seen if one.status.name == chosen)
    return views.PrintersView(printers=seen, chosen=at, parts=PARTS, notice=None)


def _file(name: str, kind: str, zh: str, en: str, *, ours: bool = True) -> StickFile:
    return StickFile(name=name, bytes=48_213, kind=kind, node="330102", ours=ours, words=W(zh=zh, en=en))  # type: ignore[arg-type]  # a kind of file


STICK = (
    _file("330102-i1-0000000480-0000000512.yzb", "entries", "节点 330102 的台账第 481–512 条，共 32 条", "entries 481–512 of node 330102, 32 in all"),
    _file("330102-i1-file-8a61f0c2d9e4b713-0.yzb", "files", "节点 330102 的报告文件", "a report file of node 330102"),
    _file("centre-330102.yzb", "acknowledgement", "中心给节点 330102 的回执", "the centre's acknowledgement for node 330102"),
    _file("centre-330103.yzb", "acknowledgement", "中心给节点 330103 的回执", "the centre's acknowledgement for node 330103", ours=False),
    _file("pack-07.part", "half", "写了一半的文件：介质拔早了，可以删除", "half written: pulled too early, may go", ours=False),
)  # fmt: skip
WRITTEN = Journey(
    kind="fresh",
    words=W(
        zh="已写出 2 个文件（共 94 KB），含台账 32 条，逐个读回核对无误。现在可以取下 U 盘。",
        en="2 files (94 KB) with 32 entries written, each read back and compared. You may remove the stick now.",
    ),
)
LEFT = Journey(
    kind="ageing",
    words=W(zh="没有本机可以取入的文件，未作任何改动。", en="Nothing here to take in; nothing was changed."),
    left=(W(zh="centre-330103.yzb：中心给节点 330103 的回执，是给另一个节点的，留给它取", en="centre-330103.yzb: for another node"),),
)  # fmt: skip


def courier(chosen: str = "", **more: Any) -> views.CourierView:
    sticks = ("/media/yizhan/KINGSTON", "/media/yizhan/U 盘 2")
    fields = {
        "may": True,
        "configured": True,
        "sticks": sticks,
        "chosen": chosen,
        "files": STICK if chosen else (),
        "apart": True,
        "done": None,
    }
    return views.CourierView(**{**fields, **more})


SELF = ("public-credit.self", "self-natural")

PAGES: dict[str, tuple[str, str, Callable[[], msgspec.Struct]]] = {
    "signin": ("", "online", lambda: views.SignInView(staff="li.min", window="3", windows=("1", "2", "3"), refusal=None, by_card=False)),
    "signin-refused": ("", "offline", lambda: views.SignInView(staff="li.min", window="3", windows=("1", "2", "3"), refusal=samples.REFUSAL, by_card=True)),
    "choose": ("/", "online", choose),
    "choose-offline": ("/", "offline", lambda: choose("offline", read=False)),
    "papers-self": ("/", "online", lambda: papers(desk(*SELF))),
    "papers-no-card": ("/", "offline", lambda: papers(desk(*SELF, read=False))),
    "papers-letter": ("/", "online", lambda: papers(desk("public-credit.authorised", "natural-natural", LETTER))),
    "papers-legal": ("/", "online", lambda: papers(desk("public-credit.authorised", "legal-legal"))),
    "papers-bureau": ("/", "online", lambda: papers(desk("credit-bureau.self", "natural-natural"))),
    "papers-chips": ("/", "online", lambda: papers(with_chips())),
    "papers-wrong": ("/", "online", lambda: papers(wrong_form())),
    "check": ("/", "online", lambda: check(desk(*SELF, {"paper:resident-id:copy": "yes"}), PERMITS, online=True)),
    "check-offline": ("/", "offline", lambda: check(desk("public-credit.authorised", "natural-natural", LETTER), PERMITS, online=False)),
    "check-forbidden": ("/", "online", lambda: check(desk(*SELF), (), online=True)),
    "answer": ("/", "offline", lambda: outcome(samples.answer())),
    "answer-online": ("/", "online", lambda: outcome(samples.answer("online"), "queued")),
    "answer-good": ("/", "online", lambda: outcome(samples.answer("online"), "clerk-confirmed")),
    "answer-spoiled": ("/", "online", lambda: outcome(samples.answer("online"), "spoiled")),
    "refusal": ("/", "online", lambda: outcome(samples.REFUSAL)),
    "deferral": ("/", "offline", lambda: outcome(samples.DEFERRAL)),
    "trouble": ("/", "offline", lambda: outcome(samples.TROUBLE)),
    "cases": ("/cases", "online", lambda: views.CasesView(cases=samples.CASES, state="deferred", states=(("", W(zh="全部", en="all")), ("deferred", W(zh="待联网办理", en="waiting"))))),
    "cases-empty": ("/cases", "online", lambda: views.CasesView(cases=(), state="", states=(("", W(zh="全部", en="all")),))),
    "case": ("/cases", "online", lambda: views.CasePageView(case=samples.CASES[0], jobs=samples.JOBS, photos=samples.PHOTOS, camera=True)),
    "tasks": ("/tasks", "online", lambda: views.TasksView(calls=samples.TASKS[:2], deferrals=samples.TASKS[2:3], done=samples.TASKS[3:4], corrections=samples.TASKS[4:], now_ms=samples.NOW, notice=None)),
    "prints": ("/prints", "online", lambda: views.PrintsView(asking=(samples.job("sent", 231, problem=True),), moving=samples.JOBS[:3], settled=samples.JOBS[3:], sheets=samples.SHEETS, blocks=(), may_issue=False, windows=("1", "2", "3"), notice=None)),
    "prints-numbered": ("/prints", "offline", lambda: views.PrintsView(asking=(msgspec.structs.replace(samples.job("sent", 231, problem=True), sheet="HZ000103"),), moving=samples.JOBS[:3], settled=samples.JOBS[3:], sheets=samples.SHEETS, blocks=samples.BLOCKS, may_issue=True, windows=("1", "2", "3"), notice=None)),
    "day": ("/day", "online", lambda: day(closed=False)),
    "day-closed": ("/day", "online", lambda: day(closed=True)),
    "line": ("/line", "offline", lambda: views.LineView(notice=views.Notice(kind="ageing", words=W(zh="中心没有应答，稍后自动再试。", en="No reply; tried again later.")), may_exchange=True)),
    "line-code": ("/line", "offline", lambda: views.LineView(notice=views.Notice(kind="ageing", words=W(zh="第 4 组有误，其余各组无误。请只就这些组与中心重新核对，改正后再提交。", en="Group 4 is wrong, the others are right.")), may_exchange=True, code="123456 123456 123456 123456 123456 123456 123456 123456")),
    "line-clerk": ("/line", "online", lambda: views.LineView(notice=None, may_exchange=False)),
    "courier": ("/line", "offline", lambda: courier("/media/yizhan/KINGSTON", done=WRITTEN)),
    "courier-left": ("/line", "offline", lambda: courier("/media/yizhan/KINGSTON", files=STICK[3:], done=LEFT, apart=False)),
    "courier-choose": ("/line", "offline", courier),
    "courier-empty": ("/line", "online", lambda: courier("/media/yizhan/KINGSTON", files=())),
    "courier-none": ("/line", "online", lambda: courier(sticks=())),
    "courier-unset": ("/line", "online", lambda: courier(sticks=(), configured=False)),
    "courier-clerk": ("/line", "online", lambda: courier(sticks=(), may=False)),
    "day-clerk": ("/day", "online", lambda: msgspec.structs.replace(day(closed=False), may_close=False)),
    "devices": ("/devices", "offline", lambda: views.DevicesView(seen=samples.devices_seen(), twins=None, notice=None)),
    "devices-training": ("/devices", "offline", lambda: views.DevicesView(seen=samples.devices_seen(), twins=samples.TWINS, notice=None)),
    "printers": ("/devices", "online", lambda: printers("回执 1")),
    "printers-other": ("/devices", "online", lambda: printers("回执 2")),
    "printers-none": ("/devices", "online", lambda: views.PrintersView(printers=(), chosen=None, parts=PARTS, notice=None)),
    "own-trail": ("/own-trail", "online", lambda: own_trail(trail=samples.TRAIL)),
    "own-trail-ask": ("/own-trail", "online", own_trail),
    "own-trail-offline": ("/own-trail", "offline", lambda: own_trail(deferral=samples.DEFERRAL, phone="138 0000 4412")),
    "own-trail-wrong": ("/own-trail", "offline", lambda: own_trail(phone="call me", error=forms.phone_error("phone", "call me"))),
    "papers-open": ("/", "online", lambda: papers(desk("public-credit.open", "legal-natural"))),
    "check-open": ("/", "online", lambda: check(desk("public-credit.open", "natural-natural", {"account": "limin_2024", "subject_number": "330102196203074516"}), PERMITS, online=True)),
    "own-trail-refused": ("/own-trail", "online", lambda: own_trail(card=None, refusal=samples.REFUSAL)),
    "help": ("/help", "online", views.HelpView),
    "broken": ("", "online", lambda: views.TroublePageView(trouble=samples.TROUBLE)),
    "patterns": ("", "online", lambda: manual.sample(samples.NOW)),
}  # fmt: skip
"""Name → (door in the bar, mode of the line, the view)."""
