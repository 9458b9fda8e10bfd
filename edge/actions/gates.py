"""What stops sensitive answers at this node, and what warns that they will stop; each clears itself."""

import msgspec

from edge.actions.node import Node
from edge.store.reader import Reading
from edge.store.store import OldestAccess
from edge.store.transaction import Transaction
from matters.freshness import span_words
from matters.model import Refusal, Words

ACCESS_KINDS = (10, 11, 12, 13)
HALL_WINDOW_MS = 3 * 86_400_000
BUS_WINDOW_MS = 14 * 86_400_000
ALARM = "alarm"
REVOKED = "revoked"
RESTORED = "restored"
WIPE = "wipe"
"""Facts that stop sensitive answers while they stand."""
LEVELLING = "centre_levelling"
"""Fact that stands while the centre, restored from a backup, takes entries and countersigns nothing."""
_RULE = "台账规则（protocol.md 4、8）"
_WARN_AT = (80, 50)


class Gate(msgspec.Struct, frozen=True, kw_only=True):
    """One reason why sensitive answers stand still."""

    code: str
    words: Words
    next: Words

    def refusal(self) -> Refusal:
        """The same as a refusal for a citizen's query."""
        return Refusal(code=self.code, message=self.words, rule=_RULE, next=self.next)


_MANAGER = Words(zh="请通知大厅管理员，并联系中心。", en="Tell the hall manager, who calls the centre.")


def window_ms(db: Reading | Transaction, node: Node) -> int:
    """The fail-closed window in force.

    The centre's last word, else the certificate's, else by kind of site.
    """
    row = db.one("SELECT value FROM fact WHERE name = 'window_ms'")
    said = int(msgspec.json.decode(row[0])) if row else 0
    default = BUS_WINDOW_MS if node.settings.kind == "bus" else HALL_WINDOW_MS
    return said or node.identity.certificate.window_ms or default


def countersigned_size(db: Reading | Transaction) -> int:
    """Entries the centre has countersigned."""
    row = db.one("SELECT max(size) FROM checkpoint WHERE counter IS NOT NULL")
    return int(row[0] or 0) if row else 0


def oldest_unacknowledged_ms(db: Reading | Transaction, *, accesses_only: bool) -> int:
    """The time of the oldest entry the centre has not countersigned, 0 when there is none."""
    which = f"AND kind IN {ACCESS_KINDS}" if accesses_only else ""
    row = db.one(
        f"SELECT hlc_ms FROM entry WHERE idx >= ? {which} ORDER BY idx LIMIT 1",  # noqa: S608 -- constant kinds
        (countersigned_size(db),),
    )
    return int(row[0]) if row else 0


def oldest_access_ms(db: Reading | Transaction, node: Node) -> int:
    """The same for accesses, as every answer asks: what was found once is not searched again.

    Entries never change, so an access found from one place on is the first from every place up to itself;
    a morning of tickets before it would be read through at each answer.
    """
    size, origin = countersigned_size(db), node.identity.origin
    known = node.store.oldest_access
    if known is None or known.origin != origin or not known.searched <= size <= known.index:
        row = db.one(
            f"SELECT idx, hlc_ms FROM entry WHERE idx >= ? AND kind IN {ACCESS_KINDS} ORDER BY idx LIMIT 1",  # noqa: S608 -- constant kinds
            (size,),
        )
        if row is None:
            return 0
        known = OldestAccess(origin=origin, searched=size, index=int(row[0]), at_ms=int(row[1]))
        (committed,) = db.one("SELECT size FROM ledger_head") or (0,)
        if known.index < committed:  # an entry of the group being written may yet be undone
            node.store.oldest_access = known
    return known.at_ms


