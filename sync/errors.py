"""The error tree of sync.

    SyncError
    ├── Malformed          sender    bytes that are not what they claim to be
    ├── LimitExceeded      sender    larger, deeper or more than `limits.LIMITS` allows
    ├── BadSignature       sender    a signature, seal or key that does not fit
    │   ├── ClockApart     line      a request signed at another time than the receiver's
    │   └── UnknownOrigin  receiver  a ledger the receiver never heard of, or forgot when it was restored
    ├── WrongDestination   carrier   a file addressed to somebody else
    ├── WrongOrigin        carrier   a file of another ledger than the one expected
    ├── UnknownVersion     receiver  a format newer than this program
    ├── MissingDictionary  receiver  frames over a dictionary newer than this program
    ├── Gap(next)          line      entries are missing before these; send from `next`
    ├── Fork(size)         sender    two histories at one size: evidence, never overwritten
    ├── InconsistentProof  sender    a proof that does not lead to the signed root
    ├── LeaseRefused       receiver  the lease does not allow this answer
    ├── PackRefused        sender    a pack or release older, mixed or altered
    │   ├── NoRoom         receiver  the disk does not take it beside what it replaces
    │   └── StateDiffers   receiver  what is held is not what the release signs
    ├── NotForUs           carrier   sealed to a key we do not hold
    └── Revoked            sender    the centre withdrew this origin

Each class carries a stable `code`, who is to `blame` (sender, receiver, carrier, line), whether a
`retry` of the same bytes can succeed, and what a person does now in Chinese and English. `detail` is for
the log and names sizes, indexes and fields, never personal data.
"""

from __future__ import annotations

from typing import ClassVar, Final, Literal

import msgspec

Blame = Literal["sender", "receiver", "carrier", "line"]

UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding foreign JSON or MessagePack raises; a text that is no UTF-8 leaves msgspec as the second."""


class SyncError(Exception):
    """Root of the tree; `str()` is `code: detail`, safe to log."""

    code: ClassVar[str] = "sync"
    blame: ClassVar[Blame] = "sender"
    retry: ClassVar[bool] = False
    next_zh: ClassVar[str] = "请联系技术支持。"
    next_en: ClassVar[str] = "Call support."

    def __init__(self, detail: str = "") -> None:
        self.detail = detail
        super().__init__(f"{self.code}: {detail}")


class Malformed(SyncError):
    """Bytes that are not what they claim to be; nothing of them was used."""

    code = "malformed"
    next_zh = "文件或报文已损坏，请重新导出后再试。"
    next_en = "The file or message is damaged: export it again."


class LimitExceeded(SyncError):
    """Larger, deeper or more than allowed; refused before it was read whole."""

    code = "limit-exceeded"
    next_zh = "内容超出允许的大小，请分批发送，或核对发送方的软件版本。"
    next_en = "More than is allowed: send in parts, or check the sender's software version."


class BadSignature(SyncError):
    """A signature, seal or key that does not fit what it covers."""

    code = "bad-signature"
    next_zh = "签名不符，请勿采用；核对来源，必要时重新注册该节点。"
    next_en = "The signature does not fit: do not use it. Check the source; enrol the node again if needed."


class ClockApart(BadSignature):
    """A request signed more than ten minutes from the receiver's time; signed anew it may pass."""

    code = "clock-apart"
    blame = "line"
    retry = True
    next_zh = "两端时钟相差过大，系统会按中心时间重发；仍不成功请核对本机时钟。"
    next_en = "The clocks are apart: it is sent again in the centre's time. If that fails too, set the clock."


class UnknownOrigin(BadSignature):
    """A ledger the receiver never heard of, or forgot when it was restored from a backup."""

    code = "unknown-origin"
    blame = "receiver"
    next_zh = "中心不认识本节点（可能从备份恢复）。本机已出示证书，请致电中心安全管理员核对指纹并批准。"
    next_en = (
        "The centre does not know this node (restored?). It was shown our certificate: call the officer."
    )


class WrongDestination(SyncError):
    """A file addressed to another centre or node."""

    code = "wrong-destination"
    blame = "carrier"
    next_zh = "此数据包不是发给本处的，请交给收件方。"
    next_en = "This batch is addressed elsewhere: take it to its destination."


