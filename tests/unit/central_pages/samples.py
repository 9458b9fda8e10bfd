"""Every page of the console filled with invented figures: the gallery's pictures, and the views that tests render."""

import hashlib
from collections.abc import Iterator
from datetime import date
from typing import Any

from central.actions import views as av
from central.pages import drawing, facets, views
from matters.model import Refusal, Words

NOW_MS = 1_795_235_170_000  # 2026-11-21 12:26:10 in hall time
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
AUTHORITY = "qingzhou.example"


def digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def words(zh: str, en: str) -> Words:
    return Words(zh=zh, en=en)


def node(
    name: str,
    number: str,
    state: str,
    reason: Words,
    *,
    contact: int | None,
    pending: int | None,
    **more: Any,
) -> av.NodeRow:
    wave = tuple((hash_ % 9) * (pending or 1) for hash_ in digest(name)[:24])
    return av.NodeRow(
        node=number,
        name=name,
        kind="bus" if number.startswith("bus") else "hall",
        region="330102",
        origin=f"{AUTHORITY}/node/{number}/i1",
        last_contact_ms=None if contact is None else NOW_MS - contact,
        pending=pending,
        size=48_384,
        countersigned=48_384 - (pending or 0),
        state=state,  # type: ignore[arg-type]  # samples name states as the rows of a table do
        reason=reason,
        lease_not_after_ms=more.get("lease", NOW_MS + 61 * HOUR_MS),
        findings=more.get("findings", 0),
        lag=wave if state != "new" else (),
    )


HALL = node("清河县市民之家", "330102", "ok", words("按时联系", "on time"), contact=120_000, pending=1)
BUS = node(
    "流动车 07",
    "bus-07",
    "silent",
    words("26 小时没有联系，超出它 16 小时的常态", "26 hours without contact; its pattern is 16"),
    contact=26 * HOUR_MS,
    pending=None,
    lease=NOW_MS - HOUR_MS,
)
FLEET = (
    BUS,
    node("东关分厅", "330103", "ok", words("按时联系", "on time"), contact=60_000, pending=0, findings=1),
    node(
        "石门乡便民中心",
        "330104",
        "away",
        words("每天午间断网", "its line drops at noon"),
        contact=6_240_000,
        pending=37,
    ),
    HALL,
    node(
        "流动车 03",
        "bus-03",
        "away",
        words("在路线上，在常态内", "on its route, as usual"),
        contact=5 * HOUR_MS,
        pending=0,
    ),
    node(
        "白塔镇窗口",
        "330105",
        "new",
        words("等待注册", "waits for enrolment"),
        contact=None,
        pending=None,
        lease=None,
    ),
    node(
        "旧城分厅",
        "330106",
        "revoked",
        words("设备被盗，11-18 吊销", "stolen, revoked 11-18"),
        contact=70 * HOUR_MS,
        pending=4,
        lease=None,
    ),
)

FINDING = av.FindingRow(
    id="f-000088",
    origin=f"{AUTHORITY}/node/330103/i1",
    node="330103",
    node_name="东关分厅",
    day="2026-11-20",
    code="report-not-printed",
    object="330103-2026-L-00088",
    words=words("报告已签发，没有纸张记录", "a report was issued and no sheet is recorded"),
    owner="值班长 吴越",
    state="open",
    opened_ms=NOW_MS - 2 * HOUR_MS,
    settled_ms=None,
    settled_by="",
    note="",
)
SETTLED = av.FindingRow(
    id="f-000071",
    origin=f"{AUTHORITY}/node/330102/i1",
    node="330102",
    node_name="清河县市民之家",
    day="2026-11-18",
    code="sheet-unaccounted",
    object="sheet 1 204",
    words=words("纸张去向不明", "a sheet is not accounted for"),
    owner="大厅主任 吴越",
    state="explained",
    opened_ms=NOW_MS - 60 * HOUR_MS,
    settled_ms=NOW_MS - 20 * HOUR_MS,
    settled_by="audit",
    note="卡纸，废页在场，照片已存档",
)


def access(place: int, **changes: Any) -> av.AccessRow:
    fields: dict[str, Any] = {
        "origin": f"{AUTHORITY}/node/330102/i1",
        "index": 48_217 - place,
        "node": "330102",
        "node_name": "清河县市民之家",
        "occurred_ms": NOW_MS - 1_539_000 - place * 21 * HOUR_MS,
        "clock": 0,
        "arrived_ms": NOW_MS - place * 20 * HOUR_MS - 60_000,
        "actor": "li.min",
        "role": "clerk",
        "window": "3 号窗口",
        "subject": "9c1f04aa",
        "matter": "public-credit.self",
        "matter_words": words("本人公共信用信息查询", "own public-credit record"),
        "object": "330102-2026-00231",
        "purpose": "",
        "basis": "SELF",
        "relationship": "self",
        "presence": "resident-id",
        "mode": "cached",
        "as_of_ms": NOW_MS - 4 * HOUR_MS - place * 21 * HOUR_MS,
        "outcome": "answered",
        "outcome_words": words("已应答", "answered"),
        "kind": "access.answered",
        "verified": "countersigned",
        "leaf_hash": digest(f"leaf {place}"),
        "paired": "",
        "report_serial": "330102-2026-L-00231",
    }
    return av.AccessRow(**(fields | changes))


