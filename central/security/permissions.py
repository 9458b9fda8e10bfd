"""Who may do what.

One table. Three administrators with disjoint powers (三员分立); none sees a citizen's data.
"""

from typing import Literal

import msgspec

from central.errors import NotPermitted

Role = Literal["system", "security", "audit"]
ROLES: tuple[Role, ...] = ("system", "security", "audit")

ROLE_WORDS: dict[str, tuple[str, str]] = {
    "system": ("系统管理员", "System administrator"),
    "security": ("安全管理员", "Security administrator"),
    "audit": ("审计管理员", "Audit administrator"),
}


class Permission(msgspec.Struct, frozen=True, kw_only=True):
    """One act and who holds it. `power`: it changes or reveals something, so exactly one role may hold it.

    What is no power is a view of operation (fleet, own acts) that more than one role needs.
    """

    action: str
    roles: tuple[Role, ...]
    power: bool
    words: tuple[str, str]


def _power(action: str, role: Role, zh: str, en: str) -> Permission:
    return Permission(action=action, roles=(role,), power=True, words=(zh, en))


def _view(action: str, zh: str, en: str, *roles: Role) -> Permission:
    return Permission(action=action, roles=roles or ROLES, power=False, words=(zh, en))


PERMISSIONS: tuple[Permission, ...] = (
    _power("centre.restored", "system", "声明中心已恢复", "declare that the centre was restored"),
    _power("nodes.create", "system", "新建节点", "create a node"),
    _power("nodes.code", "system", "重发注册码", "issue a new enrolment code"),
    _power("incarnations.confirm", "system", "会同批准换代", "approve a new incarnation as second officer"),
    _power("records.import", "system", "导入信用记录", "import records"),
    _power("publish.publish", "system", "发布数据分包", "publish packs"),
    _power("quota.grant", "system", "设定离线免费额度", "set the units a node may give offline"),
    _power("courier.import", "system", "导入信使数据包", "import courier batches"),
    _power("courier.export", "system", "导出信使数据包", "export courier batches"),
    _power("trips.plan", "system", "安排车次数据", "plan what a bus carries"),
    _power("consent.change", "security", "登记撤回授权", "register withdrawn consent"),
    _power("staff.import", "security", "导入窗口人员", "import clerks"),
    _power("nodes.revoke", "security", "吊销节点", "revoke a node"),
    _power("incarnations.approve", "security", "批准换代", "approve a new incarnation"),
    _power("nodes.wipe", "security", "封存并清除节点", "seal and wipe a node"),
    _power("escrow.release", "security", "释放托管密钥", "release an escrowed key"),
    _power("leases.speak", "security", "用电话授权码延长离线授权", "extend leases by a code for the phone"),
    _power("administrators.change", "security", "变更管理员", "change administrators"),
    _power("trail.search", "audit", "检索访问轨迹", "search the trail"),
    _power("trail.proof", "audit", "查看证明", "see a proof"),
    _power("held.read", "audit", "查看节点曾存数据", "see which subjects a node held"),
    _power("reports.read", "audit", "查看报告", "see reports"),
    _power("findings.settle", "audit", "处理对账差异", "settle findings"),
    _power("corrections.ask", "audit", "要求补正", "ask halls for corrections"),
    _power("reconcile.run", "audit", "对账", "reconcile"),
    _power("check.run", "audit", "核验台账", "check ledgers"),
    _view("fleet.read", "查看节点", "see nodes"),
    _view("incarnations.read", "查看换代申请", "see requests for a new incarnation"),
    _view("incarnations.decide", "办理换代申请", "speak on a new incarnation", "system", "security"),
    _view("findings.read", "查看对账差异", "see findings", "system", "audit"),
    _view("reconcile.read", "查看对账", "see reconciliation", "system", "audit"),
    _view("quota.read", "查看离线免费额度", "see the units nodes may give offline", "system", "audit"),
    _view("administrators.read", "查看管理员", "see administrators", "security", "audit"),
    _view("acts.read", "查看管理操作", "see administrators' acts", "security", "audit"),
)

_BY_ACTION = {row.action: row for row in PERMISSIONS}


def permitted(role: str, action: str) -> bool:
    """Whether the role holds the act; an act without a row is a bug (KeyError)."""
    return role in _BY_ACTION[action].roles


def require(role: str, action: str) -> None:
    """Raise NotPermitted unless the role holds the act."""
    if permitted(role, action):
        return
    row = _BY_ACTION[action]
    holders_zh = "、".join(ROLE_WORDS[name][0] for name in row.roles)
    holders_en = ", ".join(ROLE_WORDS[name][1] for name in row.roles)
    raise NotPermitted(
        f"您的角色没有“{row.words[0]}”的权限，该权限属于{holders_zh}（三员分立）。",
        f"your role may not {row.words[1]}; this power is held by: {holders_en}",
    )
