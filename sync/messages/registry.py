"""The one table of entry kinds: number, name, words, and the order of the detail's fields.

Numbers and field orders are for ever: a field may be added at the end, never renamed, retyped or reused;
a changed meaning is a new number. `tests/unit/sync_exchange/test_registry.py` holds golden bytes for
every row.
"""

from collections.abc import Mapping

import msgspec

from sync.codec import cbor
from sync.errors import Malformed
from sync.limits import LIMITS

DetailValue = str | int | bytes | bool | None

ACCESS = (
    "subject_number",
    "subject_name",
    "requester_number",
    "requester_name",
    "matter",
    "case",
    "request_id",
    "shown",
    "note",
)
ISSUED = (
    "serial",
    "subject_number",
    "subject_name",
    "matter",
    "facts_digest",
    "facts",
    "status",
    "as_of",
)
PAPER = ("serial", "sheet", "file_digest", "reason")
MOVED = ("paper", "copy", "sheet", "reason")
SHEETS = ("first", "last", "note", "count")
SETTLED = ("serial", "verdict", "changes")
CASE = ("case", "matter", "state", "subject_number", "subject_name", "phone", "due", "note", "correction")
SESSION = ("staff", "reason")
QUOTA = ("subject_number", "matter", "units", "year", "grant")
CLOSED = ("day", "totals")
FINDING = ("finding", "day", "code", "about", "owner", "state", "note")
CENTRE_OPENED = ("old_origin", "size", "root", "witnessed", "reason", "approved_by", "lost")
CENTRE_SUCCEEDED = ("old_origin", "size", "root", "new_origin", "doubt")
OPENED_ANEW = ("old_origin", "countersigned", "root", "reason", "approved_by", "lost", "carried")
NOTE = ("note",)


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table.

    `detail` names the fields of the detail array in order; the first `least` of them were there from the
    beginning, the others were added, so older entries lack them. `sensitive` means the detail identifies a
    person: it is encrypted at rest and may be deleted when the law says so, while its commit stays in
    the leaf.
    """

    number: int
    name: str
    words: tuple[str, str]
    detail: tuple[str, ...]
    least: int
    sensitive: bool


def _row(
    number: int,
    name: str,
    zh: str,
    en: str,
    detail: tuple[str, ...],
    *,
    least: int | None = None,
    sensitive: bool = False,
) -> Kind:
    first = len(detail) if least is None else least
    return Kind(number=number, name=name, words=(zh, en), detail=detail, least=first, sensitive=sensitive)


# fmt: off
KINDS: tuple[Kind, ...] = (
    _row(1, "ledger.opened", "台账启用", "ledger opened", NOTE),
    _row(2, "ledger.closed", "台账封存", "ledger closed", NOTE),
    _row(3, "incarnation.opened", "换代启用", "new incarnation opened", OPENED_ANEW),
    _row(4, "centre.opened", "中心换代启用", "ledger of the centre opened anew", CENTRE_OPENED),
    _row(5, "presence.read", "读取证件", "document read", NOTE, sensitive=True),
    _row(6, "centre.succeeded", "见到中心换代", "new incarnation of the centre seen", CENTRE_SUCCEEDED),
    _row(10, "access.answered", "已答复查询", "query answered", ACCESS, sensitive=True),
    _row(11, "access.denied", "已拒绝查询", "query denied", ACCESS, sensitive=True),
    _row(12, "access.deferred", "已转待办查询", "query deferred", ACCESS, sensitive=True),
    _row(13, "access.local", "本地办理", "served locally", ACCESS, sensitive=True),
    _row(20, "report.issued", "报告签发", "report issued", ISSUED, sensitive=True),
    _row(21, "report.printed", "报告打印", "report printed", PAPER),
    _row(22, "report.spoiled", "纸张作废", "sheet spoiled", PAPER),
    _row(23, "report.reprinted", "报告重打", "report reprinted", PAPER),
    _row(24, "report.handed_over", "报告交付", "report handed over", PAPER),
    _row(25, "report.settled", "报告核定", "report settled", SETTLED, sensitive=True),
    _row(26, "paper.moved", "纸张流转", "paper moved on", MOVED),
    _row(27, "sheets.moved", "空白纸张领用", "blank sheets issued or returned", SHEETS, least=3),
    _row(30, "case.opened", "办件受理", "case opened", CASE, least=8, sensitive=True),
    _row(31, "case.changed", "办件变更", "case changed", CASE, least=8, sensitive=True),
    _row(40, "ticket.taken", "取号", "ticket taken", NOTE),
    _row(41, "ticket.called", "叫号", "ticket called", NOTE),
    _row(42, "ticket.closed", "号码办结", "ticket closed", NOTE),
    _row(45, "rating.given", "评价", "rating given", NOTE),
    _row(50, "session.opened", "登录", "signed in", SESSION),
    _row(51, "session.closed", "退出", "signed out", SESSION),
    _row(52, "session.refused", "登录被拒", "sign-in refused", SESSION),
    _row(60, "lease.opened", "离线授权启用", "lease opened", NOTE),
    _row(61, "lease.expired", "离线授权到期", "lease expired", NOTE),
    _row(62, "lease.shredded", "离线授权销毁", "lease shredded", NOTE),
    _row(70, "quota.spent", "额度使用", "quota spent", QUOTA, least=4, sensitive=True),
    _row(71, "quota.returned", "额度退回", "quota returned", QUOTA, least=4, sensitive=True),
    _row(80, "pack.applied", "数据集更新", "pack applied", NOTE),
    _row(81, "clock.adjusted", "时钟调整", "clock adjusted", NOTE),
    _row(90, "courier.exported", "数据包导出", "batch exported", NOTE),
    _row(91, "courier.imported", "数据包导入", "batch imported", NOTE),
    _row(95, "device.fault", "设备故障", "device fault", NOTE),
    _row(100, "day.closed", "日结", "day closed", CLOSED),
    _row(101, "finding.changed", "差异处理", "finding dealt with", FINDING, sensitive=True),
    _row(110, "mark", "标记", "mark", NOTE),
    _row(200, "centre.disclosed", "中心提供数据", "disclosed by the centre", NOTE, sensitive=True),
    _row(210, "admin.read", "管理员查阅", "read by an administrator", NOTE, sensitive=True),
    _row(211, "admin.changed", "管理员变更", "changed by an administrator", NOTE),
    _row(220, "node.checkpoint", "节点检查点", "node checkpoint accepted", NOTE),
    _row(230, "finding.raised", "对账差异", "finding raised", NOTE),
)
# fmt: on

_BY_NAME = {row.name: row for row in KINDS}
_BY_NUMBER = {row.number: row for row in KINDS}


def kind(name: str) -> Kind:
    """The row of that name; an unknown name is a bug of the caller (KeyError)."""
    return _BY_NAME[name]


def known(number: int) -> bool:
    """Whether this version has a row of that number; a peer newer than us may send others."""
    return number in _BY_NUMBER


def by_number(number: int) -> Kind:
    """The row of that number; a number from a newer peer gives a row named `unknown.<n>` without fields.

    Such an entry is stored as evidence and has no effect (property P6); it never blocks the queue.
    """
    row = _BY_NUMBER.get(number)
    if row is not None:
        return row
    words = (f"未知事件 {number}", f"unknown event {number}")
    return Kind(number=number, name=f"unknown.{number}", words=words, detail=(), least=0, sensitive=True)


def encode_detail(name: str, fields: Mapping[str, DetailValue]) -> bytes:
    """The detail bytes of kind `name`: a deterministic CBOR array in the row's order.

    Absent fields are empty text. A field the row does not know is a bug of the caller (KeyError names it).
    """
    order = kind(name).detail
    strange = set(fields) - set(order)
    if strange:
        raise KeyError(f"{name} has no field {sorted(strange)}")
    return cbor.encode([fields.get(field, "") for field in order])


def decode_detail(number: int, detail: bytes) -> dict[str, DetailValue]:
    """The fields of a detail by name; fields a newer peer added come as `field_<position>`.

    Fields added to the row after the entry was written are empty text. Raises Malformed for bytes that are no
    deterministic array of plain values, or one shorter than the row ever was.
    """
    values = cbor.decode(detail, limit=LIMITS.detail_bytes)
    row = by_number(number)
    order = row.detail
    if len(values) < row.least:
        raise Malformed(f"detail of kind {number} has {len(values)} fields, {row.least} promised")
    values = [*values, *("" for _ in order[len(values) :])]
    names = order + tuple(f"field_{position}" for position in range(len(order), len(values)))
    if not all(value is None or isinstance(value, str | int | bytes) for value in values):
        raise Malformed(f"detail of kind {number} holds a value that is not plain")
    return dict(zip(names, values, strict=True))
