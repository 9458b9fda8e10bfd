"""What the actions show.

Frozen structs for console pages, the API and the command line. No citizen's name or number.
"""

from typing import Literal

import msgspec

from central.actions.judged import (
    DayCount,
    DayNode,
    FindingRow,
    FindingState,
    Heat,
    HeatRow,
    Reconciliation,
    ReportRow,
    Verified,
)
from matters.model import Words

__all__ = [
    "AccessRow", "ActRow", "AdministratorRow", "CheckpointRow", "ContactRow", "CountRow", "DayCount",
    "DayNode", "DirectiveRow", "FindingRow", "FindingState", "Heat", "HeatRow", "LeaseRow",
    "LedgerCheck", "Neighbour", "NodeCreated", "NodeRow", "NodeState", "NodeView", "Paired", "Placed",
    "Proof", "Reconciliation", "RejectedRow", "ReleaseRow", "ReportRow", "StaffRow", "SubjectView",
    "Totals", "TrailPage", "TrailQuery", "Verified", "VerifyView",
]  # fmt: skip

NodeState = Literal["ok", "away", "silent", "revoked", "new"]
Paired = Literal["both", "disclosed only", "shown only", ""]


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """Where an entry stands on a ledger."""

    origin: str
    index: int
    leaf_hash: bytes


class NodeRow(msgspec.Struct, frozen=True, kw_only=True):
    """One node in the fleet list.

    Contact, data and health are three facts: `last_contact_ms`, `pending`, `findings`.

    `pending` is what the node itself said still waits (None: it never said). `lag` is what waited, hour by
    hour, the last 24 hours, newest last. `reason` says why the state is what it is.
    """

    node: str
    name: str
    kind: Literal["hall", "bus"]
    region: str
    origin: str
    last_contact_ms: int | None
    pending: int | None
    size: int
    countersigned: int
    state: NodeState
    reason: Words
    lease_not_after_ms: int | None
    findings: int
    lag: tuple[int, ...]


class CheckpointRow(msgspec.Struct, frozen=True, kw_only=True):
    """A checkpoint the centre countersigned."""

    size: int
    root: bytes
    signed_ms: int
    centre_index: int


class ReleaseRow(msgspec.Struct, frozen=True, kw_only=True):
    """A release a node is entitled to; `held` is the version the node said it has (None: never said)."""

    scope: str
    version: int
    held: int | None
    rows: int
    size: int
    created_ms: int
    as_of_ms: int


class DirectiveRow(msgspec.Struct, frozen=True, kw_only=True):
    """A letter to the node that it has not acknowledged; its content is sealed and not shown here."""

    number: int
    kind: str
    words: Words
    created_ms: int


class LeaseRow(msgspec.Struct, frozen=True, kw_only=True):
    """The newest lease of one capability."""

    capability: str
    scope: str
    not_before_ms: int
    not_after_ms: int


class CountRow(msgspec.Struct, frozen=True, kw_only=True):
    """How many entries of one kind the centre holds."""

    kind: str
    words: Words
    entries: int


class ContactRow(msgspec.Struct, frozen=True, kw_only=True):
    """One exchange: by line or courier, how many entries came, how many bytes, how long it took."""

    at_ms: int
    carrier: Literal["network", "courier"]
    entries: int
    bytes_up: int
    pending: int | None


class RejectedRow(msgspec.Struct, frozen=True, kw_only=True):
    """An entry kept as evidence whose effect was rejected."""

    origin: str
    index: int
    reason: str
    at_ms: int


