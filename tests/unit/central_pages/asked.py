"""Samples of what the centre asks of halls, grants them and gives them to carry."""

from typing import Any

from central.actions.corrections import CorrectionRow
from central.actions.held import HeldAt, HeldScope
from central.actions.quota import LevelRow
from central.actions.trips import Bus, ListTaken, Trip
from central.pages import views
from tests.unit.central_pages.figures import REFUSAL
from tests.unit.central_pages.rows import DAY_MS, FLEET, HOUR_MS, NOW_MS, words

CORRECTIONS = (
    CorrectionRow(
        id="330102-2026-C-00231-b-1f",
        node="330102",
        node_name="清河县市民之家",
        case="330102-2026-C-00231",
        what="居住证明第二页",
        why="扫描件缺页",
        until_ms=NOW_MS - HOUR_MS,
        asked_by="sun.audit",
        asked_ms=NOW_MS - DAY_MS,
        answer="",
        answered_by="",
        answered_ms=None,
    ),
    CorrectionRow(
        id="330102-2026-C-00198-b-2a",
        node="330102",
        node_name="清河县市民之家",
        case="330102-2026-C-00198",
        what="委托书日期",
        why="早于身份证签发日期",
        until_ms=NOW_MS + DAY_MS,
        asked_by="sun.audit",
        asked_ms=NOW_MS - DAY_MS,
        answer="已请申请人重新签署，附在办件内",
        answered_by="li.min",
        answered_ms=NOW_MS - HOUR_MS,
    ),
)
RIGHTS = tuple(
    LevelRow(
        node=node,
        node_name=name,
        matter="public-credit.self",
        matter_words=words("本人公共信用信息查询", "Own public-credit query"),
        units=units,
        days=30 if units else 0,
        left=left,
        next_end_ms=NOW_MS + 12 * DAY_MS if units else 0,
    )
    for node, name, units, left in (("330102", "清河县市民之家", 40, 31), ("bus-07", "流动车 07", 0, 0))
)

MIDNIGHT_MS = NOW_MS // DAY_MS * DAY_MS - 8 * HOUR_MS
TRIPS = tuple(
    Trip(
        scope=f"bus-07-t{number}/detail",
        node="bus-07",
        stops=stops,
        from_ms=MIDNIGHT_MS + start * DAY_MS,
        until_ms=MIDNIGHT_MS + (start + days) * DAY_MS,
        listed=most > 0,
        subjects_max=most,
        named=most // 3,
        subjects=subjects,
        version=1,
    )
    for number, stops, start, days, most, subjects in (
        (3, ("330102001", "330102003", "330102007", "330102011"), 2, 3, 500, 0),
        (2, ("330102001", "330102003"), 0, 2, 120, 40),
        (1, ("330102007",), -9, 1, 0, 812),
    )
)
BUSES = (Bus(node="bus-07", name="流动车 07", route=("330102001", "330102003", "330102007", "330102011")),)
TAKEN = ListTaken(
    scope="bus-07-t2/detail",
    taken=40,
    left_out=(
        (3, "中心没有该主体 / not held by the centre"),
        (17, "不在本车次停靠点 / of no stop of this trip"),
    ),
    left_out_count=2,
)


def trips(**more: Any) -> views.TripsPage:
    shown = {"buses": BUSES, "rows": TRIPS, "chosen": None, "typed": views.TripForm(first="2026-11-21", last="2026-11-22"), "taken": None, "errors": (), "refusal": None, "now_ms": NOW_MS}  # fmt: skip
    return views.TripsPage(**{**shown, **more})


def consent(**more: Any) -> views.ConsentPage:
    shown = {"without": 12, "note": "", "withdrawn": True, "errors": (), "refusal": None, "done": None}
    return views.ConsentPage(**{**shown, **more})


HELD = HeldAt(
    node="bus-07",
    at_ms=NOW_MS - DAY_MS,
    reported_ms=NOW_MS - HOUR_MS,
    scopes=(
        HeldScope(scope="bus-07-t2/detail", version=1, since_ms=NOW_MS - 2 * DAY_MS, refs=("6b1d09c431aa77fe" * 2,) * 40),
        HeldScope(scope="330102/detail", version=14, since_ms=NOW_MS - 3 * DAY_MS, refs=("31aa77fe6b1d09c4" * 2,) * 3),
    ),
    offered=(("330102/detail", 15),),
    asked=True,
)  # fmt: skip


def held(**more: Any) -> views.HeldPage:
    shown = {"nodes": FLEET, "typed": views.HeldForm(node="bus-07", at="2026-11-20T12:00"), "found": None, "lapsed": False, "most": 2, "errors": (), "refusal": None, "now_ms": NOW_MS}  # fmt: skip
    return views.HeldPage(**{**shown, **more})


NO_NUMBER = (
    views.FormError(field="number", words=words("号码的校验位不符", "the number's check digit is wrong")),
)

PAGES: tuple[tuple[str, str, str, Any], ...] = (
    (
        "corrections",
        "corrections",
        "audit",
        views.CorrectionsPage(rows=CORRECTIONS, typed=views.CorrectionForm(), refusal=None, now_ms=NOW_MS),
    ),
    (
        "corrections-refused",
        "corrections",
        "audit",
        views.CorrectionsPage(
            rows=(), typed=views.CorrectionForm(node="330102", days="0"), refusal=REFUSAL, now_ms=NOW_MS
        ),
    ),
    (
        "rights",
        "rights",
        "system",
        views.RightsPage(rows=RIGHTS, may_set=True, refusal=None, now_ms=NOW_MS),
    ),
    (
        "rights-seen",
        "rights",
        "audit",
        views.RightsPage(rows=(), may_set=False, refusal=None, now_ms=NOW_MS),
    ),
    ("trips", "trips", "system", trips(chosen=TRIPS[1], taken=TAKEN)),
    ("trips-refused", "trips", "system", trips(refusal=REFUSAL, chosen=TRIPS[0])),
    ("trips-none", "trips", "system", trips(rows=(), buses=(), errors=NO_NUMBER)),
    (
        "consent",
        "consent",
        "security",
        consent(done=words("3301••••••••••4516 已登记撤回授权，随各节点下次联系送达。", "withdrawn")),
    ),
    ("consent-refused", "consent", "security", consent(errors=NO_NUMBER, refusal=REFUSAL, withdrawn=False)),
    ("held", "held", "audit", held()),
    (
        "held-found",
        "held",
        "audit",
        held(
            found=views.HeldFound(
                held=HELD, masked="3301••••••••••4516", purpose="信息主体投诉，核查当时范围"
            )
        ),
    ),
    ("held-lapsed", "held", "audit", held(lapsed=True, errors=NO_NUMBER, refusal=REFUSAL)),
)
