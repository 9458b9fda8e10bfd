"""Views as a busy morning would fill them, for the gallery and the template tests. All people are made up."""

from datetime import UTC, date, datetime
from typing import Any

import msgspec

from edge.actions.devices import DevicesSeen
from edge.actions.photos import Photo
from edge.actions.sheets import SheetBlock
from edge.actions.status import LANES
from edge.actions.twins import Hand, TwinSeen, TwinsSeen
from edge.actions.views import (
    AccessView,
    Answer,
    CardRead,
    CaseView,
    CentreStatus,
    ChipRead,
    ClockStatus,
    DayTotals,
    Deferral,
    EntryView,
    Finding,
    LeaseStatus,
    LedgerStatus,
    PrintJob,
    ReleaseStatus,
    ReportRef,
    Sheets,
    Status,
    Task,
    TrailAnswer,
)  # fmt: skip
from edge.hall.hall import DeviceStatus, Trial
from edge.hall.states import BY_HAND
from edge.pages import views
from edge.pages.screen import frame_of
from edge.security.session import Session
from edge.store.draft import Placed
from edge.uplink.meter import LaneStatus, LinkStatus
from matters.groups import Group
from matters.model import Refusal, Words
from matters.quota import QuotaVerdict
from matters.records import SubjectRecord
from ui.frame import Frame

NOW = int(datetime(2026, 11, 21, 4, 4, 31, tzinfo=UTC).timestamp() * 1000)
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
W = Words


def words(zh: str, en: str = "") -> Words:
    return Words(zh=zh, en=en or zh)


SESSION = Session(
    id="secret", staff="li.min", name="李敏", role="clerk", permits=("public-credit", "credit-bureau"),
    window="3", csrf="token", opened_ms=NOW - 3 * HOUR,
)  # fmt: skip

PLACED = Placed(origin="qingzhou.example/node/330102/i1", index=48_217, leaf_hash=bytes(range(32)))


def status(mode: str = "online") -> Status:
    online = mode == "online"
    return Status(
        origin=PLACED.origin,
        hall="清河县市民之家",
        at_ms=NOW,
        mode="online" if online else "offline",
        centre=CentreStatus(
            reachable=online,
            last_contact=NOW - (3 * MINUTE if online else 78 * MINUTE),
            last_contact_age_s=180 if online else 78 * 60,
        ),
        ledger=LedgerStatus(
            size=48_218, root="9f3c" + "0" * 56 + "e21a", countersigned_size=48_218 if online else 48_181,
            pending=0 if online else 37, oldest_unacknowledged_age_s=0 if online else 72 * 60, window_s=259_200,
        ),
        lease=(
            LeaseStatus(capability="public", scope="county", left_s=90 * 3600, answers_left=5000, state="green"),
            LeaseStatus(capability="summary", scope="county", left_s=61 * 3600, answers_left=1963, state="green" if online else "amber"),
        ),
        lanes=lanes(online=online),
        link=LinkStatus(words=words("低速线路", "thin line"), used_bytes=8_912_896, day_bytes=8 << 20, bytes_per_s=1150),
        devices=devices(broken=not online),
        clock=ClockStatus(state="synced" if online else "holdover", now_ms=NOW),
        releases=(
            ReleaseStatus(scope="330102", data_class="subjects", version=118, rows=25_310, as_of_ms=NOW - 150 * MINUTE),
            ReleaseStatus(scope="330102", data_class="records", version=118, rows=101_240, as_of_ms=NOW - 150 * MINUTE),
        ),
        stopped=(),
        warnings=() if online else (words("时钟未与中心对时", "Clock not checked against the centre"),),
        open_tasks=3,
    )  # fmt: skip


def lanes(*, online: bool) -> tuple[LaneStatus, ...]:
    waits = (
        {} if online else {"3": (312, 9_984, False), "4": (2, 4_404_019, True), "5": (37, 2_621_440, True)}
    )
    made = ((lane, words(zh, en), *waits.get(lane, (0, 0, False))) for lane, zh, en in LANES)
    return tuple(
        LaneStatus(lane=lane, words=said, waiting=many, bytes=size, tomorrow=later, eta_s=240 if many else 0)
        for lane, said, many, size, later in made
    )