ACCESSES = (
    access(0),
    access(
        1,
        mode="online",
        paired="both",
        arrived_ms=NOW_MS - 22 * HOUR_MS,
        occurred_ms=NOW_MS - 22 * HOUR_MS - 800,
        report_serial="",
    ),
    access(
        2,
        node="bus-03",
        node_name="流动车 03",
        actor="zhao.qin",
        window="石门村",
        basis="AUTHORISED",
        relationship="agent",
        purpose="招标资格核查",
        verified="arrived",
        clock=1,
    ),
    access(
        3,
        node="330103",
        node_name="东关分厅",
        actor="sun.tao",
        window="1 号窗口",
        mode="online",
        basis="",
        relationship="none",
        presence="none",
        purpose="自述：工作需要",
        paired="shown only",
        report_serial="",
        arrived_ms=NOW_MS - 64 * HOUR_MS,
        occurred_ms=NOW_MS - 64 * HOUR_MS - 900,
    ),
    access(
        4,
        mode="",
        outcome="denied",
        kind="access.denied",
        outcome_words=words("已拒绝：授权书已过期", "refused: the letter has expired"),
        basis="AUTHORISED",
        relationship="agent",
        report_serial="",
        as_of_ms=0,
        verified="broken",
    ),
)

PROOF = av.Proof(
    origin=f"{AUTHORITY}/node/330102/i1",
    index=48_217,
    kind="access.answered",
    words=words("应答了一次查询", "answered a query"),
    leaf=b"leaf",
    leaf_hash=digest("leaf 0"),
    hashes=tuple(digest(f"hash {place}") for place in range(16)),
    size=48_384,
    root=digest("root"),
    checkpoint=f"{AUTHORITY}/node/330102/i1\n48384\nm0pzXk6q5p7W3cF1r1Ew2x0mHnQe1mA9b6cV2d1s3oY=\n\n— …/node/330102/i1 9f3c…\n— …/centre 77ab…\n",
    countersigned_ms=NOW_MS,
    occurred_ms=ACCESSES[0].occurred_ms,
    arrived_ms=ACCESSES[0].arrived_ms,
    holds=True,
    reason=words("", ""),
    neighbours=tuple(
        av.Neighbour(
            index=48_217 + step,
            words=words("读卡" if step < 0 else "签发报告" if step else "应答了一次查询", "card read"),
            occurred_ms=ACCESSES[0].occurred_ms + step * 4000,
            leaf_hash=digest(f"near {step}"),
        )
        for step in (-2, -1, 0, 1, 2)
    ),
)
QUERY = av.TrailQuery(
    subject_number="110101199003071233",
    since_ms=NOW_MS - 6 * DAY_MS - 40_000_000,
    mode="cached",
    purpose="信访核查 XF-2026-118",
)


def fleet_line(row: av.NodeRow) -> views.FleetLine:
    left = None if row.lease_not_after_ms is None else (row.lease_not_after_ms - NOW_MS) // 1000
    return views.FleetLine(row=row, spark=drawing.spark(row.lag), lease_left_s=left)


def strip() -> drawing.Strip:
    days = [f"2026-{10 if day < 7 else 11}-{(24 + day) if day < 8 else day - 7:02}" for day in range(28)]
    rows = []
    for one in FLEET[:6]:
        marks = digest("heat " + one.name)
        rows.append(
            (
                one.name,
                [
                    ""
                    if (day + 1) % 7 in {0, 6}
                    else "missing"
                    if mark < 6
                    else "open"
                    if mark < 12
                    else "matched"
                    for day, mark in enumerate(marks[:28])
                ],
            )
        )
    return drawing.strip(days, rows)


TRAIL_FOUND = views.TrailFound(
    rows=ACCESSES,
    unreported=(BUS,),
    recorded=av.Placed(origin=f"{AUTHORITY}/centre/main/i1", index=1_207, leaf_hash=digest("search")),
    facets=facets.chips(QUERY, {}, NOW_MS),
    purpose=QUERY.purpose,
    chart=drawing.chart([row.occurred_ms for row in ACCESSES], date(2026, 11, 15), date(2026, 11, 21)),
    older="48212",
    asked_ms=NOW_MS - 4000,
)


