"""Samples of what the centre asks of halls and grants them: corrections, units free offline."""

from typing import Any

from central.actions.corrections import CorrectionRow
from central.actions.quota import LevelRow
from central.pages import views
from tests.unit.central_pages.figures import REFUSAL
from tests.unit.central_pages.rows import DAY_MS, HOUR_MS, NOW_MS, words

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
)
