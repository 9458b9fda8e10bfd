"""What each page shows: one frozen struct a page. A test holds the fields equal to what the template uses."""

from datetime import date

import msgspec

from central.actions.corrections import CorrectionRow
from central.actions.held import HeldAt
from central.actions.incarnations import IncarnationRow
from central.actions.quota import LevelRow
from central.actions.trips import Bus, ListTaken, Trip
from central.actions.views import (
    AccessRow,
    ActRow,
    AdministratorRow,
    FindingRow,
    NodeCreated,
    NodeRow,
    NodeView,
    Placed,
    Proof,
    Reconciliation,
    ReportRow,
    Totals,
    VerifyView,
)
from central.pages.drawing import Chart, Spark, Strip
from matters.model import Refusal, Words


class FormError(msgspec.Struct, frozen=True, kw_only=True):
    """One field that has to be corrected; `field` is the name in the form."""

    field: str
    words: Words


class MessagePage(msgspec.Struct, frozen=True, kw_only=True):
    """A no, or a trouble, as a page: what, which rule, what to do now."""

    title: Words
    words: Words
    rule: str = ""
    missing: tuple[Words, ...] = ()
    next: Words


class SignInPage(msgspec.Struct, frozen=True, kw_only=True):
    """The sign-in form; `name` as it was typed."""

    name: str = ""
    errors: tuple[FormError, ...] = ()
    refusal: Refusal | None = None


class PasswordPage(msgspec.Struct, frozen=True, kw_only=True):
    """A new password; `forced` while the one-time password is still in use."""

    forced: bool
    errors: tuple[FormError, ...] = ()
    refusal: Refusal | None = None


class FleetLine(msgspec.Struct, frozen=True, kw_only=True):
    """One node of the fleet with its picture; `lease` is none, ended or the seconds left."""

    row: NodeRow
    spark: Spark
    lease_left_s: int | None


class FleetPage(msgspec.Struct, frozen=True, kw_only=True):
    """The fleet: who needs a person, then the others. `hidden` counts what the list leaves out."""

    totals: Totals
    urgent: tuple[FleetLine, ...]
    calm: tuple[FleetLine, ...]
    hidden: int
    find: str
    strip: Strip | None
    findings: tuple[FindingRow, ...]
    may_create: bool
    now_ms: int


class NodePage(msgspec.Struct, frozen=True, kw_only=True):
    """One node."""

    node: NodeView
    line: FleetLine
    created: NodeCreated | None
    refusal: Refusal | None
    may_code: bool
    may_revoke: bool
    now_ms: int


class NewNodePage(msgspec.Struct, frozen=True, kw_only=True):
    """The form for a new node, or the code that is shown once."""

    name: str = ""
    region: str = ""
    kind: str = "hall"
    route: str = ""
    errors: tuple[FormError, ...] = ()
    refusal: Refusal | None = None
    created: NodeCreated | None = None
    now_ms: int


class Facet(msgspec.Struct, frozen=True, kw_only=True):
    """One part of a search as a chip; `field` is what its cross takes away."""

    field: str
    label: Words
    text: Words


class TrailForm(msgspec.Struct, frozen=True, kw_only=True):
    """The search as typed, to be shown again; the number only after an error in this very form."""

    typed: str = ""
    number: str = ""
    actor: str = ""
    node: str = ""
    since: str = ""
    until: str = ""
    mode: str = ""
    outcome: str = ""
    purpose: str = ""


class TrailFound(msgspec.Struct, frozen=True, kw_only=True):
    """What a search found: rows newest first, who has not reported, where the search itself is recorded."""

    rows: tuple[AccessRow, ...]
    unreported: tuple[NodeRow, ...]
    recorded: Placed
    facets: tuple[Facet, ...]
    purpose: str
    chart: Chart
    older: str
    asked_ms: int


class TrailPage(msgspec.Struct, frozen=True, kw_only=True):
    """The trail: a form, and below it what was found, with the proof of one row beside it."""

    form: TrailForm
    search: str
    found: TrailFound | None
    chosen: AccessRow | None
    proof: Proof | None
    place: int
    nodes: tuple[NodeRow, ...]
    modes: tuple[tuple[str, Words], ...]
    outcomes: tuple[tuple[str, Words], ...]
    lapsed: bool
    errors: tuple[FormError, ...]
    refusal: Refusal | None
    now_ms: int


class SubjectFound(msgspec.Struct, frozen=True, kw_only=True):
    """Who saw one person; `masked` is all of the number that is shown."""

    masked: str
    purpose: str
    rows: tuple[AccessRow, ...]
    unreported: tuple[NodeRow, ...]
    as_of_ms: int


class SubjectPage(msgspec.Struct, frozen=True, kw_only=True):
    """The form and, after a search, who saw this person."""

    search: str
    found: SubjectFound | None
    lapsed: bool
    errors: tuple[FormError, ...]
    refusal: Refusal | None
    purpose: str
    now_ms: int


class SubjectPaper(msgspec.Struct, frozen=True, kw_only=True):
    """The same for the citizen's hand: one sheet, plain words."""

    search: str
    found: SubjectFound
    authority: str
    now_ms: int