def devices(*, broken: bool = False) -> tuple[DeviceStatus, ...]:
    fine = words("正常", "fine")
    none = words("", "")
    return (
        DeviceStatus(name="阅读机 3", kind="id_reader", window="3", state="ok", last_ok=NOW - 4000, words=fine, next=none),
        DeviceStatus(
            name="回执机 3", kind="receipt_printer", window="3",
            state="ok", last_ok=NOW - 2000, words=words("纸将用尽。", "Paper is nearly out.") if broken else fine,
            next=words("请备好新纸卷。", "Have a new roll at hand.") if broken else none,
        ),
        DeviceStatus(
            name="报告机", kind="a4_printer", window="", state="fault" if broken else "ok", last_ok=NOW - 9 * MINUTE,
            words=words("缺纸", "paper out") if broken else fine,
            next=words("请装入 A4 纸，然后到“打印”页回答问题", "Load A4 paper, then answer on the Printing page") if broken else none,
        ),
    )  # fmt: skip


def devices_seen() -> DevicesSeen:
    trials = (
        Trial(state="running", words=words("正在测试", "testing"), at_ms=NOW),
        Trial(state="passed", words=words("打印机确认已打出测试页", "The printer confirms"), at_ms=NOW),
        None,
    )
    rows = tuple(
        msgspec.structs.replace(
            row,
            trial=trial,
            says=Words(zh="安全模块 05.01，115200 波特", en="SAM 05.01, 115200 baud"),
            since_ms=NOW - 9 * MINUTE,
            by_hand=BY_HAND[row.kind],
        )
        for row, trial in zip(devices(broken=True), trials, strict=True)
    )
    return DevicesSeen(
        rows=rows,
        may_test=("阅读机 3", "回执机 3", "报告机"),
        unused=("/dev/serial/by-id/usb-FTDI-B",),
        better=(("阅读机 3", "/dev/serial/by-id/usb-FTDI-A"),),
    )


BLOCKS = (
    SheetBlock(
        id="b-1",
        first="HZ000101",
        last="HZ000120",
        window="3",
        state="open",
        next="HZ000104",
        left=17,
        good=1,
        spoiled=1,
        void=0,
        out=1,
        gaps=("HZ000102",),
        issued_ms=NOW - 30 * MINUTE,
    ),
)
PHOTOS = (Photo(digest="9f" * 32, taken_ms=NOW - 5 * MINUTE, size_bytes=412_000),)

TWINS = TwinsSeen(
    twins=(
        TwinSeen(
            name="练习阅读机",
            kind="id_reader",
            now=words("没有证件", "no card"),
            hands=(
                Hand(act="lay:0", words=words("放证件", "lay a card")),
                Hand(act="unplug", words=words("拔线", "pull the plug")),
            ),
        ),
    ),
    slip=("★ 练习 TRAINING", "受理回执单"),
    sheets=2,
)


def card(*, expired: bool = False) -> CardRead:
    refusal = Refusal(
        code="card-expired",
        message=words(
            "居民身份证已于 2024-06-11 到期，不能开始查询。",
            "The ID card expired on 2024-06-11; no query may start.",
        ),
        rule="居民身份证法 第十一条",
        next=words("请先到公安机关换领新证，再来办理。", "Have it replaced by the police first."),
    )
    return CardRead(
        read_id="r-1", name="王䶮国", number="330102196203074516", number_masked="3301••••••••••4516", sex="1",
        nation="01", birth=date(1962, 3, 7), address="清河县东关街道石门路 12 号 3 幢 502 室",
        valid_from=date(2018, 6, 11), valid_to=date(2024, 6, 11) if expired else None, read_ms=NOW - 24_000, window="3",
        refusal=refusal if expired else None,
    )  # fmt: skip


