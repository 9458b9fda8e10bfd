"""What stands round a page: the doors a role may open, who is here, and one line on what that means."""

from central.pages.visitor import Visitor
from central.security.permissions import ROLE_WORDS, permitted
from matters.model import Words
from ui.frame import Frame, NavLink

BRAND = Words(zh="信用中心平台", en="Credit Centre")
NO_CITIZEN_DATA = Words(zh="不可查看公民数据", en="no access to citizens' data")
ON_THE_LEDGER = Words(zh="每次检索都记入中心台账", en="searches are recorded")

DOORS: tuple[tuple[str, str, Words], ...] = (
    ("/", "fleet.read", Words(zh="节点", en="Nodes")),
    ("/incarnations", "incarnations.read", Words(zh="换代", en="Incarnations")),
    ("/trail", "trail.search", Words(zh="访问轨迹", en="Trail")),
    ("/subject", "trail.search", Words(zh="谁查过", en="Who saw")),
    ("/findings", "findings.read", Words(zh="差异", en="Findings")),
    ("/reconciliation", "reconcile.read", Words(zh="对账", en="Reconciliation")),
    ("/corrections", "corrections.ask", Words(zh="补正", en="Corrections")),
    ("/reports", "reports.read", Words(zh="报告", en="Reports")),
    ("/releases", "publish.publish", Words(zh="数据发布", en="Releases")),
    ("/quota", "quota.read", Words(zh="离线额度", en="Offline units")),
    ("/trips", "trips.plan", Words(zh="车次", en="Trips")),
    ("/consent", "consent.change", Words(zh="撤回授权", en="Consent")),
    ("/held", "held.read", Words(zh="曾存主体", en="Held")),
    ("/administrators", "administrators.read", Words(zh="管理员", en="Administrators")),
    ("/acts", "acts.read", Words(zh="管理操作", en="Acts")),
)
"""Address, the permission that opens it, and its name, in the order of the bar."""

VERIFY = NavLink(path="/verify", label=Words(zh="核验", en="Verify"))


def frame(visitor: Visitor, here: str) -> Frame:
    """The frame of a page for this visitor; `here` is the address of the door that is open."""
    brand = BRAND.en if visitor.lang == "en" else BRAND.zh
    session = visitor.session
    if session is None or session.must_change:
        return Frame(
            lang=visitor.lang,
            brand=brand,
            who="" if session is None else session.admin,
            csrf=visitor.mark,
            made_ms=visitor.now_ms,
        )
    doors = tuple(
        NavLink(path=path, label=label) for path, act, label in DOORS if permitted(session.role, act)
    )
    zh, en = ROLE_WORDS[session.role]
    under = ON_THE_LEDGER if session.role == "audit" else NO_CITIZEN_DATA
    return Frame(
        lang=visitor.lang,
        brand=brand,
        who=en if visitor.lang == "en" else zh,
        under=under.en if visitor.lang == "en" else under.zh,
        nav=(*doors, VERIFY),
        here=here,
        csrf=visitor.mark,
        made_ms=visitor.now_ms,
    )