class NodeView(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the centre knows of one node."""

    row: NodeRow
    route: tuple[str, ...]
    scopes: tuple[str, ...]
    window_ms: int
    certificate_not_after_ms: int | None
    signing_key: bytes
    code_open: bool
    releases: tuple[ReleaseRow, ...]
    leases: tuple[LeaseRow, ...]
    checkpoints: tuple[CheckpointRow, ...]
    entries: tuple[CountRow, ...]
    contacts: tuple[ContactRow, ...]
    statistics: tuple[tuple[str, str], ...]
    findings: tuple[FindingRow, ...]
    directives: tuple[DirectiveRow, ...]
    rejected: tuple[RejectedRow, ...]
    staff: tuple["StaffRow", ...]


class StaffRow(msgspec.Struct, frozen=True, kw_only=True):
    """A clerk of a hall as the centre knows them."""

    node: str
    staff: str
    name: str
    role: str
    permits: tuple[str, ...]
    valid: bool


class NodeCreated(msgspec.Struct, frozen=True, kw_only=True):
    """A new node and its one-time enrolment code, shown once."""

    node: str
    code: str
    expires_ms: int


class TrailQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What an auditor asks. With `subject_number` a `purpose` of at least 10 characters is required.

    Times bound when it happened (`occurred`), both inclusive; empty text or None means any. `before` pages
    on: the `next` of the page before.
    """

    subject_number: str | None = None
    actor: str = ""
    node: str = ""
    since_ms: int | None = None
    until_ms: int | None = None
    mode: str = ""
    outcome: str = ""
    purpose: str = ""
    before: str = ""
    limit: int = 200


class AccessRow(msgspec.Struct, frozen=True, kw_only=True):
    """One access.

    Who, about whom (a pseudonym), what, when it happened and when it arrived, why, how, and its proof.

    `subject` is the first 8 hex digits of the subject's pseudonym. `verified`: the entry is under a
    countersigned root, or only arrived, or its stored bytes no longer hash to its leaf. `paired`: an
    online answer stands on two ledgers. `visible`: the citizen sees it too.
    """

    origin: str
    index: int
    node: str
    node_name: str
    occurred_ms: int
    clock: int
    arrived_ms: int
    actor: str
    role: str
    window: str
    subject: str
    matter: str
    matter_words: Words
    object: str
    purpose: str
    basis: str
    relationship: str
    presence: str
    mode: str
    as_of_ms: int
    outcome: str
    outcome_words: Words
    kind: str
    verified: Verified
    leaf_hash: bytes
    paired: Paired
    report_serial: str
    visible: bool = True


class TrailPage(msgspec.Struct, frozen=True, kw_only=True):
    """The rows, newest first.

    The halls whose reads may still be missing; where this search itself is recorded.
    """

    rows: tuple[AccessRow, ...]
    unreported: tuple[NodeRow, ...]
    recorded: Placed
    next: str = ""


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """The evidence of one entry: its leaf, the way to a countersigned root, and that checkpoint.

    `holds` is the verdict of checking all of it again now. `neighbours` are the entries round it: (index,
    kind words, occurred_ms, leaf_hash).
    """

    origin: str
    index: int
    kind: str
    words: Words
    leaf: bytes
    leaf_hash: bytes
    hashes: tuple[bytes, ...]
    size: int
    root: bytes
    checkpoint: str
    countersigned_ms: int | None
    occurred_ms: int
    arrived_ms: int
    holds: bool
    reason: Words
    neighbours: tuple["Neighbour", ...]


class Neighbour(msgspec.Struct, frozen=True, kw_only=True):
    """An entry beside the one asked for."""

    index: int
    words: Words
    occurred_ms: int
    leaf_hash: bytes


class SubjectView(msgspec.Struct, frozen=True, kw_only=True):
    """Who saw this person: for the person, and for the auditor. `unreported` halls may still hold reads."""

    rows: tuple[AccessRow, ...]
    unreported: tuple[NodeRow, ...]
    as_of_ms: int


class AdministratorRow(msgspec.Struct, frozen=True, kw_only=True):
    """One of the three administrators and what the role may do."""

    name: str
    role: str
    words: Words
    must_change: bool
    signed_in_ms: int | None
    powers: tuple[Words, ...]


class ActRow(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the centre's own ledger about administrators or operation, in words."""

    index: int
    kind: str
    words: Words
    at_ms: int
    actor: str
    role: str
    object: str
    purpose: str
    outcome: str
    leaf_hash: bytes
    signed: bool


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """The figures above the fleet list."""

    nodes: int
    halls: int
    buses: int
    away: int
    silent: int
    pending: int
    findings: int


class LedgerCheck(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on one ledger: the first entry that does not hold (`broken_at`) and why, or None."""

    origin: str
    size: int
    root: str
    broken_at: int | None
    reason: Words | None = None


class VerifyView(msgspec.Struct, frozen=True, kw_only=True):
    """What the public page says about a report's QR text: genuine or not, and what has become of the report.

    `known`: the centre holds the report's entry (a genuine report of a hall that has not reported yet is
    not known).
    """

    genuine: bool
    known: bool
    words: Words
    serial: str = ""
    node_name: str = ""
    status: str = ""
    verdict: str = ""
    issued_ms: int | None = None
    as_of_ms: int | None = None