ENTRIES = (
    EntryView(index=48_217, words=words("本人查询·缓存应答", "Own query · from cache"), at_ms=NOW, durable=True, countersigned=False),
    EntryView(index=48_216, words=words("读卡", "Card read"), at_ms=NOW - 24_000, durable=True, countersigned=False),
    EntryView(index=48_180, words=words("报告已交付", "Report handed over"), at_ms=NOW - 80 * MINUTE, durable=True, countersigned=True),
)  # fmt: skip

SHEETS = Sheets(
    used=31, spoiled=1, unaccounted=0, first_serial="330102-2026-L-00201", last_serial="330102-2026-L-00231"
)


def job(
    state: Any,
    number: int,
    *,
    problem: bool = False,
    copy_no: int = 1,
    kind: Any = "report",
    reason: str = "",
) -> PrintJob:
    return PrintJob(
        id=f"j{number}", kind=kind, serial=f"330102-2026-L-{number:05d}" if kind == "report" else "", case=f"330102-3-{number:06d}",
        state=state, copy_no=copy_no, sheet=f"A-{number:06d}" if kind == "report" else "", asked_ms=NOW - number % 60 * MINUTE, window="3",
        reason=reason, problem=words("打印机报告卡纸，不知道纸有没有出来。", "The printer reported a jam; whether the sheet came out is not known.") if problem else None,
    )  # fmt: skip


JOBS = (
    job("sent", 231),
    job("queued", 232, kind="slip"),
    job("device-confirmed", 230),
    job("handed-over", 229),
    job("spoiled", 228, reason="卡纸撕裂"),
    job("failed", 227),
    job("clerk-confirmed", 226, copy_no=2),
)

TASKS = (
    Task(id="t1", case="330102-3-000471", kind="call", words=words("报告有变化，请通知更换", "Report changed: call to replace it"), name="周桂兰", phone="138 0000 4412", due_ms=NOW - 2 * HOUR, state="open", owner="李敏"),
    Task(id="t2", case="330102-3-000468", kind="call", words=words("个人信用报告已办好", "Credit-bureau report is done"), name="𠮷永明", phone="139 0000 7720", due_ms=NOW + 5 * HOUR, state="open", owner=""),
    Task(id="t3", case="330102-3-000482", kind="deferral", words=words("个人信用报告待联网", "Credit-bureau report waits for the line"), name="王建国", phone="", due_ms=NOW + DAY, state="open", owner="李敏"),
    Task(id="t4", case="330102-3-000455", kind="call", words=words("报告有变化，请通知更换", "Report changed: call to replace it"), name="陈秀英", phone="", due_ms=NOW - DAY, state="done", owner="李敏", note="已来换领"),
    Task(id="t5", case="330102-3-000449", kind="correction", words=words("中心要求补正：居住证明第二页（扫描件缺页）", "The centre asks for a correction: page two of the proof of residence (missing)"), name="周桂兰", phone="138 0000 4412", due_ms=NOW + 3 * DAY, state="open", owner="李敏"),
)  # fmt: skip


def case(number: int, state: str, state_words: Words, **more: object) -> CaseView:
    fields: dict[str, Any] = {
        "number": f"330102-3-{number:06d}", "matter": "public-credit.self", "title": words("本人公共信用信息查询", "Own public-credit query"),
        "state": state, "state_words": state_words, "subject_name": "王䶮国", "subject_number_masked": "3301••••••••••4516",
        "staff": "李敏", "window": "3", "mode": "cached", "opened_ms": NOW - (490 - number) * 9 * MINUTE,
        "changed_ms": NOW - (490 - number) * 8 * MINUTE, "due_ms": 0, "serial": f"330102-2026-L-{number - 250:05d}",
        "report_status": "provisional", "note": "", "mine": True, "uploaded": False,
    }  # fmt: skip
    return CaseView(**{**fields, **more})