def gates(db: Reading | Transaction, node: Node) -> list[Gate]:
    """Every reason why sensitive answers must not be given now, worst first; empty when they may."""
    found: list[Gate] = []
    if node.store.failed:
        found.append(
            _stopped(
                "store-failed",
                "节点数据库出错，服务将自动重启、自检，必要时重建",
                "the store failed: the service restarts, checks it and rebuilds it if it must",
            )
        )
    if node.store.rolled_back:
        found.append(
            _stopped("rolled-back", "数据库比锚点旧，疑为旧映像", "the database is behind its anchor")
        )
    facts = {row[0] for row in db.query("SELECT name FROM fact")}
    if WIPE in facts:
        found.append(_stopped("wiped", "中心已命令封存并清除本节点", "the centre ordered a seal and wipe"))
    if RESTORED in facts:
        found.append(
            _stopped(
                "restored",
                "数据库由备份恢复或由损坏文件重建，须先换代登记",
                "restored or rebuilt: a new incarnation is due",
            )
        )
    if ALARM in facts:
        found.append(
            _stopped("ledger-alarm", "台账与中心记录不一致", "the ledger and the centre's record disagree")
        )
    if REVOKED in facts:
        found.append(_stopped("node-revoked", "本节点已被中心吊销", "the centre revoked this node"))
    if node.store.free_percent() <= node.settings.disk_free_min_percent:
        found.append(_disk(node))
    if _window_used_percent(db, node) >= 100:  # noqa: PLR2004 -- percent
        found.append(_fail_closed(window_ms(db, node)))
    return found


def warnings(db: Reading | Transaction, node: Node) -> tuple[Words, ...]:
    """What will stop answers soon: a centre that does not countersign, the window at 50 % and 80 %."""
    levelling = db.one("SELECT 1 FROM fact WHERE name = ?", (LEVELLING,))
    return (*((_LEVELLING,) if levelling else ()), *_window_warnings(db, node))


def _window_warnings(db: Reading | Transaction, node: Node) -> tuple[Words, ...]:
    used = _window_used_percent(db, node)
    step = next((percent for percent in _WARN_AT if used >= percent), 0)
    if not step or used >= 100:  # noqa: PLR2004 -- percent
        return ()
    left = span_words(max(60, window_ms(db, node) * (100 - used) // 100_000))
    words = Words(
        zh=f"未上传记录已用去允许时长的 {used}%，约 {left.zh}后敏感查询将停止，请尽快联网或用介质交换。",
        en=f"{used}% of the time without upload is used; answers stop in about {left.en}: exchange soon.",
    )
    return (words,)


_LEVELLING = Words(
    zh="中心从备份恢复，正在重新接收本机记录，两名负责人批准换代前暂不会签。请照常办理，无需处理。",
    en="The centre was restored and takes entries again; it countersigns once two officers approve. Go on.",
)


def _window_used_percent(db: Reading | Transaction, node: Node) -> int:
    oldest = oldest_access_ms(db, node)
    if not oldest:
        return 0
    waited = max(node.now_ms(), node.store.clock.interval().latest_ms) - oldest
    return max(0, 100 * waited // window_ms(db, node))


def _stopped(code: str, zh: str, en: str) -> Gate:
    words = Words(zh=f"敏感查询已停止：{zh}。", en=f"Sensitive answers are stopped: {en}.")
    return Gate(code=code, words=words, next=_MANAGER)


def _disk(node: Node) -> Gate:
    least = node.settings.disk_free_min_percent
    return Gate(
        code="disk-low",
        words=Words(
            zh=f"磁盘可用空间不足 {least}%，敏感查询已停止，取号和受理照常。",
            en=f"Less than {least}% of the disk is free: sensitive answers are stopped, intake goes on.",
        ),
        next=Words(
            zh="请通知大厅管理员清理磁盘；空间恢复后自动继续。",
            en="Have the hall manager free space; answers resume by themselves.",
        ),
    )


def _fail_closed(window: int) -> Gate:
    span = span_words(window // 1000)
    return Gate(
        code="upload-overdue",
        words=Words(
            zh=f"查询记录已超过 {span.zh}未送达中心，敏感查询已停止。",
            en=f"Access entries have waited over {span.en} for the centre; sensitive answers are stopped.",
        ),
        next=Words(
            zh="请联网或用介质交换一次，完成后自动恢复。",
            en="Exchange once by line or stick; answers resume by themselves.",
        ),
    )
