"""A new incarnation: why a history had to end, what is asked, and what its first entry must say (protocol 1).

Both sides read the same table of reasons, so no node can name one that needs fewer officers than the centre
thinks.
"""

import base64
import hashlib
from collections.abc import Mapping
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
RESTORED = Reason(code="centre-restored", words=("中心从备份恢复", "the centre was restored"), officers=2)
"""Why the centre's own ledger ends."""
FORGOTTEN = Reason(code="forgotten", words=("中心恢复后不认识", "forgotten by a restore"), officers=1)
"""Why a node that the centre certified asks to be known again."""
GENERATION = 1_000_000
"""What the centre numbers for nodes (letters, releases) begins above a multiple of this in each incarnation
of its own ledger: a restored centre cannot know which numbers were used, and no life ever reaches so far.
"""

_BY_CODE = {row.code: row for row in (*REASONS, RESTORED, FORGOTTEN)}


OPEN_MAX = 1000
"""Open works a claim names at most."""


class OpenWork(msgspec.Struct, frozen=True, kw_only=True):
    """A case or report that waits for a letter: its number, and its entry's index and hash (hex)."""

    about: str
    index: int
    leaf_hash: str


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """What the asking node says of its old ledger: entries it has, and how far it had come.

    `size` and `root` are what its database holds now (0 and empty after the loss of a disk), `anchored` the
    size of the anchor kept outside the database, `countersigned` the newest size the centre acknowledged to
    it. `open` is work that waits for a letter, which may have been read in a part of its life it forgot.
    """

    size: int = 0
    root: str = ""
    anchored: int = 0
    countersigned: int = 0
    open: tuple[OpenWork, ...] = ()


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


class CentreOpening(msgspec.Struct, frozen=True, kw_only=True):
    """What the first entry of a new incarnation of the centre's own ledger says.

    `size` and `root` are where `old_origin` stood when it ended. `witnessed` are checkpoints (incarnation,
    size, root) that were signed and are no part of what stood: nodes showed them, or the anchor. `lost`
    entries are known to be gone.
    """

    old_origin: str
    size: int
    root: bytes
    witnessed: tuple[tuple[int, int, bytes], ...]
    reason: str
    approved_by: tuple[str, ...]
    lost: int

    def detail(self) -> dict[str, DetailValue]:
        """The detail fields of the entry."""
        return {
            "old_origin": self.old_origin,
            "size": self.size,
            "root": self.root,
            "witnessed": ",".join(f"{number}:{size}:{root.hex()}" for number, size, root in self.witnessed),
            "reason": self.reason,
            "approved_by": ",".join(self.approved_by),
            "lost": self.lost,
        }


def centre_opening(said: Mapping[str, Any]) -> CentreOpening:
    """The opening in the fields of an entry's detail; raises Malformed."""
    try:
        named = [one.split(":") for one in str(said["witnessed"]).split(",") if one]
        return msgspec.convert(
            {
                **{name: said[name] for name in ("old_origin", "size", "root", "reason", "lost")},
                "witnessed": [(int(number), int(size), bytes.fromhex(root)) for number, size, root in named],
                "approved_by": [one for one in str(said["approved_by"]).split(",") if one],
            },
            CentreOpening,
        )
    except (KeyError, ValueError, msgspec.ValidationError) as error:
        raise Malformed("not the opening of a centre's ledger") from error


def floor(incarnation: int) -> int:
    """Above this the centre numbers letters and releases in that incarnation of its own ledger."""
    return (incarnation - 1) * GENERATION


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
