"""Invented figures of reports, one node, one day and the administrators."""

from typing import Literal

from central.actions import views as av
from matters.model import Refusal
from tests.unit.central_pages.rows import (
    AUTHORITY,
    BUS,
    DAY_MS,
    FINDING,
    HALL,
    HOUR_MS,
    NOW_MS,
    SETTLED,
    digest,
    words,
)

REFUSAL = Refusal(
    code="purpose-missing",
    message=words("按号码查询须写明目的", "a search by number needs its purpose"),
    rule="个人信息保护法 第六条",
    missing=(words("不少于 10 个字的目的", "a purpose of ten characters or more"),),
    next=words("写明目的后重新检索", "state the purpose and search again"),
)
CREATED = av.NodeCreated(node="330107", code="QH7K-2M9P-XW4T", expires_ms=NOW_MS + 72 * HOUR_MS)
VERDICTS: tuple[Literal["", "confirmed", "superseded"], ...] = ("", "superseded", "confirmed", "")
REPORTS = tuple(
    av.ReportRow(
        serial=f"330102-2026-L-{231 - place:05}",
        origin=f"{AUTHORITY}/node/330102/i1",
        index=48_218 - place,
        node="330102",
        node_name="清河县市民之家",
        matter="public-credit.self",
        matter_words=words("本人公共信用信息查询", "own public-credit record"),
        subject="9c1f04aa",
        status="provisional" if place < 3 else "final",
        verdict=verdict,
        changes=(words("新增一条行政处罚（2026-11-20）", "one penalty added (2026-11-20)"),)
        if verdict == "superseded"
        else (),
        issued_ms=NOW_MS - place * HOUR_MS,
        as_of_ms=NOW_MS - (place + 3) * HOUR_MS,
        settled_ms=NOW_MS if verdict else None,
        printed=1,
        spoiled=place % 2,
        handed_over_ms=NOW_MS - place * HOUR_MS + 60_000 if place else None,
        file_digest=digest("pdf"),
        leaf_hash=digest(f"report {place}"),
        verified="countersigned",
    )
    for place, verdict in enumerate(VERDICTS)
)