CASES = (
    case(482, "fulfilled", words("已办好，待交付", "done, to be handed over")),
    case(481, "deferred", words("待联网办理", "waiting for the line"), mode="", serial="", report_status="", title=words("个人信用报告（征信）查询", "Personal credit-bureau report"), subject_name="周桂兰", due_ms=NOW + DAY, mine=False, staff="孙涛"),
    case(480, "handed-over", words("已交付", "handed over"), mode="online", report_status="final", uploaded=True, subject_name="清河县石门茶业有限公司", subject_number_masked="9133••••••••••XU2A"),
    case(479, "refused", words("不予受理", "refused"), mode="", serial="", report_status="", uploaded=True, subject_name="陈秀英"),
    case(478, "superseded", words("结果有变化，待回电", "result changed, to be called"), uploaded=True, report_status="superseded", subject_name="阿依古丽·买买提"),
)  # fmt: skip


def chip(kind: Any, name: str = "", number: str = "") -> ChipRead:
    """A chip card at this window: filled in, or asking for its PIN."""
    return ChipRead(
        read_id=f"c-{kind}", device="社保卡读卡器", kind=kind, window="3", name=name, number=number,
        number_masked=number and f"{number[:4]}••••{number[-4:]}", read_ms=NOW - 9_000, wants_pin=not name,
        words=words("单位名称和统一社会信用代码已填入表单，计作出示载体。", "Name and code are filled in.")
        if name
        else words("第三代社保卡须持卡人本人输入密码才能读取。", "A card of generation 3 opens with its PIN."),
    )  # fmt: skip


def side(
    *,
    read: CardRead | None = None,
    matter: bool = False,
    number: str = "",
    chips: tuple[ChipRead, ...] = (),
) -> views.Side:
    return views.Side(
        begun_ms=NOW - 221_000 if matter else 0,
        window_s=900 if matter else 0,
        case=number,
        matter=words("本人公共信用信息查询", "Own public-credit query") if matter else None,
        recent=CASES[:4],
        tasks=TASKS[:3],
        card=read,
        entries=ENTRIES,
        jobs=JOBS[:3],
        sheets=SHEETS,
        devices=devices(),
        chips=chips,
    )


def group(
    category: str, zh: str, en: str, age_s: int, band: Any, *lines: str, source: str = "市信用平台（双公示）"
) -> Group:
    rule = {
        "fresh": words("可以使用", "may be used"),
        "ageing": words(
            "72 小时内可用，联网后由中心确认", "usable within 72 h, to be confirmed by the centre"
        ),
        "expired": words("已过期，不可用，请联网查询", "expired, not shown; ask again with the line up"),
    }[band]
    return Group(category=category, title=words(zh, en), lines=lines, count=len(lines), source=source, as_of_ms=NOW - age_s * 1000, age_s=age_s, band=band, rule=rule)  # fmt: skip


GROUPS = (
    group("licence", "行政许可", "Licences", 9000, "fresh", "2024-03-01 · 食品经营许可 · 许可编号：JY13301020012345 · 清河县市场监督管理局", "2022-08-16 · 道路运输经营许可 · 清河县交通运输局"),
    group("penalty", "行政处罚", "Penalties", 9000, "fresh"),
    group("judgment", "司法信息", "Judgments", 7 * 86_400, "expired", source="法院专线"),
    group("honour", "守信激励", "Honours", 219_600, "ageing", "2025-12-05 · 市级志愿者 · 星级：五星 · 市文明办", source="市文明办"),
    group("commitment", "信用承诺", "Credit commitments", 9000, "fresh", "2026-02-11 · 证明事项告知承诺 · 清河县人社局 · 【异议处理中】", source="清河县人社局"),
)  # fmt: skip


