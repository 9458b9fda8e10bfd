"""Two histories of one ledger: evidence that is kept, never a choice that is made."""

import hashlib
from typing import NoReturn

import msgspec

from central.actions.centre import Centre
from central.actions.findings import new_finding, raised
from central.store import effects, ledger
from central.store.reconciling import Finding
from matters.calendar import china_day
from matters.model import Words
from sync.errors import Fork
from sync.exchange.centre import ForkEvidence


async def keep(centre: Centre, fork: ForkEvidence, note: bytes) -> NoReturn:
    """Keep both notes, accept nothing more of this ledger, raise a finding; durable, then raises Fork."""
    async with centre.store.transaction() as tx:
        ours = await ledger.checkpoints(tx, fork.origin, 1)
        held = msgspec.msgpack.encode(
            {
                "theirs": note,
                "ours": ours[0].note if ours else b"",
                "size": fork.size,
                "our_hash": fork.ours,
                "their_hash": fork.theirs,
                "index": fork.index,
            }
        )
        digest = hashlib.sha256(note + fork.theirs).digest()
        reason = f"fork at size {fork.size}"
        await effects.add_evidence(tx, fork.origin, digest, "fork", centre.now_ms(), reason, held)
        await ledger.freeze(tx, fork.origin, reason)
        await raised(centre, tx, _fork_finding(centre, fork))
    raise Fork(fork.size)


def _fork_finding(centre: Centre, fork: ForkEvidence) -> Finding:
    zh = f"台账在第 {fork.size} 条处出现两个版本，已停收并留存证据"
    return new_finding(
        centre,
        fork.origin,
        day=china_day(centre.now_ms()).isoformat(),
        code="fork",
        about=f"size {fork.size}",
        words=Words(zh=zh, en=f"two versions of the ledger at {fork.size}; stopped, evidence kept"),
        owner="centre",
    )
