"""Every page of the console in its important states: what the gallery shows and the template tests render."""

from datetime import date
from typing import Any

from central.actions import views as av
from central.pages import drawing, facets, views
from matters.model import Refusal
from tests.unit.central_pages import asked, successions
from tests.unit.central_pages.figures import (
    ACTS,
    ADMINISTRATORS,
    CREATED,
    DAY,
    NODE_VIEW,
    REFUSAL,
    REPORTS,
)
from tests.unit.central_pages.rows import (
    ACCESSES,
    AUTHORITY,
    BUS,
    DAY_MS,
    FINDING,
    FLEET,
    HALL,
    HOUR_MS,
    NOW_MS,
    PROOF,
    QUERY,
    SETTLED,
    digest,
    words,
)

Sample = tuple[str, str, str, Any]
"""Name of the picture, template, role, view."""


def fleet_line(row: av.NodeRow) -> views.FleetLine:
    left = None if row.lease_not_after_ms is None else (row.lease_not_after_ms - NOW_MS) // 1000
    return views.FleetLine(row=row, spark=drawing.spark(row.lag), lease_left_s=left)


def strip() -> drawing.Strip:
    days = [f"2026-{10 if day < 8 else 11}-{(24 + day) if day < 8 else day - 7:02}" for day in range(28)]
    marks = [(one.name, digest("heat " + one.name)[:28]) for one in FLEET[:6]]
    return drawing.strip(days, [(name, list(map(_state, range(28), row))) for name, row in marks])


def _state(day: int, mark: int) -> str:
    if (day + 1) % 7 in {0, 6}:
        return ""
    steps = (("missing", 6), ("open", 12), ("waiting", 18))
    return next((state for state, top in steps if mark < top), "unheard" if day > 24 else "matched")


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


def verdict(name: str, genuine: bool, status: str, said: str) -> Sample:
    return (
        f"verify-{name}",
        "verify",
        "",
        views.VerifyPage(
            text="YZ1.AbCd",
            errors=(),
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
                verdict=said,
                issued_ms=NOW_MS,
                as_of_ms=NOW_MS - HOUR_MS,
            ),
        ),
    )


PAGES: tuple[Sample, ...] = (
    *asked.PAGES,
    ("signin", "signin", "", views.SignInPage()),
    (
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
    ),
    (
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
    ),
    (
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
    ),
    (
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
    ),
    (
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
    ),
    (
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
    ),
    (
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
    ),
    ("new-node-code", "new_node", "system", views.NewNodePage(created=CREATED, now_ms=NOW_MS)),
    ("trail", "trail", "audit", trail()),
    ("trail-first", "trail", "audit", trail(None)),
    (
        "trail-errors",
        "trail",
        "audit",
        trail(
            None,
            form=views.TrailForm(number="110101199003071233"),
            errors=(facets.purpose_error("") or views.FormError(field="", words=words("", "")),),
            refusal=REFUSAL,
        ),
    ),
    (
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
    ),
    (
        "subject-lapsed",
        "subject",
        "audit",
        views.SubjectPage(
            search="", found=None, lapsed=True, errors=(), refusal=REFUSAL, purpose="", now_ms=NOW_MS
        ),
    ),
    (
        "paper",
        "paper",
        "audit",
        views.SubjectPaper(search="sVd81", found=SUBJECT_FOUND, authority="青州市信用中心", now_ms=NOW_MS),
    ),
    ("incarnations", "incarnations", "system", successions.shown("system", refusal=successions.SAME)),
    ("incarnations-none", "incarnations", "audit", successions.shown("", empty=True)),
    (
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
    ),
    (
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
    ),
    (
        "reconciliation",
        "reconciliation",
        "audit",
        views.ReconciliationPage(
            strip=strip(), day=date(2026, 11, 20), result=DAY, findings=(FINDING,), may_run=True, errors=()
        ),
    ),
    (
        "reports",
        "reports",
        "audit",
        views.ReportsPage(
            rows=REPORTS,
            lacking=("330102-2026-L-00231",),
            chosen=REPORTS[1],
            verdict="",
            serial="",
            node="",
            nodes=FLEET,
            now_ms=NOW_MS,
        ),
    ),
    (
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
            now_ms=NOW_MS,
        ),
    ),
    (
        "administrators",
        "administrators",
        "security",
        views.AdministratorsPage(rows=ADMINISTRATORS, now_ms=NOW_MS),
    ),
    ("acts", "acts", "security", views.ActsPage(rows=ACTS, now_ms=NOW_MS)),
    ("verify", "verify", "", views.VerifyPage(text="", result=None, file=None, errors=())),
    verdict("genuine", genuine=True, status="final", said="confirmed"),
    verdict("superseded", genuine=True, status="provisional", said="superseded"),
    verdict("provisional", genuine=True, status="provisional", said=""),
    verdict("forged", genuine=False, status="", said=""),
    (
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
    ),
)