class WrongOrigin(SyncError):
    """A file of another ledger than the one it was offered for."""

    code = "wrong-origin"
    blame = "carrier"
    next_zh = "此文件属于另一节点，请取用本节点的文件。"
    next_en = "This file belongs to another node: take the one of this node."


class UnknownVersion(SyncError):
    """A format newer than this program; the same bytes work after an update."""

    code = "unknown-version"
    blame = "receiver"
    retry = True
    next_zh = "对方的软件较新，请先升级本机。"
    next_en = "The other side is newer: update this machine first."


class MissingDictionary(SyncError):
    """Frames compressed over a dictionary this program does not have: send them without."""

    code = "missing-dictionary"
    blame = "receiver"
    next_zh = "中心还没有这批数据所用的压缩字典，节点会自动改为不用字典重发；无需处理。"
    next_en = "The centre lacks this dictionary: the node sends the same again without one by itself."


class Gap(SyncError):
    """Entries are missing before these; `next` is the index to send from."""

    code = "gap"
    blame = "line"
    retry = True
    next_zh = "中间有条目未到，系统会自动补发。"
    next_en = "Entries in between have not arrived; they are sent again by themselves."

    def __init__(self, expected: int) -> None:
        self.next = expected
        super().__init__(f"next {expected}")


class Fork(SyncError):
    """Two histories at one `size`: kept as evidence, refused, alarmed."""

    code = "fork"
    next_zh = "同一台账出现两个版本：已停止接收并留存证据，请通知安全管理员。"
    next_en = "Two versions of one ledger: stopped, evidence kept. Tell the security administrator."

    def __init__(self, size: int) -> None:
        self.size = size
        super().__init__(f"size {size}")


class InconsistentProof(SyncError):
    """A proof that does not lead to the signed root."""

    code = "inconsistent-proof"
    next_zh = "证明与签名的台账不一致：未采用，请通知安全管理员。"
    next_en = "The proof does not match the signed ledger: not used. Tell the security administrator."


class LeaseRefused(SyncError):
    """The lease does not allow this answer; an exchange may bring a new one."""

    code = "lease-refused"
    blame = "receiver"
    retry = True
    next_zh = "离线授权已到期或用尽，请恢复网络或导入新的授权。"
    next_en = "The offline lease is used up: restore the line or import a new lease."


class PackRefused(SyncError):
    """A pack or release that is older than held, mixed, or altered."""

    code = "pack-refused"
    next_zh = "数据集版本过旧或不一致，未采用；请重新获取最新发布。"
    next_en = "The data set is older or mixed and was not used: fetch the newest release."


class NoRoom(PackRefused):
    """The disk does not take the data set of `scope` beside the old one: `lacking_bytes` are missing."""

    code = "no-room"
    blame = "receiver"
    retry = True
    next_zh = "请清理本机磁盘；腾出后下次交换自动再取，在此之前仍用已有的数据。"
    next_en = "Free space on this disk: the next exchange fetches it again; until then what is held is used."

    def __init__(self, scope: str, lacking_bytes: int) -> None:
        self.scope, self.lacking_bytes = scope, lacking_bytes
        super().__init__(f"{lacking_bytes} bytes are missing for {scope}")


class StateDiffers(PackRefused):
    """What a scope holds is not the signed state; only the buckets that differ are fetched again."""

    code = "state-differs"
    blame = "receiver"
    retry = True
    next_zh = "缓存与中心签名的数据不一致，不一致的部分已停用并会自动补取；无需处理。"
    next_en = "Cached data differ from what the centre signed: those parts are set aside and fetched again."


class NotForUs(SyncError):
    """Sealed to a key we do not hold."""

    code = "not-for-us"
    blame = "carrier"
    next_zh = "本机没有打开此文件的密钥，请交给收件方。"
    next_en = "This machine holds no key to it: take it to its destination."


class Revoked(SyncError):
    """The centre withdrew this origin."""

    code = "revoked"
    next_zh = "该节点已被中心吊销，请联系中心管理员。"
    next_en = "The centre has revoked this node: call the centre's administrator."