NODE_VIEW = av.NodeView(
    row=HALL,
    route=(),
    scopes=("county/330102", "staff/330102", "catalogue"),
    window_ms=72 * HOUR_MS,
    certificate_not_after_ms=NOW_MS + 24 * DAY_MS,
    signing_key=digest("key"),
    code_open=False,
    releases=(
        av.ReleaseRow(
            scope="county/330102",
            version=14,
            held=14,
            rows=25_310,
            size=4_100_000,
            created_ms=NOW_MS - DAY_MS,
            as_of_ms=NOW_MS - DAY_MS,
        ),
        av.ReleaseRow(
            scope="staff/330102",
            version=3,
            held=2,
            rows=18,
            size=9_100,
            created_ms=NOW_MS - HOUR_MS,
            as_of_ms=NOW_MS - HOUR_MS,
        ),
    ),
    leases=(
        av.LeaseRow(
            capability="public",
            scope="county/330102",
            not_before_ms=NOW_MS,
            not_after_ms=NOW_MS + 700 * HOUR_MS,
        ),
        av.LeaseRow(
            capability="detail",
            scope="county/330102",
            not_before_ms=NOW_MS,
            not_after_ms=NOW_MS + 61 * HOUR_MS,
        ),
    ),
    checkpoints=tuple(
        av.CheckpointRow(
            size=48_384 - place * 41,
            root=digest(f"root {place}"),
            signed_ms=NOW_MS - place * 1_800_000,
            centre_index=1_200 - place,
        )
        for place in range(4)
    ),
    entries=(
        av.CountRow(kind="access.answered", words=words("应答查询", "queries answered"), entries=9_120),
        av.CountRow(kind="access.denied", words=words("拒绝查询", "queries refused"), entries=412),
        av.CountRow(kind="report.issued", words=words("签发报告", "reports issued"), entries=7_003),
    ),
    contacts=(
        av.ContactRow(at_ms=NOW_MS - 120_000, carrier="network", entries=41, bytes_up=2_210, pending=1),
        av.ContactRow(
            at_ms=NOW_MS - 2 * HOUR_MS, carrier="courier", entries=1_204, bytes_up=61_288, pending=0
        ),
    ),
    statistics=(("clock", "0"), ("open_cases", "2"), ("paper_left", "412")),
    findings=(SETTLED,),
    directives=(
        av.DirectiveRow(
            number=88,
            kind="report.superseded",
            words=words("报告被替代", "a report was superseded"),
            created_ms=NOW_MS - HOUR_MS,
        ),
    ),
    rejected=(),
    staff=(
        av.StaffRow(
            node="330102",
            staff="li.min",
            name="李敏",
            role="clerk",
            permits=("public-credit", "credit-bureau"),
            valid=True,
        ),
        av.StaffRow(node="330102", staff="sun.tao", name="孙涛", role="clerk", permits=(), valid=False),
    ),
)
DAY = av.Reconciliation(
    day="2026-11-20",
    nodes=(
        av.DayNode(
            origin=HALL.origin,
            node="330102",
            node_name="清河县市民之家",
            closed=True,
            heard=True,
            heard_ms=NOW_MS,
            matched=True,
            findings=(),
            counts=(
                av.DayCount(key="answered", words=words("应答", "answered"), node=61, centre=61),
                av.DayCount(key="issued", words=words("签发报告", "reports issued"), node=44, centre=44),
            ),
        ),
        av.DayNode(
            origin=FINDING.origin,
            node="330103",
            node_name="东关分厅",
            closed=True,
            heard=True,
            heard_ms=NOW_MS,
            matched=False,
            findings=(FINDING,),
            counts=(
                av.DayCount(key="issued", words=words("签发报告", "reports issued"), node=12, centre=13),
            ),
        ),
        av.DayNode(
            origin=BUS.origin,
            node="bus-07",
            node_name="流动车 07",
            closed=False,
            heard=False,
            heard_ms=NOW_MS - 3 * DAY_MS,
            matched=False,
            counts=(),
            findings=(),
        ),
    ),
)
ADMINISTRATORS = tuple(
    av.AdministratorRow(name=name, role=name, words=said, must_change=forced, signed_in_ms=at, powers=powers)
    for name, said, forced, at, powers in (
        (
            "system",
            words("系统管理员", "System administrator"),
            False,
            NOW_MS - HOUR_MS,
            (
                words("新建节点", "create a node"),
                words("导入信用记录", "import records"),
                words("发布数据分包", "publish packs"),
            ),
        ),
        (
            "security",
            words("安全管理员", "Security administrator"),
            True,
            None,
            (words("吊销节点", "revoke a node"), words("变更管理员", "change administrators")),
        ),
        (
            "audit",
            words("审计管理员", "Audit administrator"),
            False,
            NOW_MS - 60_000,
            (
                words("检索访问轨迹", "search the trail"),
                words("查看证明", "see a proof"),
                words("处理对账差异", "settle findings"),
            ),
        ),
    )
)
ACTS = tuple(
    av.ActRow(
        index=1_207 - place,
        kind=kind,
        words=said,
        at_ms=NOW_MS - place * 700_000,
        actor=actor,
        role=actor,
        object=about,
        purpose=why,
        outcome=outcome,
        leaf_hash=digest(f"act {place}"),
        signed=place > 0,
    )
    for place, (kind, said, actor, about, why, outcome) in enumerate(
        (
            (
                "admin.read",
                words("检索访问轨迹", "searched the trail"),
                "audit",
                "9c1f04aa",
                "信访核查 XF-2026-118",
                "answered",
            ),
            ("admin.changed", words("新建节点", "created a node"), "system", "330107", "", "done"),
            ("session.refused", words("登录被拒", "sign-in refused"), "security", "", "口令不符", "denied"),
        )
    )
)
