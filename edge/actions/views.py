"""What the actions hand to pages, API and command line: values only, no store rows, no devices."""

from datetime import date
from typing import Any, Literal

import msgspec

from edge.hall.hall import DeviceStatus
from edge.store.draft import Placed
from edge.uplink.meter import LaneStatus, LinkStatus
from matters.groups import Group
from matters.model import Letter, Material, Party, Refusal, Words
from matters.quota import QuotaVerdict
from matters.records import SubjectRecord

JobState = Literal[
    "asked", "queued", "sent", "device-confirmed", "clerk-confirmed", "handed-over", "spoiled", "failed"
]


class CardRead(msgspec.Struct, frozen=True, kw_only=True):
    """A card just read, kept in the node's memory for a few minutes.

    `refusal` when it may not be used (expired).
    """

    read_id: str
    name: str
    number: str
    number_masked: str
    sex: str
    nation: str
    birth: date | None
    address: str
    valid_from: date | None
    valid_to: date | None
    read_ms: int
    window: str = ""
    record: str = "citizen"
    refusal: Refusal | None = None

    def __repr__(self) -> str:
        """Names the read only: a card must not reach a log by accident."""
        return f"CardRead(read_id={self.read_id!r})"


class ChipRead(msgspec.Struct, frozen=True, kw_only=True):
    """What a chip card fills into a form, in the node's memory for a few minutes; it proves no presence.

    `name` and `number` are empty where nothing may be taken; `words` say what was taken and what is still
    needed, or that its holder must type the PIN (`wants_pin`) at `device`.
    """

    read_id: str
    device: str
    kind: Literal["social_card", "organisation_card"]
    window: str
    name: str
    number: str
    number_masked: str
    read_ms: int
    words: Words
    wants_pin: bool = False

    def __repr__(self) -> str:
        """Names the kind only: a card must not reach a log by accident."""
        return f"ChipRead(kind={self.kind!r})"


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """One query as filled in at the window, before anything was judged.

    `account` is a registered platform user, for information that is open by law.
    """

    matter: str
    read_id: str | None = None
    subject: Party | None = None
    requester: Party | None = None
    agent: Party | None = None
    materials: tuple[Material, ...] = ()
    letter: Letter | None = None
    agent_letter: Letter | None = None
    undertaking: bool = False
    delivery: Literal["print", "email", "screen"] = "print"
    email: str = ""
    email_code: str = ""
    purpose: str = ""
    phone: str = ""
    account: str = ""


class ReportRef(msgspec.Struct, frozen=True, kw_only=True):
    """The report an answer issued."""

    serial: str
    status: Literal["final", "provisional"]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A yes, after its entry is durable.

    Ages run to the moment of answering; `groups` are the same on paper.
    """

    case: str
    mode: Literal["online", "cached"]
    source: str
    as_of_ms: int
    age_s: int
    band: str
    subject: SubjectRecord
    groups: tuple[Group, ...]
    entry: Placed
    report: ReportRef | None
    quota: QuotaVerdict | None
    rule: Words


class Deferral(msgspec.Struct, frozen=True, kw_only=True):
    """A promise: case, owner and due time are durable, the slip is queued. `due` is words for people."""

    case: str
    due: str
    due_ms: int
    words: Words
    slip: str
    entry: Placed


class PrintJob(msgspec.Struct, frozen=True, kw_only=True):
    """One paper's way. `copy_no` 1 is the first print; `problem` asks the clerk one question.

    `sheet` is the numbered sheet it is or will be on; `queue` what an A4 queue says of it.
    """

    id: str
    kind: Literal["report", "slip"]
    serial: str
    case: str
    state: JobState
    copy_no: int
    sheet: str
    problem: Words | None
    asked_ms: int
    reason: str = ""
    window: str = ""
    printer: str = ""
    queue: Words | None = None


class Sheets(msgspec.Struct, frozen=True, kw_only=True):
    """The paper inventory of one day."""

    used: int
    spoiled: int
    unaccounted: int
    first_serial: str
    last_serial: str


class CaseView(msgspec.Struct, frozen=True, kw_only=True):
    """One case as the hall's list shows it; `mine` when this session's person opened it."""

    number: str
    matter: str
    title: Words
    state: str
    state_words: Words
    subject_name: str
    subject_number_masked: str
    staff: str
    window: str
    mode: str
    opened_ms: int
    changed_ms: int
    due_ms: int
    serial: str
    report_status: str
    note: str
    mine: bool
    uploaded: bool


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """Something a person of the hall must do: call a citizen, wait for a deferral, correct a case."""

    id: str
    case: str
    kind: Literal["deferral", "call", "correction"]
    words: Words
    name: str
    phone: str
    due_ms: int
    state: Literal["open", "done"]
    owner: str
    note: str = ""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A difference reconciliation found; `raised_by` is the node or the centre.

    `state` and `note` are this hall's word, `owner` who of its staff has it ("" nobody yet); `centre` is the
    state the centre gave it, "" while it said nothing.
    """

    id: str
    day: str
    code: str
    words: Words
    state: str
    raised_by: Literal["node", "centre"]
    subject_of: str = ""
    owner: str = ""
    note: str = ""
    centre: str = ""


