"""A new incarnation: why a history had to end, what is asked, and what its first entry must say (protocol 1).

Both sides read the same table of reasons, so no node can name one that needs fewer officers than the centre
thinks.
"""

import base64
import hashlib
from typing import Any

import msgspec

from sync.errors import Malformed
from sync.messages.registry import DetailValue

KIND = "incarnation.opened"


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Why a history ends. `officers`: how many must approve."""

    code: str
    words: tuple[str, str]
    officers: int


REASONS: tuple[Reason, ...] = (
    Reason(code="rollback", words=("数据被回退", "rolled back"), officers=2),
    Reason(code="clone", words=("节点被克隆", "cloned"), officers=2),
    Reason(code="disk-lost", words=("磁盘损毁", "disk lost"), officers=1),
    Reason(code="key-compromised", words=("密钥泄露", "key compromised"), officers=1),
    Reason(code="planned", words=("计划更换", "planned replacement"), officers=1),
)

_BY_CODE = {row.code: row for row in REASONS}


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """What the asking node says of its old ledger: entries it has, and how far it had come.

    `size` and `root` are what its database holds now (0 and empty after the loss of a disk), `anchored` the
    size of the anchor kept outside the database, `countersigned` the newest size the centre acknowledged to
    it.
    """

    size: int = 0
    root: str = ""
    anchored: int = 0
    countersigned: int = 0


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """What the first entry of a new incarnation says; made by the centre from what the officers approved.

    `countersigned` and `root` (hex) are the last checkpoint of `old_origin` the centre countersigned (0 and
    empty: none). `approved_by` are the officers in the order they approved. `lost` is how many entries are
    known to be lost: they existed and neither side has them.
    """

    old_origin: str
    countersigned: int
    root: str
    reason: str
    approved_by: tuple[str, ...]
    lost: int


def reason(code: str) -> Reason:
    """The row of a reason. Raises Malformed for one that is not in the table."""
    row = _BY_CODE.get(code)
    if row is None:
        raise Malformed(f"no reason for a new incarnation: {code[:40]!r}")
    return row


def known_lost(claim: Claim, held: int, told: int) -> int:
    """Entries known to be lost: those that existed (by anchor or by what the centre was told) and nobody has.

    `held` is what the centre stores of the old ledger, `told` the largest size it was ever told of. A lower
    bound: what left no trace cannot be counted.
    """
    return max(0, max(claim.anchored, told) - max(claim.size, held))


def detail(opening: Opening, carried: int) -> dict[str, DetailValue]:
    """The detail fields of the first entry; `carried` is how many entries follow it from the old ledger."""
    return {
        "old_origin": opening.old_origin,
        "countersigned": opening.countersigned,
        "root": opening.root,
        "reason": opening.reason,
        "approved_by": ",".join(opening.approved_by),
        "lost": opening.lost,
        "carried": carried,
    }


def differs(opening: Opening, said: dict[str, Any]) -> str:
    """The name of the first field in which an entry says other than what was approved; empty when none does.

    How many are carried is the node's own count.
    """
    wanted = detail(opening, 0)
    return next((name for name in wanted if name != "carried" and said.get(name) != wanted[name]), "")


def fingerprint(signing: bytes, sealing: bytes) -> str:
    """The new keys as two people compare them by eye or over the phone: `ABCD-EFGH-IJKL-MNOP`."""
    digest = hashlib.sha256(b"yizhan/new-keys/1" + signing + sealing).digest()
    text = base64.b32encode(digest[:10]).decode()
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))
