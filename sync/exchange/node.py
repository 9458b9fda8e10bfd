"""One exchange as a node sees it: values in, steps out; no I/O, no clock, no waiting.

Used unchanged over HTTP, with files on a stick, and in the simulation. Protocol section 4 from the
node's side:

    1  begin      offer the checkpoint with a consistency proof from where we continue, and the entries
    after it 2  received   progress or need(next): continue from there, as often as rounds allow
    3  received   a countersignature: StoreAcknowledgement, then everything else the centre sent along
    4  accept     nothing of a reply counts before all of rule 4.4 holds (`sync.exchange.acceptance`)

A reply that is not accepted gives an Alarm and ends the round; the next round starts from what is durable.
"""

from collections.abc import Iterator

import msgspec

from sync.batch.acknowledge import Acknowledgement, Directive, decode
from sync.batch.file import Planned, open_sealed, plan_up, write_up
from sync.batch.header import PACKAGE, PLAIN, SLIM, Header, PublicKeyOf
from sync.errors import Gap, SyncError
from sync.exchange.acceptance import Accepted, Levelling, NotAccepted, accept
from sync.exchange.standing import Standing, batch_id
from sync.exchange.steps import (
    Alarm,
    ApplyRelease,
    Deliver,
    FetchPack,
    Finished,
    NoteCentre,
    NoteLevelling,
    OpenLease,
    Outcome,
    Rejected,
    RenewCertificate,
    SendBatch,
    Step,
    StoreAcknowledgement,
)
from sync.exchange.view import CentreSeen, NodeView
from sync.lease.lease import open_lease
from sync.messages.directives import objection, unread, urgent
from sync.packs.release import Release, open_release, plan
from sync.signing.certificate import open_certificate
from sync.signing.keys import SealingKey
from sync.signing.notes import cosign

__all__ = ["CentreSeen", "NodeExchange", "NodeView", "Step", "export", "open_reply"]

BATCH_ENTRIES = 4096
"""Entries offered at a time over a line: small enough that a cut line loses little."""
FIRST_ENTRIES = 1024
"""Entries in the first batch where several follow: the centre has work while the second is packed."""
FRAME_ENTRIES_MIN = 32
"""Smaller frames cost more than the cuts they are for: of 32 entries a third more than of 256."""
ROUNDS_MAX = 256
"""Batches in one exchange; the next exchange continues."""
GRAVE_REFUSALS = frozenset({"fork", "revoked", "inconsistent-proof"})
"""Refusals of the centre after which the node must stop sensitive answers and call for help."""
OTHER_FORM = frozenset({"unknown-version", "missing-dictionary"})
"""Refusals of a batch's form: the round goes on in the oldest one."""
REVOCATIONS, STAFF, RECORDS = 0, 1, 4
"""Lanes of what comes down (protocol section 5). Records wait until the uplink is done."""


