"""Nodes: created with a one-time code, given another code, revoked."""

from collections.abc import Sequence

from central.actions import leases, mailbox, restored
from central.actions.centre import AdminSession, Centre
from central.actions.leases import SCOPE_KEY
from central.actions.own_ledger import drafted, record
from central.actions.views import NodeCreated
from central.errors import NotFound
from central.security import passwords
from central.security.permissions import require
from central.store import fleet, records
from central.store.database import Tx
from central.store.fleet import Code, NodeKept
from central.store.records import Scope
from matters.ids import region_name
from matters.model import Refusal, Words
from sync.ids import Origin
from sync.messages import introduction

HOUR_MS = 3_600_000
_REGION_DIGITS = (6, 9, 12)
_NAME_CHARACTERS_MAX = 60
_ROUTE_MAX = 64
_KEY_BYTES = 32


async def create(
    centre: Centre, admin: AdminSession, *, name: str, region: str, kind: str, route: Sequence[str] = ()
) -> NodeCreated | Refusal:
    """A new node and its enrolment code, which is shown once and of which only a hash is kept."""
    require(admin.role, "nodes.create")
    refusal = _objection(name, region, kind, route)
    if refusal is not None:
        return refusal
    async with centre.store.transaction() as tx:
        if await restored.waits(centre, tx):
            return restored.WAIT
        node = NodeKept(
            node=await _free_id(tx, region, kind, await restored.names_floor(tx)),
            name=name.strip(),
            kind=kind,
            region=region,
            route=tuple(route),
            window_ms=centre.settings.policy(kind).window_hours * HOUR_MS,
            created_ms=centre.now_ms(),
        )
        await fleet.add_node(tx, node)
        await open_scopes(centre, tx, node)
        await record(centre, tx, drafted(admin, "admin.changed", f"node {node.node} created"))
        return await _new_code(centre, tx, node.node)


async def new_code(centre: Centre, admin: AdminSession, node: str) -> NodeCreated | Refusal:
    """Another code for a node (its older unused one ends); enrolling with it begins a new incarnation."""
    require(admin.role, "nodes.code")
    async with centre.store.transaction() as tx:
        if await fleet.node(tx, node) is None:
            raise NotFound("没有这个节点。", "there is no such node")
        await record(centre, tx, drafted(admin, "admin.changed", f"node {node} new code"))
        return await _new_code(centre, tx, node)


async def revoke(centre: Centre, admin: AdminSession, node: str, reason: str) -> Refusal | None:
    """Trust nothing more that this node signs; it is told at its next contact."""
    require(admin.role, "nodes.revoke")
    if not reason.strip():
        return _refusal("reason-missing", "吊销须写明原因。", "a revocation needs a reason")
    async with centre.store.transaction() as tx:
        if await fleet.node(tx, node) is None:
            raise NotFound("没有这个节点。", "there is no such node")
        for origin in await fleet.revoke(tx, node, reason, centre.now_ms()):
            await mailbox.post(centre, tx, origin, [("revoked", {"reason": [reason, reason]})])
        await record(centre, tx, drafted(admin, "admin.changed", f"node {node} revoked", reason))
    return None


def origin_text(centre: Centre, node: str, incarnation: int) -> str:
    """The origin of a node's incarnation."""
    made = Origin(authority=centre.settings.authority, role="node", name=node, incarnation=incarnation)
    return made.text


async def _new_code(centre: Centre, tx: Tx, node: str) -> NodeCreated:
    code = passwords.one_time()
    expires_ms = centre.now_ms() + centre.settings.code_hours * HOUR_MS
    kept = Code(
        node=node,
        locator=introduction.locator(code),
        code_hash=introduction.code_key(code),
        expires_ms=expires_ms,
        attempts=0,
        used_ms=None,
    )
    await fleet.add_code(tx, kept)
    return NodeCreated(node=node, code=code, expires_ms=expires_ms)


async def _free_id(tx: Tx, region: str, kind: str, floor: int) -> str:
    """A county's first hall has its region code as id, later ones a number behind it.

    A bus says that it is one. Above `floor` no node is named that a restored centre has forgotten.
    """
    stem = region if kind == "hall" else f"bus-{region}"
    taken = set(await fleet.node_names(tx, stem))
    if kind == "hall" and stem not in taken and not floor:
        return stem
    first = floor + (1 if kind == "bus" else 2)
    return next(f"{stem}-{n}" for n in range(first, first + len(taken) + 1) if f"{stem}-{n}" not in taken)


async def open_scopes(centre: Centre, tx: Tx, node: NodeKept) -> None:
    """The scopes a new node will hold, each with a content key of its own."""
    for name, data_class, prefixes in (
        (leases.data_scope(node), "detail", leases.regions_of(node)),
        (leases.staff_scope(node), "staff", ()),
    ):
        key = centre.keys.fresh_key()
        scope = Scope(
            scope=name,
            data_class=data_class,
            node=node.node if data_class == "staff" or node.kind == "bus" else "",
            prefixes=tuple(prefixes),
            key_sealed=centre.keys.seal(SCOPE_KEY, name.encode(), key),
            version=await restored.numbers_floor(tx),
        )
        await records.add_scope(tx, scope)


def _objection(name: str, region: str, kind: str, route: Sequence[str]) -> Refusal | None:
    if not 0 < len(name.strip()) <= _NAME_CHARACTERS_MAX:
        return _refusal("name", "节点名称应为 1 至 60 个字。", "a node's name has 1 to 60 characters")
    if kind not in {"hall", "bus"}:
        return _refusal("kind", "类型只能是 hall（大厅）或 bus（流动服务车）。", "kind must be hall or bus")
    if len(region) != _REGION_DIGITS[0] or not _place(region):
        return _refusal(
            "region",
            "区划代码应为 6 位数字，前两位为省级代码。",
            "a region code has 6 digits, 2 of a province",
        )
    if kind == "bus" and not route:
        return _refusal(
            "route", "流动服务车须给出线路（乡镇代码）。", "a bus needs a route of township codes"
        )
    wrong = [stop for stop in route if len(stop) not in _REGION_DIGITS or not _place(stop)]
    if wrong or len(route) > _ROUTE_MAX:
        return _refusal(
            "route",
            "线路应为 6、9 或 12 位区划代码，前两位为省级代码。",
            "a route holds codes of 6, 9 or 12 digits, the first two of a province",
        )
    return None


def _place(code: str) -> bool:
    """Digits that begin with a province of GB/T 2260; 9… is a foreigner's number and no place."""
    return code.isascii() and code.isdecimal() and code[0] != "9" and bool(region_name(code))


def _refusal(code: str, zh: str, en: str) -> Refusal:
    return Refusal(
        code=code,
        message=Words(zh=zh, en=en),
        rule="节点管理",
        next=Words(zh="改正后重新提交。", en="Correct it and submit again."),
    )