def trail(found: views.TrailFound | None = TRAIL_FOUND, **changes: Any) -> views.TrailPage:
    fields: dict[str, Any] = {
        "form": views.TrailForm(),
        "search": "sVd81" if found else "",
        "found": found,
        "chosen": ACCESSES[0] if found else None,
        "proof": PROOF if found else None,
        "place": 0 if found else -1,
        "nodes": FLEET,
        "modes": (("online", words("在线", "online")), ("cached", words("离线缓存", "offline, from cache"))),
        "outcomes": (("answered", words("已应答", "answered")), ("denied", words("已拒绝", "refused"))),
        "lapsed": False,
        "errors": (),
        "refusal": None,
        "now_ms": NOW_MS,
    }
    return views.TrailPage(**(fields | changes))


SUBJECT_FOUND = views.SubjectFound(
    masked="1101••••••••••1233",
    purpose="本人到窗口询问",
    rows=ACCESSES,
    unreported=(BUS,),
    as_of_ms=NOW_MS,
)
REFUSAL = Refusal(
    code="purpose-missing",
    message=words("按号码查询须写明目的", "a search by number needs its purpose"),
    rule="个人信息保护法 第六条",
    missing=(words("不少于 10 个字的目的", "a purpose of ten characters or more"),),
    next=words("写明目的后重新检索", "state the purpose and search again"),
)
CREATED = av.NodeCreated(node="330107", code="QH7K-2M9P-XW4T", expires_ms=NOW_MS + 72 * HOUR_MS)
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
        verdict=verdict,  # type: ignore[arg-type]  # the row above lists the verdicts
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
    for place, verdict in enumerate(("", "superseded", "confirmed", ""))
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
    statistics=(("打印机", "正常"), ("读卡器", "正常"), ("剩余纸张", "412")),
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