class NodeExchange:
    """One round of exchange. Call `begin`, carry out the steps, give each reply to `received`.

    While a reply is awaited `ahead` packs what most likely follows, so that both ends work at once; it may
    be left out. For a file from a stick call `received` alone. Nothing raises SyncError: trouble comes back
    as Alarm and Finished.
    """

    def __init__(
        self, view: NodeView, *, batch_entries: int = BATCH_ENTRIES, rounds: int = ROUNDS_MAX
    ) -> None:
        self._view = view
        self._rounds_left = rounds
        self.batch_entries = batch_entries
        """Entries offered at a time; whoever carries the batches may set what the line carries."""
        self._now_ms = 0
        self._target: int | None = None
        self._start = self._end = 0
        self._planned: Planned | None = None
        self._sent = 0
        self._version = SLIM
        self._seen: bytes | None = None

    def begin(
        self, now_ms: int, *, standing: Standing | None = None, cut: SendBatch | None = None
    ) -> list[Step]:
        """Step 1: the first batch; also with no news, as the timer's offer of the checkpoint.

        `cut` is the batch under way when a former round failed, `standing` what the centre says since: the
        rest of that batch follows where the centre keeps its beginning, else entries from where it stands.
        """
        view = self._view
        self._now_ms = now_ms
        self._target = view.checkpoint().size
        if standing and cut and standing.held < len(cut.data) and standing.batch_id == batch_id(cut.data):
            self._start, self._end = cut.start, cut.end
            self._rounds_left -= 1
            return [msgspec.structs.replace(cut, held=standing.held)]
        start = _start(view, self._target)
        if standing and standing.next <= self._target:
            start = standing.next
        many = self._target - start > self.batch_entries
        return self._send(start, min(self.batch_entries, FIRST_ENTRIES) if many else self.batch_entries)

    def ahead(self) -> None:
        """Read and pack the entries after the batch just sent; no step comes of it, nothing is promised.

        Call it at most once for a SendBatch, on any thread, before `received` or `failed`. What is packed
        is used when the centre asks for exactly that; trouble is told then.
        """
        if self._target is None or not self._end < self._target or self._rounds_left <= 0:
            return
        try:
            self._planned = self._plan(self._end, self.batch_entries)
        except SyncError:
            self._planned = None

    def received(self, reply: bytes) -> list[Step]:
        """Steps 2 to 4 for the centre's reply."""
        view = self._view
        try:
            keys = {view.centre.origin: view.centre.signing}
            header, ack = open_reply(reply, view.sealing_key, keys.get, view.origin)
        except SyncError as error:
            return [
                Alarm(code=error.code, detail=error.detail, grave=False),
                self._finished("refused", error.code),
            ]
        return self.heard(header, ack)

    def heard(self, header: Header, ack: Acknowledgement) -> list[Step]:
        """Steps 2 to 4 for a reply or an acknowledgement file that `open_reply` opened."""
        view = self._view
        accepted = accept(header, ack, view)
        if isinstance(accepted, NotAccepted):
            alarm = Alarm(code=accepted.reason, detail=accepted.detail, grave=accepted.grave)
            outcome: Outcome = "stale" if accepted.reason == "stale" else "refused"
            return [alarm, self._finished(outcome, accepted.reason)]
        if isinstance(accepted, Levelling):
            return self._levelling(ack)
        # The next batch leaves after the NoteCentre step of this one: it signs the newer checkpoint back.
        self._seen = cosign(ack.centre_checkpoint, view.origin, view.signing_key)
        return [
            *_store(ack, accepted, self._seen),
            *_news(ack, view),
            *self._onward(ack, accepted),
        ]

    def failed(self, reason: str, code: str = "") -> list[Step]:
        """The line failed, or the centre refused with `code`; the timer tries again, for ever (P8).

        A centre too old for the slim form of a batch gets the same entries in the plain one at once.
        """
        if code in OTHER_FORM and self._version == SLIM:
            self._version, self._planned = PLAIN, None
            return self._send(self._start, self._end - self._start)
        if not code:
            return [self._finished("failed", reason)]
        return [
            Alarm(code=code, detail=reason, grave=code in GRAVE_REFUSALS),
            self._finished("refused", code),
        ]

    def _send(self, start: int, entries: int) -> list[Step]:
        planned, self._planned = self._planned, None
        try:
            if planned is None or planned.start != start:
                planned = self._plan(start, entries)
            data = b"".join(write_up(self._view, planned, self._now_ms, self._seen))
        except SyncError as error:
            # Our own ledger does not add up: never send it as evidence, never stop trying, call for help.
            # Only entries that were countersigned and pruned may be missing: then the centre lost them.
            alarm = Alarm(code=error.code, detail=error.detail, grave=not isinstance(error, Gap))
            return [alarm, self._finished("failed", error.code)]
        self._start, self._end = start, planned.end
        self._rounds_left -= 1
        return [SendBatch(data=data, start=start, end=planned.end)]

    def _plan(self, start: int, entries: int) -> Planned:
        """The batch of about `entries` from `start` on; it ends with a whole frame where more will follow."""
        assert self._target is not None
        end, frame = min(self._target, start + entries), frame_entries(self.batch_entries)
        rest = end % frame
        if rest < end - start and end < self._target:
            end -= rest
        return plan_up(self._view, start, end, version=self._version, frame_entries=frame)

    def _onward(self, ack: Acknowledgement, accepted: Accepted) -> list[Step]:
        """Step 2: the next batch while the centre makes progress, else lane 4 and the end of the round."""
        late = _downloads(ack, self._view, RECORDS)
        if self._target is None:
            return [*late, self._finished("progress")]
        self._sent += max(0, min(ack.next, self._target) - self._start)
        if self._moves(ack):
            return self._send(ack.next, self.batch_entries)
        head = accepted.countersigned
        reached = max(head.size if head else 0, self._view.acknowledged()[0])
        return [*late, self._finished("level" if reached >= self._target else "progress", reached=reached)]

    def _levelling(self, ack: Acknowledgement) -> list[Step]:
        """A restored centre wants its copy back and signs nothing yet; leases go on, so that the hall can."""
        alarm = Alarm(code="centre-levelling", detail=f"centre continues at {ack.next}", grave=False)
        steps = [
            NoteLevelling(next=ack.next),
            alarm,
            *_certificate(ack, self._view),
            *_leases(ack, self._view),
        ]
        if self._target is not None and self._moves(ack):
            return [*steps, *self._send(ack.next, self.batch_entries)]
        return [*steps, self._finished("levelling")]

    def _moves(self, ack: Acknowledgement) -> bool:
        """Whether the centre asks for more than the batch just sent, within what this round may send."""
        assert self._target is not None
        return ack.next != self._start and ack.next < self._target and self._rounds_left > 0

    def _finished(self, outcome: Outcome, detail: str = "", reached: int | None = None) -> Finished:
        return Finished(outcome=outcome, sent=self._sent, left=self._left(reached), detail=detail)

    def _left(self, reached: int | None = None) -> int:
        return self._view.checkpoint().size - (self._view.acknowledged()[0] if reached is None else reached)


