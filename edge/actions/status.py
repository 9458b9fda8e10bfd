"""The node's status: four facts with an age each, what stops or will stop sensitive answers, what waits."""

from edge.actions import budget, files, gates, leases
from edge.actions.node import Node
from edge.actions.views import (
    CentreStatus,
    ClockStatus,
    LedgerStatus,
    ReleaseStatus,
    Status,
)
from edge.store.ledger import size_and_root
from edge.store.reader import Reading
from edge.uplink.meter import LaneStatus, LinkStatus
from matters.model import Words
from sync.clock import ClockState

LANES = (
    ("0", "吊销与撤回", "revocations"),
    ("1", "人员与目录", "staff and catalogue"),
    ("2", "指令与授权", "directives and leases"),
    ("3", "台账与报告", "ledger and reports"),
    ("4", "数据集", "records"),
    ("5", "报告文件", "report files"),
)
LEDGER, RECORDS, FILES = 3, 4, 5


async def status(node: Node) -> Status:
    """Everything the strip, the line page and `GET /api/status` show, from one consistent read."""
    return await node.store.read(lambda db: _status(db, node))


def _status(db: Reading, node: Node) -> Status:
    now_ms = node.now_ms()
    ledger = _ledger(db, node, now_ms)
    contact = _last_contact(db, node)
    tasks = db.query("SELECT count(*) FROM task WHERE state = 'open'")[0][0]
    return Status(
        origin=node.identity.origin,
        hall=node.hall_name(),
        at_ms=now_ms,
        mode="offline" if node.uplink.breaker.open or not node.uplink.url else "online",
        centre=CentreStatus(
            reachable=not node.uplink.breaker.open and contact is not None,
            last_contact=contact,
            last_contact_age_s=max(0, now_ms - contact) // 1000 if contact else None,
        ),
        ledger=ledger,
        lease=leases.view_in(db, node),
        lanes=_lanes(db, node, ledger.pending),
        link=_link(db, node),
        devices=node.hall.status() if node.hall else (),
        clock=ClockStatus(state=ClockState(node.store.clock.state).name.lower(), now_ms=now_ms),
        releases=_releases(db),
        stopped=tuple(gate.words for gate in gates.gates(db, node)),
        warnings=(
            *gates.warnings(db, node),
            *_lease_warnings(db, node),
            *_lacking_warnings(db),
            *node.meter.unfit.values(),
        ),
        open_tasks=int(tasks),
        training=node.training,
    )


def _ledger(db: Reading, node: Node, now_ms: int) -> LedgerStatus:
    size, root = size_and_root(db.connection)
    countersigned = gates.countersigned_size(db)
    oldest = gates.oldest_unacknowledged_ms(db, accesses_only=False)
    return LedgerStatus(
        size=size,
        root=root.hex(),
        countersigned_size=countersigned,
        pending=size - countersigned,
        oldest_unacknowledged_age_s=max(0, now_ms - oldest) // 1000 if oldest else 0,
        window_s=gates.window_ms(db, node) // 1000,
    )


def _last_contact(db: Reading, node: Node) -> int | None:
    """The newest verified reply: of an exchange (durable) or of an answer (this boot)."""
    row = db.one("SELECT value FROM fact WHERE name = 'last_contact_ms'")
    stored = int(row[0]) if row else 0
    return max(stored, node.uplink.breaker.last_contact_ms) or None


def _lanes(db: Reading, node: Node, pending: int) -> tuple[LaneStatus, ...]:
    """What waits in each lane. Of the way down only what the last contact named and put off is known."""
    later, rate = node.meter.later.values(), node.meter.bytes_per_s
    pieces, size = files.waiting(db)
    waits = {
        LEDGER: (pending, pending * budget.ENTRY_BYTES),
        RECORDS: (sum(one.pieces for one in later), sum(one.bytes for one in later)),
        FILES: (pieces, size),
    }
    spent = budget.spent(db, node)
    lanes: list[LaneStatus] = []
    ahead = 0
    for number, zh, en in LANES:
        many, size = waits.get(int(number), (0, 0))
        ahead += size
        lanes.append(
            LaneStatus(
                lane=number,
                words=Words(zh=zh, en=en),
                waiting=many,
                bytes=size,
                eta_s=(int(ahead / rate) + 1 if many else 0) if rate else None,
                tomorrow=spent and int(number) >= RECORDS and many > 0,
            )
        )
    return tuple(lanes)


def _link(db: Reading, node: Node) -> LinkStatus:
    link = budget.link(node)
    return LinkStatus(
        words=link.words,
        used_bytes=budget.used_today(db, node),
        day_bytes=link.day_bytes,
        bytes_per_s=int(node.meter.bytes_per_s),
    )


def _releases(db: Reading) -> tuple[ReleaseStatus, ...]:
    rows = db.query("SELECT scope, data_class, version, rows, as_of_ms FROM release_held ORDER BY scope")
    return tuple(
        ReleaseStatus(scope=row[0], data_class=row[1], version=row[2], rows=row[3], as_of_ms=row[4])
        for row in rows
    )


def _lease_warnings(db: Reading, node: Node) -> tuple[Words, ...]:
    """Amber and red well before the end."""
    return tuple(
        Words(
            zh=f"离线授权 {lease.capability} 将尽：剩 {lease.left_s // 3600} 小时 {lease.answers_left} 次。",
            en=f"Lease {lease.capability} ends soon: {lease.left_s // 3600} h, {lease.answers_left} left.",
        )
        for lease in leases.view_in(db, node)
        if lease.state in {"amber", "red"}
    )


def _lacking_warnings(db: Reading) -> tuple[Words, ...]:
    """What was set aside because it is not what the centre signed."""
    rows = db.query("SELECT scope, length(lacking) FROM release_held WHERE lacking <> x'' ORDER BY scope")
    return tuple(
        Words(
            zh=f"数据集 {scope} 有 {many}/256 处与中心签名不符，已停用，正在补取；其中的人员暂不能离线答复。",
            en=f"{many} of 256 parts of {scope} differ from what the centre signed: set aside, being fetched"
            " again; their people get no offline answer until then.",
        )
        for scope, many in rows
    )