def pages() -> Iterator[tuple[str, str, str, Any]]:
    """(name of the picture, template, role, view) of every page and its important states."""
    yield "signin", "signin", "", views.SignInPage()
    yield (
        "signin-refused",
        "signin",
        "",
        views.SignInPage(
            name="audit",
            refusal=Refusal(
                code="wrong",
                message=words("名称或口令不对", "name or password is wrong"),
                rule="",
                next=words(
                    "再试一次；连续 5 次后须等 15 分钟", "try again; after 5 failures wait 15 minutes"
                ),
            ),
        ),
    )
    yield (
        "password",
        "password",
        "audit",
        views.PasswordPage(
            forced=True,
            errors=(
                views.FormError(
                    field="password",
                    words=words("口令不足 15 个字", "the password has fewer than 15 characters"),
                ),
            ),
        ),
    )
    yield (
        "fleet",
        "fleet",
        "system",
        views.FleetPage(
            totals=av.Totals(nodes=7, halls=5, buses=2, away=2, silent=1, pending=42, findings=1),
            urgent=tuple(fleet_line(row) for row in FLEET[:2]),
            calm=tuple(fleet_line(row) for row in FLEET[2:]),
            hidden=0,
            find="",
            strip=strip(),
            findings=(FINDING,),
            may_create=True,
            now_ms=NOW_MS,
        ),
    )
    yield (
        "fleet-empty",
        "fleet",
        "security",
        views.FleetPage(
            totals=av.Totals(nodes=0, halls=0, buses=0, away=0, silent=0, pending=0, findings=0),
            urgent=(),
            calm=(),
            hidden=0,
            find="",
            strip=None,
            findings=(),
            may_create=False,
            now_ms=NOW_MS,
        ),
    )
    yield (
        "node",
        "node",
        "system",
        views.NodePage(
            node=NODE_VIEW,
            line=fleet_line(HALL),
            created=None,
            refusal=None,
            may_code=True,
            may_revoke=False,
            now_ms=NOW_MS,
        ),
    )
    yield (
        "node-revoke",
        "node",
        "security",
        views.NodePage(
            node=NODE_VIEW,
            line=fleet_line(HALL),
            created=CREATED,
            refusal=REFUSAL,
            may_code=False,
            may_revoke=True,
            now_ms=NOW_MS,
        ),
    )
    yield (
        "new-node",
        "new_node",
        "system",
        views.NewNodePage(
            now_ms=NOW_MS,
            errors=(
                views.FormError(
                    field="region", words=words("区划代码须为 6 位数字", "a region code has 6 digits")
                ),
            ),
        ),
    )
    yield "new-node-code", "new_node", "system", views.NewNodePage(created=CREATED, now_ms=NOW_MS)
    yield "trail", "trail", "audit", trail()
    yield "trail-first", "trail", "audit", trail(None)
    yield (
        "trail-errors",
        "trail",
        "audit",
        trail(
            None,
            form=views.TrailForm(number="110101199003071233"),
            errors=(facets.purpose_error("") or views.FormError(field="", words=words("", "")),),
            refusal=REFUSAL,
        ),
    )
    yield (
        "subject",
        "subject",
        "audit",
        views.SubjectPage(
            search="sVd81",
            found=SUBJECT_FOUND,
            lapsed=False,
            errors=(),
            refusal=None,
            purpose="",
            now_ms=NOW_MS,
        ),
    )
    yield (
        "subject-lapsed",
        "subject",
        "audit",
        views.SubjectPage(
            search="", found=None, lapsed=True, errors=(), refusal=REFUSAL, purpose="", now_ms=NOW_MS
        ),
    )
    yield (
        "paper",
        "paper",
        "audit",
        views.SubjectPaper(search="sVd81", found=SUBJECT_FOUND, authority="青州市信用中心", now_ms=NOW_MS),
    )
    yield (
        "findings",
        "findings",
        "audit",
        views.FindingsPage(
            rows=(FINDING, SETTLED),
            state="all",
            node="",
            chosen=FINDING,
            may_settle=True,
            note="",
            errors=(),
            refusal=None,
            now_ms=NOW_MS,
        ),
    )
    yield (
        "findings-none",
        "findings",
        "system",
        views.FindingsPage(
            rows=(),
            state="open",
            node="",
            chosen=None,
            may_settle=False,
            note="",
            errors=(),
            refusal=None,
            now_ms=NOW_MS,
        ),
    )
    yield (
        "reconciliation",
        "reconciliation",
        "audit",
        views.ReconciliationPage(strip=strip(), day=date(2026, 11, 20), result=DAY, may_run=True, errors=()),
    )
    yield (
        "reports",
        "reports",
        "audit",
        views.ReportsPage(
            rows=REPORTS, chosen=REPORTS[1], verdict="", serial="", node="", nodes=FLEET, now_ms=NOW_MS
        ),
    )
    yield (
        "releases",
        "releases",
        "system",
        views.ReleasesPage(
            lines=(
                views.ReleaseLine(
                    scope="county/330102",
                    version=14,
                    rows=25_310,
                    as_of_ms=NOW_MS - DAY_MS,
                    created_ms=NOW_MS - DAY_MS,
                    held=2,
                    nodes=2,
                    behind=(),
                ),
                views.ReleaseLine(
                    scope="bus/bus-07",
                    version=9,
                    rows=6_012,
                    as_of_ms=NOW_MS - DAY_MS,
                    created_ms=NOW_MS - HOUR_MS,
                    held=0,
                    nodes=1,
                    behind=(("bus-07", "流动车 07"),),
                ),
            ),
            published=("county/330102",),
            may_publish=True,
            refusal=None,
            now_ms=NOW_MS,
        ),
    )
    yield (
        "administrators",
        "administrators",
        "security",
        views.AdministratorsPage(rows=ADMINISTRATORS, now_ms=NOW_MS),
    )
    yield "acts", "acts", "security", views.ActsPage(rows=ACTS, now_ms=NOW_MS)
    yield "verify", "verify", "", views.VerifyPage(text="", result=None, file=None, errors=(), refusal=None)
    for name, genuine, status, verdict in (
        ("genuine", True, "final", "confirmed"),
        ("superseded", True, "provisional", "superseded"),
        ("provisional", True, "provisional", ""),
        ("forged", False, "", ""),
    ):
        yield (
            f"verify-{name}",
            "verify",
            "",
            views.VerifyPage(
                text="YZ1.AbCd",
                errors=(),
                refusal=None,
                file=words("文件完整，签名一致", "the file is whole, its signature holds"),
                result=av.VerifyView(
                    genuine=genuine,
                    known=True,
                    words=words(
                        "签名与中心的信任链一致" if genuine else "签名不是本中心任何节点的",
                        "signatures hold" if genuine else "not signed by any node of this centre",
                    ),
                    serial="330102-2026-L-00231",
                    node_name="清河县市民之家",
                    status=status,
                    verdict=verdict,
                    issued_ms=NOW_MS,
                    as_of_ms=NOW_MS - HOUR_MS,
                ),
            ),
        )
    yield (
        "message",
        "message",
        "security",
        views.MessagePage(
            title=words("没有权限", "Not permitted"),
            words=words(
                "您的角色没有“检索访问轨迹”的权限，该权限属于审计管理员（三员分立）。",
                "your role may not search the trail; this power is held by: Audit administrator",
            ),
            next=words("请由拥有该权限的管理员办理。", "Ask the administrator whose power this is."),
        ),
    )
