"""The words of every alarm an exchange can raise: what happened, and what a person does now."""

import msgspec

from sync import errors
from sync.errors import SyncError


class AlarmWords(msgspec.Struct, frozen=True, kw_only=True):
    """What happened and what to do now, Chinese and English."""

    code: str
    zh: str
    en: str
    next_zh: str
    next_en: str


def _row(code: str, zh: str, en: str, next_zh: str, next_en: str) -> AlarmWords:
    return AlarmWords(code=code, zh=zh, en=en, next_zh=next_zh, next_en=next_en)


_CALL = (
    "请停止敏感查询，立即通知安全管理员。",
    "Stop sensitive queries and tell the security administrator at once.",
)
_NEWEST = ("请取用本节点最新的回执文件。", "Take the newest acknowledgement of this node.")
_NOTHING = ("无需处理，系统会自动继续。", "Nothing to do: it continues by itself.")

ALARMS: tuple[AlarmWords, ...] = (
    _row(
        "rolled-back",
        "本机台账少于中心已收到的内容：数据曾被回退",
        "This node was rolled back: the centre holds more than it",
        *_CALL,
    ),
    _row(
        "fork", "本机台账与中心会签的内容不一致", "This ledger is not the one that was countersigned", *_CALL
    ),
    _row("revoked", "中心已吊销本节点", "The centre has revoked this node", *_CALL),
    _row("countersignature", "中心会签无效", "The countersignature does not hold", *_CALL),
    _row(
        "centre-checkpoint", "中心自身台账的检查点无效", "The centre's own checkpoint does not hold", *_CALL
    ),
    _row(
        "centre-fork", "中心向本机出示了两个不同的台账", "The centre has shown two different ledgers", *_CALL
    ),
    _row("centre-went-back", "中心的台账变短了", "The centre's ledger has become shorter", *_CALL),
    _row(
        "centre-behind",
        "中心从备份恢复，正在重新接收",
        "The centre was restored and takes entries again",
        *_NOTHING,
    ),
    _row(
        "centre-levelling",
        "中心从备份恢复，正在重新接收，批准换代前暂不会签",
        "The centre was restored, takes entries again, and signs nothing before officers approve",
        *_NOTHING,
    ),
    _row(
        "centre-anew",
        "中心台账已换代，本机看到的内容中心均已承认",
        "The centre's ledger began anew and admits all this node saw",
        *_NOTHING,
    ),
    _row(
        "centre-admits-less",
        "中心台账已换代，但未承认本机看到的全部内容，已留证上报",
        "The centre's ledger began anew and admits less than this node saw; kept as evidence and reported",
        "请照常办理，并告知安全管理员核对中心台账。",
        "Go on, and have the security administrator compare the centre's ledger.",
    ),
    _row(
        "centre-opening",
        "中心台账换代的证明无效",
        "The proof of the centre's new ledger does not hold",
        *_CALL,
    ),
    _row("stale", "回执文件已过时，未采用", "An outdated acknowledgement, not used", *_NEWEST),
    _row(
        "wrong-origin",
        "文件属于其他节点或本节点的旧编号",
        "The file belongs to another node or incarnation",
        *_NEWEST,
    ),
    _row("wrong-centre", "文件来自其他中心", "The file comes from another centre", *_NEWEST),
    _row(
        "directive",
        "中心指令无法执行",
        "A directive that cannot be obeyed",
        "请先升级本机软件。",
        "Update this machine first.",
    ),
)
"""Alarms of the exchange itself; every code of a SyncError is an alarm too, with the error's own words."""


def alarm_words(code: str) -> AlarmWords:
    """The words of an alarm by its code; an unknown code of a newer centre is named as it is."""
    own = next((row for row in ALARMS if row.code == code), None)
    if own is not None:
        return own
    kind = next((one for one in vars(errors).values() if _is_error(one) and one.code == code), SyncError)
    return _row(code, f"交换被拒绝（{code}）", f"Exchange refused ({code})", kind.next_zh, kind.next_en)


def _is_error(one: object) -> bool:
    return isinstance(one, type) and issubclass(one, SyncError)
