"""Invented rows of the trail and the fleet, as the actions would give them."""

import hashlib
from typing import Any

from central.actions import views as av
from matters.model import Words

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
    state: av.NodeState,
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
        state=state,
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
    owner="hall",
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
        "purpose": "self",
        "basis": "SELF",
        "relationship": "self-natural",
        "presence": "card/citizen",
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
        relationship="natural-natural",
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
        relationship="",
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
        relationship="natural-natural",
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