class DayTotals(msgspec.Struct, frozen=True, kw_only=True):
    """A day counted: entries by kind name, serial range, fees, sheets, tickets, open cases.

    Day in Asia/Shanghai. Of numbered sheets, those issued, returned and void that day, and those that lay
    untouched in open blocks when it was counted.
    """

    day: str
    kinds: dict[str, int]
    serials: dict[str, Any]
    fee_cents: int
    sheets_used: int
    sheets_spoiled: int
    tickets: int
    open_cases: int
    accesses: int
    reports: int
    sheets_issued: int = 0
    sheets_returned: int = 0
    sheets_void: int = 0
    sheets_left: int = 0
    closed_ms: int = 0


class DayClosed(msgspec.Struct, frozen=True, kw_only=True):
    """The day's totals with the findings its close raised, and the entry that closed it."""

    totals: DayTotals
    findings: tuple[Finding, ...]
    entry: Placed


class EntryView(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the 留痕 panel; no personal data. `clock_trusted`: whether `at_ms` is a time of day."""

    index: int
    words: Words
    at_ms: int
    durable: bool
    countersigned: bool
    clock_trusted: bool = True
    actor: str = ""
    outcome: str = ""


class AccessView(msgspec.Struct, frozen=True, kw_only=True):
    """One access to a person's data, as that person may see it.

    `matter` and `outcome` are the centre's Chinese words, `…_en` its English ones (empty from an old centre).
    Where the node's clock was not to be trusted, `at_ms` is shown beside when the centre heard of it.
    """

    at_ms: int
    place: str
    actor: str
    purpose: str
    basis: str
    mode: str
    matter: str
    outcome: str
    matter_en: str = ""
    outcome_en: str = ""
    arrived_ms: int = 0
    clock_trusted: bool = True


class TrailAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """谁查过我: all accesses the centre knows, and the halls that have not reported yet."""

    number_masked: str
    accesses: tuple[AccessView, ...]
    silent: tuple[str, ...]
    entry: Placed


class CentreStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Reachability of the centre. `last_contact` is Unix ms of the last verified reply, None = never."""

    reachable: bool
    last_contact: int | None
    last_contact_age_s: int | None


class LedgerStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The ledger's own count beside what the centre countersigned; `root` is hex."""

    size: int
    root: str
    countersigned_size: int
    pending: int
    oldest_unacknowledged_age_s: int
    window_s: int


class LeaseStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One lease as the screens show it. `state`: green, amber, red, or the code of why it is dead."""

    capability: str
    scope: str
    left_s: int
    answers_left: int
    state: str


class ClockStatus(msgspec.Struct, frozen=True, kw_only=True):
    """`state`: synced, holdover or untrusted."""

    state: str
    now_ms: int


class ReleaseStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One data set the node holds."""

    scope: str
    data_class: str
    version: int
    rows: int
    as_of_ms: int


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """Four facts with an age each, for the strip of every screen, and what stops sensitive answers.

    `stopped` is empty while sensitive answers may be given. `mode` is online or offline as the breaker
    sees it. `training`: people practise here, nothing is real.
    """

    origin: str
    hall: str
    at_ms: int
    mode: Literal["online", "offline"]
    centre: CentreStatus
    ledger: LedgerStatus
    lease: tuple[LeaseStatus, ...]
    lanes: tuple[LaneStatus, ...]
    link: LinkStatus
    devices: tuple[DeviceStatus, ...]
    clock: ClockStatus
    releases: tuple[ReleaseStatus, ...]
    stopped: tuple[Words, ...]
    warnings: tuple[Words, ...]
    open_tasks: int
    training: bool = False


class ExchangeSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One exchange: entries sent, size acknowledged, directives and packs received, bytes, entries pending.

    `notes`: each alarm and what became of files on a stick, in words.
    """

    sent: int
    acknowledged: int
    received: int
    bytes_up: int
    bytes_down: int
    pending: int
    alarms: tuple[str, ...] = ()
    notes: tuple[Words, ...] = ()


class CheckResult(msgspec.Struct, frozen=True, kw_only=True):
    """The node's fsck. `broken_at` is the first entry that does not hold, None when all do."""

    origin: str
    entries: int
    root: str
    countersigned: int
    broken_at: int | None
    store: Literal["ok", "wrong key", "damaged"]
    leases: tuple[LeaseStatus, ...]
    reason: str = ""
    next: Words | None = None


class DoctorLine(msgspec.Struct, frozen=True, kw_only=True):
    """One thing looked at, its verdict, and the next step."""

    check: str
    verdict: Literal["ok", "warn", "bad"]
    next: str