class FindingsPage(msgspec.Struct, frozen=True, kw_only=True):
    """Findings of one state (empty for all), newest first, with what may be done."""

    rows: tuple[FindingRow, ...]
    state: str
    node: str
    chosen: FindingRow | None
    may_settle: bool
    note: str
    errors: tuple[FormError, ...]
    refusal: Refusal | None
    now_ms: int


class IncarnationsPage(msgspec.Struct, frozen=True, kw_only=True):
    """Requests for a new incarnation that wait, and those that are settled; `role` is empty for onlookers."""

    waiting: tuple[IncarnationRow, ...]
    settled: tuple[IncarnationRow, ...]
    role: str
    refusal: Refusal | None
    now_ms: int


class CorrectionForm(msgspec.Struct, frozen=True, kw_only=True):
    """What was typed to ask for a correction."""

    node: str = ""
    case: str = ""
    what: str = ""
    why: str = ""
    days: str = "7"


class CorrectionsPage(msgspec.Struct, frozen=True, kw_only=True):
    """Corrections halls owe and answered, and the form for one more."""

    rows: tuple[CorrectionRow, ...]
    typed: CorrectionForm
    refusal: Refusal | None
    now_ms: int


class RightsPage(msgspec.Struct, frozen=True, kw_only=True):
    """Units that may be given away offline, by node and matter."""

    rows: tuple[LevelRow, ...]
    may_set: bool
    refusal: Refusal | None
    now_ms: int


class ReconciliationPage(msgspec.Struct, frozen=True, kw_only=True):
    """Days × nodes, and one day: its findings and, after a recount, both sides' figures (`result`)."""

    strip: Strip
    day: date
    result: Reconciliation | None
    findings: tuple[FindingRow, ...]
    may_run: bool
    errors: tuple[FormError, ...]


class ReportsPage(msgspec.Struct, frozen=True, kw_only=True):
    """Issued reports, newest first; `lacking` are serials whose file has not arrived."""

    rows: tuple[ReportRow, ...]
    lacking: tuple[str, ...]
    chosen: ReportRow | None
    verdict: str
    serial: str
    node: str
    nodes: tuple[NodeRow, ...]
    now_ms: int


class AdministratorsPage(msgspec.Struct, frozen=True, kw_only=True):
    """The three administrators and their powers."""

    rows: tuple[AdministratorRow, ...]
    now_ms: int


class ActsPage(msgspec.Struct, frozen=True, kw_only=True):
    """The administrators' own acts, newest first, as the centre's ledger holds them."""

    rows: tuple[ActRow, ...]
    now_ms: int


class ReleaseLine(msgspec.Struct, frozen=True, kw_only=True):
    """The newest release of a scope over all its nodes; `behind` are (node, name) that hold less."""

    scope: str
    version: int
    rows: int
    as_of_ms: int
    created_ms: int
    held: int
    nodes: int
    behind: tuple[tuple[str, str], ...]


class ReleasesPage(msgspec.Struct, frozen=True, kw_only=True):
    """What nodes should hold and do hold; `published` the scopes just published."""

    lines: tuple[ReleaseLine, ...]
    published: tuple[str, ...]
    may_publish: bool
    now_ms: int


class TripForm(msgspec.Struct, frozen=True, kw_only=True):
    """A trip as it was typed."""

    node: str = ""
    stops: str = ""
    first: str = ""
    last: str = ""
    listed: bool = False
    most: str = "500"


class TripsPage(msgspec.Struct, frozen=True, kw_only=True):
    """Trips of buses; `chosen` is open, `taken` what became of the list just handed in."""

    buses: tuple[Bus, ...]
    rows: tuple[Trip, ...]
    chosen: Trip | None
    typed: TripForm
    taken: ListTaken | None
    errors: tuple[FormError, ...]
    refusal: Refusal | None
    now_ms: int


class ConsentPage(msgspec.Struct, frozen=True, kw_only=True):
    """Consent to offline answers: how many are without it, the form as typed, what was just registered."""

    without: int
    note: str
    withdrawn: bool
    errors: tuple[FormError, ...]
    refusal: Refusal | None
    done: Words | None


class HeldForm(msgspec.Struct, frozen=True, kw_only=True):
    """A question as it was typed, without the number."""

    node: str = ""
    at: str = ""
    purpose: str = ""


class HeldFound(msgspec.Struct, frozen=True, kw_only=True):
    """What a node held, for whom it was asked ("" nobody in particular) and why."""

    held: HeldAt
    masked: str
    purpose: str


class HeldPage(msgspec.Struct, frozen=True, kw_only=True):
    """Which subjects a node held; `most` references are shown of each data set."""

    nodes: tuple[NodeRow, ...]
    typed: HeldForm
    found: HeldFound | None
    lapsed: bool
    most: int
    errors: tuple[FormError, ...]
    refusal: Refusal | None
    now_ms: int


class VerifyPage(msgspec.Struct, frozen=True, kw_only=True):
    """The public page: what was pasted, the verdict on it, and what was found about the file."""

    text: str
    result: VerifyView | None
    file: Words | None
    errors: tuple[FormError, ...]
