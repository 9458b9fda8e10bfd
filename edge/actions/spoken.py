"""A lease taken down over the phone or scanned (protocol 6): heard, judged, opened; or why not, in words."""

import contextlib

import msgspec

from edge.actions import leases
from edge.actions.node import Node
from edge.actions.views import LeaseStatus
from edge.errors import Refused
from edge.store.transaction import Transaction
from matters.model import Words
from sync.errors import LeaseRefused, Malformed, SyncError
from sync.lease import spoken
from sync.lease.lease import LIVE, Lease, judge
from sync.lease.spoken import Spoken

SPENT = "spoken_spent"
"""The fact: of which origin, and the counter of its last code."""
POLICY = 1
"""The version of the rules such leases are under, as at the centre."""


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What a code brought: the leases it opened, and all as they are now."""

    opened: int
    leases: tuple[LeaseStatus, ...]


async def take(node: Node, text: str) -> Heard:
    """Open the leases of a code; durable, entries of the ledger, and the code is spent when this returns.

    Raises Refused, naming the groups that were misheard, for a code that is not whole, not this node's, used
    or over, and where it would shorten what is held; then nothing was changed and the code is not spent.
    """
    node.never_in_training()
    digits = spoken.digits_of(text)
    _whole(digits)
    opened = await node.store.transact(lambda tx: _take(tx, node, digits))
    await leases.shred_expired(node)
    node.events.publish("status")
    return Heard(opened=opened, leases=await leases.view(node))


def _whole(digits: str) -> None:
    try:
        wrong = spoken.wrong_groups(digits)
    except Malformed as error:
        message = Words(
            zh=f"授权码应为 {spoken.DIGITS} 位数字，现有 {len(digits)} 位。",
            en=f"The code has {spoken.DIGITS} digits; these are {len(digits)}.",
        )
        raise Refused(error.detail, message=message, step=_AGAIN) from error
    if wrong:
        which = "、".join(str(place) for place in wrong)
        message = Words(
            zh=f"第 {which} 组有误，其余各组无误。",
            en=f"Group {', '.join(map(str, wrong))} is wrong, the others are right.",
        )
        raise Refused("a group is wrong", message=message, step=_THOSE)


def _take(tx: Transaction, node: Node, digits: str) -> int:
    scopes = _scopes(tx, node)
    heard = _heard(node, digits, scopes)
    own, interval = node.identity, node.store.clock.interval()
    origin, spent = tx.noted(SPENT) or (own.origin, 0)
    if origin == own.origin and heard.counter <= spent:
        raise Refused("a used code", message=_USED, step=_NEW)
    granted = heard.leases(own.origin, scopes, POLICY)
    stands = judge(granted[0], 0, 0, interval, own.origin)
    if stands not in LIVE:
        raise Refused(stands, message=_EARLY if stands == "lease-not-yet" else _OVER, step=_NEW)
    held = {
        (state.lease.scope, state.lease.capability): state.lease.not_after_ms
        for state in leases.open_states(tx, own)
        if judge(state.lease, state.used_answers, state.boots, interval, own.origin) in LIVE
    }
    longer = [one for one in granted if one.not_after_ms > held.get((one.scope, one.capability), 0)]
    if not longer:
        raise Refused("nothing to extend", message=_LONGER_HELD, step=_NOTHING)
    for lease in longer:
        leases.take(tx, lease, leases.keep_spoken(digits, scopes, lease))
    tx.note(SPENT, (own.origin, heard.counter))
    return len(longer)


def _heard(node: Node, digits: str, scopes: tuple[str, ...]) -> Spoken:
    own = node.identity
    try:
        return spoken.hear(
            digits, spoken.key_of(own.sealing, own.centre.sealing, own.origin), own.origin, scopes
        )
    except LeaseRefused as error:
        raise Refused(error.detail, message=_LATER, step=_NEW) from error
    except SyncError as error:
        raise Refused(error.detail, message=_NOT_OURS, step=_WHICH) from error


def _scopes(tx: Transaction, node: Node) -> tuple[str, ...]:
    """The regions of the newest leases the centre signed for us: those a code is bound to."""
    found: list[Lease] = []
    for (kept,) in tx.query("SELECT signed FROM lease"):
        with contextlib.suppress(SyncError):  # of an older incarnation that was read over the phone
            found.append(leases.word_of(kept, node.identity))
    found = [lease for lease in found if lease.origin == node.identity.origin]
    newest = max((lease.not_before_ms for lease in found), default=0)
    return tuple(sorted({lease.scope for lease in found if lease.not_before_ms == newest}))


_AGAIN = Words(
    zh="请从头核对：8 组，每组 6 位。未作任何改动。",
    en="Compare from the start: 8 groups of 6. Nothing was changed.",
)
_THOSE = Words(
    zh="请只就这些组与中心重新核对，改正后再提交。", en="Have just these groups read again, and submit."
)
_USED = Words(zh="这个授权码已经用过，或已有更新的授权码用过。", en="This code was used, or a newer one was.")
_NEW = Words(
    zh="请中心重新生成一个授权码，或联网、用介质交换一次。",
    en="Have the centre make a new code, or exchange once by line or stick.",
)
_OVER = Words(zh="这个授权码已过期。", en="This code is over.")
_EARLY = Words(
    zh="本机时钟早于授权码的签发时间。", en="This machine's clock is before the time the code was made."
)
_LATER = Words(
    zh="授权码是更新版本的格式，本机不认识。", en="The code is of a later version than this program."
)
_NOT_OURS = Words(
    zh="各组校验无误，但这不是给本节点这一代的授权码。",
    en="Every group is right, but this code is not for this node and incarnation.",
)
_WHICH = Words(
    zh="请与中心核对节点编号；若本站服务范围刚有调整，请联网或用介质交换一次。",
    en="Compare the node's id with the centre; if its regions just changed, exchange once by line or stick.",
)
_LONGER_HELD = Words(
    zh="现有离线授权比授权码更长，未作改动，授权码仍可用。",
    en="What is held lasts longer than the code; nothing was changed and the code is still good.",
)
_NOTHING = Words(zh="无需再做什么。", en="There is nothing to do.")