def frame_entries(batch_entries: int) -> int:
    """Entries in a frame: a quarter of a batch, that is two or three seconds of a line that is paced.

    So a cut leaves most of a batch behind even where nobody keeps its bytes. A power of two from 32 to 256.
    """
    quarter = max(FRAME_ENTRIES_MIN, min(PACKAGE, batch_entries // 4))
    return 1 << (quarter.bit_length() - 1)


def open_reply(
    reply: bytes, key: SealingKey, public_of: PublicKeyOf, destination: str
) -> tuple[Header, Acknowledgement]:
    """The centre's signed words to `destination`, who holds `key`. Raises SyncError for what is not that."""
    header, payload = open_sealed(reply, key, public_of, kind="acknowledge", destination=destination)
    return header, decode(payload, header.origin)


def export(view: NodeView, now_ms: int, *, budget_bytes: int) -> Iterator[SendBatch]:
    """Everything not yet acknowledged, as files for a stick; at least one, so that the checkpoint travels.

    Moves no cursor: import the acknowledgement with `received`. Raises SyncError where the ledger does
    not add up.
    """
    end = view.checkpoint().size
    start = min(_start(view, end), view.acknowledged()[0])
    more = True
    while more:
        planned = plan_up(view, start, end, budget_bytes)
        yield SendBatch(data=b"".join(write_up(view, planned, now_ms)), start=start, end=planned.end)
        start, more = planned.end, start < planned.end < end


def _start(view: NodeView, size: int) -> int:
    """Where the centre said it is, before or after the last countersignature; nothing is believed of it.

    Thin lines resume there, and a restored centre gets again what it lost.
    """
    last = view.last_centre()
    return last.next if last.time_ms and last.next <= size else view.acknowledged()[0]


def _store(ack: Acknowledgement, accepted: Accepted, cosigned: bytes) -> list[Step]:
    """Step 3: what must be durable first."""
    centre, head = accepted.centre, accepted.countersigned
    steps: list[Step] = [
        NoteCentre(
            checkpoint=cosigned,
            size=centre.size,
            root=centre.root,
            centre_time_ms=ack.centre_time_ms,
            window_ms=ack.window_ms,
            next=ack.next,
            origin=centre.origin,
            succeeded=accepted.succeeded,
        )
    ]
    if accepted.succeeded is not None:
        doubt = accepted.succeeded.doubt
        code = "centre-admits-less" if doubt else "centre-anew"
        steps.append(Alarm(code=code, detail=doubt or centre.origin, grave=False))
    if head is not None:
        steps.append(StoreAcknowledgement(size=head.size, root=head.root, verified_note=ack.note))
    return steps


def _news(ack: Acknowledgement, view: NodeView) -> list[Step]:
    """Lanes 0 to 2, each in force before anything of a later one is fetched (protocol section 5).

    0: scopes withdrawn, and the letters up to the last urgent one (the mailbox keeps its order);
    1: certificate, staff and catalogue; 2: leases, rejected effects, the other letters.
    """
    letters = unread(view.directive_seen(), ack.directives)
    steps: list[Step] = []
    acknowledged = view.acknowledged()[0]
    if ack.next < acknowledged:
        # The centre was restored from a backup: it gets everything again before it countersigns more.
        detail = f"centre continues at {ack.next}, it countersigned {acknowledged}"
        steps.append(Alarm(code="centre-behind", detail=detail, grave=False))
    doubts = [reason for one in letters if (reason := objection(one))]
    steps += [Alarm(code="directive", detail=reason, grave=False) for reason in doubts]
    first = urgent(letters)
    steps += [*_downloads(ack, view, REVOCATIONS), *_delivered(letters[:first])]
    steps += [*_certificate(ack, view), *_downloads(ack, view, STAFF), *_leases(ack, view)]
    if ack.rejected:
        steps.append(Rejected(rejections=ack.rejected))
    return [*steps, *_delivered(letters[first:])]


def _delivered(letters: tuple[Directive, ...]) -> list[Step]:
    return [Deliver(directives=letters)] if letters else []


def _certificate(ack: Acknowledgement, view: NodeView) -> list[Step]:
    if not ack.certificate:
        return []
    try:
        certificate = open_certificate(ack.certificate, view.centre.signing)
    except SyncError as error:
        return [Alarm(code=error.code, detail=f"certificate: {error.detail}", grave=False)]
    keys = (certificate.signing, certificate.sealing)
    if certificate.origin != view.origin or keys != (view.signing_key.public, view.sealing_key.public):
        return [Alarm(code="wrong-origin", detail="certificate of other keys", grave=False)]
    return [RenewCertificate(certificate=ack.certificate)]


def _leases(ack: Acknowledgement, view: NodeView) -> list[Step]:
    steps: list[Step] = []
    for signed in ack.leases:
        try:
            lease = open_lease(signed, view.centre.signing)
        except SyncError as error:
            steps.append(Alarm(code=error.code, detail=f"lease: {error.detail}", grave=False))
            continue
        if lease.origin == view.origin:
            steps.append(OpenLease(lease=lease, signed=signed))
        else:
            steps.append(Alarm(code="wrong-origin", detail=f"lease of {lease.origin}", grave=False))
    return steps


def _downloads(ack: Acknowledgement, view: NodeView, lane: int) -> list[Step]:
    """What a lane fetches and applies; an older or mixed release is refused with an alarm."""
    held = {wish.scope: wish.version for wish in view.wishes()}
    steps: list[Step] = []
    for signed in ack.releases:
        try:
            release = open_release(signed, view.centre.signing)
            if _lane(release) == lane:
                steps += _apply(release, signed, held.get(release.scope, 0), ack)
        except SyncError as error:
            steps.append(Alarm(code=error.code, detail=f"release: {error.detail}", grave=False))
    return steps


def _lane(release: Release) -> int:
    if release.withdrawn:
        return REVOCATIONS
    return RECORDS if release.data_class == "detail" else STAFF


def _apply(release: Release, signed: bytes, held: int, ack: Acknowledgement) -> list[Step]:
    packs = plan(release, held)
    if not packs and not (release.withdrawn and held):
        return []
    key = ack.scope_keys.get(release.scope, b"")
    fetches = [FetchPack(scope=release.scope, pack=pack, lane=_lane(release)) for pack in packs]
    return [*fetches, ApplyRelease(release=release, signed=signed, packs=tuple(packs), content_key=key)]