def answer(mode: Any = "cached") -> Answer:
    cached = mode == "cached"
    return Answer(
        case="330102-3-000482", mode=mode, source="本机缓存" if cached else "中心", as_of_ms=NOW - (9_000_000 if cached else 1200),
        age_s=9000 if cached else 1, band="fresh",
        subject=SubjectRecord(kind="natural", number="330102196203074516", name="王䶮国", sex="1", birth=date(1962, 3, 7), region="330102001002", address="清河县东关街道石门路 12 号", as_of_ms=NOW - 9_000_000, source="省人口库"),
        groups=GROUPS, entry=PLACED, report=ReportRef(serial="330102-2026-L-00231", status="provisional" if cached else "final"),
        quota=QuotaVerdict(free=True, fee_cents=0, left_after=1, provisional=cached, rule="征信业管理条例 第十七条", words=words("本次免费，本年度还剩 1 次免费（离线计数，联网后核定）", "Free; 1 free this year after it (local count)")) if cached else None,
        rule=words("72 小时内可用，联网后由中心确认", "usable within 72 h, to be confirmed by the centre"),
    )  # fmt: skip


REFUSAL = Refusal(
    code="no-presence-no-letter",
    message=words("本人未到场，也没有信息主体的授权委托书，不能查询。", "The person is not present and no letter of authorisation was brought, so there is no query."),
    rule="公共信用信息查询管理暂行办法 第三条、第七条",
    missing=(
        words("本人到场并出示居民身份证原件", "the person, with the original ID card"),
        words("本人身份证复印件", "copy of the ID card"),
        words("授权委托书：被授权人工作单位（二）", "letter: employer of the authorised party"),
        words("授权委托书：授权有效期限（三）", "letter: validity period"),
    ),
    next=words("本人查询请带身份证原件及复印件；他人查询请带授权委托书和清单所列材料。", "Come in person with the ID card and a copy, or bring a letter and the papers on the list."),
)  # fmt: skip

DEFERRAL = Deferral(
    case="330102-3-000483", due="2026-11-23 17:00 前", due_ms=NOW + 2 * DAY,
    words=words("个人信用报告只能联网由征信系统出具。已登记您的申请，联网办好后会回电通知。", "A credit-bureau report can only come from the bureau itself. Your request is registered; you are called when it is done."),
    slip="j232", entry=PLACED,
)  # fmt: skip

TOTALS = DayTotals(
    day="2026-11-21", kinds={"access.answered": 29, "report.issued": 28}, serials={"first": "330102-2026-L-00201", "last": "330102-2026-L-00231"},
    fee_cents=1000, sheets_used=31, sheets_spoiled=1, tickets=0, open_cases=2, accesses=34, reports=31,
)  # fmt: skip

FINDINGS = (
    Finding(id="f1", day="2026-11-21", code="sheet-spoiled", words=words("作废 1 张纸，编号 330102-2026-L-00228", "One sheet spoiled"), state="explained", raised_by="node", subject_of="330102-2026-L-00228", owner="li.min", note="卡纸作废一张，重打一张已交付", centre="open"),
    Finding(id="f2", day="2026-11-21", code="report-never-printed", words=words("报告已出具，没有打印", "Report issued, never printed"), state="open", raised_by="centre", subject_of="330102-2026-L-00231"),
)  # fmt: skip

TRAIL = TrailAnswer(
    number_masked="3301••••••••••4516",
    accesses=(
        AccessView(at_ms=NOW - MINUTE, place="清河县市民之家 3 号窗口", actor="李敏 窗口人员", purpose="self", basis="SELF", mode="cached", matter="公共信用报告", outcome="answered"),
        AccessView(at_ms=NOW - DAY, place="流动车 07 石门村", actor="赵琴 窗口人员", purpose="信易+ 法律咨询", basis="AUTHORISED", mode="online", matter="信用积分等级", outcome="answered"),
    ),
    silent=("流动车 07（自 11-20 09:58）",),
    entry=PLACED,
)  # fmt: skip

TROUBLE = views.Trouble(
    code="ledger-unavailable",
    words=words("台账暂时无法写入，按规定不能显示查询结果。", "The ledger cannot be written now, so no result may be shown."),
    step=words("请先受理其他事项，并通知大厅管理员检查磁盘；磁盘恢复后再查询。", "Serve other matters first and have the hall manager check the disk."),
    retry=True,
)  # fmt: skip


def frame(lang: str = "zh-CN", here: str = "/", mode: str = "online") -> Frame:
    return frame_of(SESSION, status(mode), lang, here, asking=1)
