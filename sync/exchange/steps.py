"""What an exchange asks of whoever runs it: values, carried out in the order given.

Each step says when its effect must be durable. A step that fails ends the round; the next round starts
again from what is durable, and every step may be repeated without harm.
"""

from typing import Literal

import msgspec

from sync.batch.acknowledge import Directive
from sync.exchange.succession import Succeeded
from sync.lease.lease import Lease
from sync.packs.release import PackRef, Release

Outcome = Literal["level", "progress", "levelling", "stale", "refused", "failed"]
"""Level: all is countersigned. Progress: accepted, not all. Levelling: the centre takes entries and signs
nothing yet. Stale: an old file. Else nothing changed.
"""


class SendBatch(msgspec.Struct, frozen=True, kw_only=True):
    """Give these bytes to the centre and its reply to `received` (or the trouble to `failed`).

    The centre keeps the first `held` of them from a line that was cut: only the rest need travel.
    """

    data: bytes
    start: int
    end: int
    held: int = 0


class StoreAcknowledgement(msgspec.Struct, frozen=True, kw_only=True):
    """The centre countersigned our ledger at `size`: store, anchor, and only then prune or resume answering.

    `verified_note` carries both signatures; every check of rule 4.4 has passed.
    """

    size: int
    root: bytes
    verified_note: bytes


class NoteCentre(msgspec.Struct, frozen=True, kw_only=True):
    """The centre's own ledger as now seen; store `checkpoint` (cosigned by us) to send it back next time.

    `centre_time_ms` is a trusted time for the clock; `window_ms` the fail-closed window in force (0:
    unchanged). `next` is where the centre wants us to continue: progress, not an acknowledgement.

    `succeeded`: its ledger began anew. In the same transaction keep our last note of the old one for ever,
    and write an entry `centre.succeeded` that carries what we saw to the centre and to every auditor.
    """

    checkpoint: bytes
    size: int
    root: bytes
    centre_time_ms: int
    window_ms: int
    next: int
    origin: str
    succeeded: Succeeded | None = None


class NoteLevelling(msgspec.Struct, frozen=True, kw_only=True):
    """The centre is restored and signs nothing yet; store where it wants us to go on, say so on screens."""

    next: int


class RenewCertificate(msgspec.Struct, frozen=True, kw_only=True):
    """A new certificate for the same origin and keys; store it."""

    certificate: bytes


class OpenLease(msgspec.Struct, frozen=True, kw_only=True):
    """A lease for us, verified; store `signed` durably before answering under it."""

    lease: Lease
    signed: bytes


class Deliver(msgspec.Struct, frozen=True, kw_only=True):
    """Obey these in order; raise `directive_seen` in the same transaction as each effect."""

    directives: tuple[Directive, ...]


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """Entries the centre keeps as evidence but whose effect it refused: (index, reason). Show them."""

    rejections: tuple[tuple[int, str], ...]


class FetchPack(msgspec.Struct, frozen=True, kw_only=True):
    """Bring this pack (by network, relay or stick) and keep it until the release that follows is applied.

    `lane` (protocol section 5) says what it waits for: records keep to the day's budget of the line.
    """

    scope: str
    pack: PackRef
    lane: int


class ApplyRelease(msgspec.Struct, frozen=True, kw_only=True):
    """Apply `packs` in order, compare the state root, raise the scope's version: in ONE step or not at all.

    `content_key` opens the packs (empty: the key already held). A base pack replaces the whole scope; a
    withdrawn release destroys it with its keys.
    """

    release: Release
    signed: bytes
    packs: tuple[PackRef, ...]
    content_key: bytes


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """Something was refused. `code` has its words in `sync.exchange.alarms`; `detail` is safe to log.

    `grave` means evidence of a rollback, fork or forgery: stop sensitive answers and tell the manager.
    Others are a wrong stick or a damaged file: say so, go on.
    """

    code: str
    detail: str
    grave: bool


class Finished(msgspec.Struct, frozen=True, kw_only=True):
    """The round is over. `sent` entries, `left` still to send, `outcome` for the line page."""

    outcome: Outcome
    sent: int
    left: int
    detail: str = ""


Step = (
    SendBatch
    | StoreAcknowledgement
    | NoteCentre
    | NoteLevelling
    | RenewCertificate
    | OpenLease
    | Deliver
    | Rejected
    | FetchPack
    | ApplyRelease
    | Alarm
    | Finished
)
