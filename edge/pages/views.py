"""What each page is given: one frozen struct a template, with exactly the fields the template uses.

`tests/unit/ui/test_pages.py` compares both ways. Every page also gets `frame` (ui/frame.py) and `status`
(the four facts of the strip). Structs of the actions are passed on as they are.
"""

from typing import Literal

import msgspec

from drivers.devices.receipt_printer.testpage import Part
from edge.actions.devices import DevicesSeen
from edge.actions.photos import Photo
from edge.actions.printers import PrinterSeen
from edge.actions.sheets import SheetBlock
from edge.actions.stick import StickFile
from edge.actions.sticks import Journey
from edge.actions.twins import TwinsSeen
from edge.actions.views import (
    Answer,
    CardRead,
    CaseView,
    ChipRead,
    DayTotals,
    Deferral,
    EntryView,
    Finding,
    PrintJob,
    Sheets,
    Task,
    TrailAnswer,
)
from edge.hall.hall import DeviceStatus
from matters.groups import Group
from matters.model import Refusal, Words


class FieldError(msgspec.Struct, frozen=True, kw_only=True):
    """One thing wrong with what was typed; `field` is the name of the input."""

    field: str
    words: Words


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """Something that did not work: what, and what to do now. `retry` when the same act may be tried again."""

    code: str
    words: Words
    step: Words
    retry: bool = False


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """One sentence about what was just done, shown once at the top of the next page."""

    kind: Literal["fresh", "ageing", "expired"]
    words: Words


# -- the serving window -----------------------------------------------------------------------------


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One thing a citizen may come for: a matter in one of its cases. `digit` is its key, "" beyond 10."""

    code: str
    title: Words
    hint: Words
    tag: Words
    tag_kind: str
    digit: str


class PaperTick(msgspec.Struct, frozen=True, kw_only=True):
    """One tick of the paper list: `field` is `paper:<kind>:<original|copy|sealed|shown>`.

    `mark` is the element's id where a card laid on the reader can tick it.
    """

    field: str
    words: Words
    ticked: bool
    by_card: bool = False
    mark: str = ""


class FieldView(msgspec.Struct, frozen=True, kw_only=True):
    """One input of a form by `kind`; `value` as last typed (never of a secret).

    `by_card`: a card on the reader stands in for it.
    """

    name: str
    label: Words
    kind: Literal["text", "number", "day", "secret", "tick"] = "text"
    value: str = ""
    hint: Words | None = None
    required: bool = False
    error: Words | None = None
    by_card: bool = False


class FormPart(msgspec.Struct, frozen=True, kw_only=True):
    """One titled part of the papers form. `role` is whose identity card fills it ("" for none).

    `carrier`: an organisation's chip card fills it; `chip` is the chip card that did.
    """

    name: str
    title: Words
    hint: Words | None = None
    fields: tuple[FieldView, ...] = ()
    role: Literal["", "subject", "visitor"] = ""
    card: CardRead | None = None
    carrier: bool = False
    chip: ChipRead | None = None


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the check page: what was entered, under its label; `part` is where it is changed."""

    label: Words
    value: Words
    part: str


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """The left and right columns of the serving window. `window_s` is the matter's target time (0 = none)."""

    begun_ms: int
    window_s: int
    case: str
    matter: Words | None
    recent: tuple[CaseView, ...]
    tasks: tuple[Task, ...]
    card: CardRead | None
    entries: tuple[EntryView, ...]
    jobs: tuple[PrintJob, ...]
    sheets: Sheets
    devices: tuple[DeviceStatus, ...]
    chips: tuple[ChipRead, ...] = ()


class SideView(msgspec.Struct, frozen=True, kw_only=True):
    """One live region of the side columns."""

    side: Side


class ChooseView(msgspec.Struct, frozen=True, kw_only=True):
    """Step 2: what has the citizen come for?"""

    side: Side
    choices: tuple[Choice, ...]
    notice: Notice | None


class PapersView(msgspec.Struct, frozen=True, kw_only=True):
    """Step 3: who, which papers, what the letter says, how the answer is delivered."""

    side: Side
    title: Words
    rule: str
    parts: tuple[FormPart, ...]
    ticks: tuple[PaperTick, ...]
    undertaking: Literal["not asked", "given", "open"]
    delivery: str
    contact: tuple[FieldView, ...]
    errors: tuple[FieldError, ...]


class CheckView(msgspec.Struct, frozen=True, kw_only=True):
    """Step 4: everything that will be asked, once more, and one button that names the act."""

    side: Side
    title: Words
    lines: tuple[Line, ...]
    act: Words
    permitted: bool
    offline_words: Words | None
    nonce: str


class AnswerView(msgspec.Struct, frozen=True, kw_only=True):
    """Step 5, a yes: groups with their ages, the report, what to do at hand-over."""

    side: Side
    title: Words
    answer: Answer
    number_masked: str
    subject_rows: tuple[tuple[Words, Words], ...]
    job: PrintJob | None


class RefusalView(msgspec.Struct, frozen=True, kw_only=True):
    """Step 5, a no: why, by which rule, everything that is missing, what to do now."""

    side: Side
    title: Words
    refusal: Refusal


class DeferralView(msgspec.Struct, frozen=True, kw_only=True):
    """Step 5, a promise: case, due time, who calls back, the slip."""

    side: Side
    title: Words
    deferral: Deferral
    phone: str
    job: PrintJob | None


class TroubleView(msgspec.Struct, frozen=True, kw_only=True):
    """Step 5, neither: the node could not keep its promise to record, so nothing was shown."""

    side: Side
    title: Words
    trouble: Trouble


# -- the other pages ------------------------------------------------------------------------------


class SignInView(msgspec.Struct, frozen=True, kw_only=True):
    """Who are you, and at which window? `refusal` after a failed try; `by_card`: staff cards too."""

    staff: str
    window: str
    windows: tuple[str, ...]
    refusal: Refusal | None
    by_card: bool


class CasesView(msgspec.Struct, frozen=True, kw_only=True):
    """Cases of this hall; `state` "" is all."""

    cases: tuple[CaseView, ...]
    state: str
    states: tuple[tuple[str, Words], ...]


class CasePageView(msgspec.Struct, frozen=True, kw_only=True):
    """One case with its papers and pictures; `camera`: this window has a document camera."""

    case: CaseView
    jobs: tuple[PrintJob, ...]
    photos: tuple[Photo, ...]
    camera: bool


class TasksView(msgspec.Struct, frozen=True, kw_only=True):
    """What this hall owes: corrections asked for, people to call, deferrals waiting; what was done today."""

    corrections: tuple[Task, ...]
    calls: tuple[Task, ...]
    deferrals: tuple[Task, ...]
    done: tuple[Task, ...]
    now_ms: int
    notice: Notice | None


class PrintsView(msgspec.Struct, frozen=True, kw_only=True):
    """The print journal: first the papers with a question, then those on their way, then the rest.

    `blocks` of numbered sheets; `may_issue` for supervisors and managers.
    """

    asking: tuple[PrintJob, ...]
    moving: tuple[PrintJob, ...]
    settled: tuple[PrintJob, ...]
    sheets: Sheets
    blocks: tuple[SheetBlock, ...]
    may_issue: bool
    windows: tuple[str, ...]
    notice: Notice | None


class DayView(msgspec.Struct, frozen=True, kw_only=True):
    """The day counted, before or after its close; `may_close` for who is on duty.

    `people` may be given a finding (name to sign in with, name), for who is on duty; `me` is who looks.
    """

    totals: DayTotals
    kinds: tuple[tuple[Words, int], ...]
    findings: tuple[Finding, ...]
    people: tuple[tuple[str, str], ...]
    me: str
    is_today: bool
    may_close: bool
    notice: Notice | None


class LineView(msgspec.Struct, frozen=True, kw_only=True):
    """The way to the centre: what waits, how long it takes, what is held, what may be said offline.

    `may_exchange` for who is on duty; `code` is a lease by phone as it was typed, while it is wrong.
    """

    notice: Notice | None
    may_exchange: bool
    code: str = ""


class CourierView(msgspec.Struct, frozen=True, kw_only=True):
    """The sticks that are in and what lies on the `chosen` one; "" and no file when none is, or not on duty.

    `configured` when the settings name where sticks are mounted; `done` is what was just done, shown once.
    """

    may: bool
    configured: bool
    sticks: tuple[str, ...]
    chosen: str
    files: tuple[StickFile, ...]
    apart: bool
    done: Journey | None


class DevicesView(msgspec.Struct, frozen=True, kw_only=True):
    """Every device with its own state, time, next step and test; `twins` only where people practise."""

    seen: DevicesSeen
    twins: TwinsSeen | None
    notice: Notice | None


class PrintersView(msgspec.Struct, frozen=True, kw_only=True):
    """The slip printers and what the `chosen` one can do, by the parts of its test page."""

    printers: tuple[PrinterSeen, ...]
    chosen: PrinterSeen | None
    parts: tuple[Part, ...]
    notice: Notice | None


class OwnTrailView(msgspec.Struct, frozen=True, kw_only=True):
    """谁查过我: the citizen's own view; after asking one of `trail`, `deferral`, `refusal` is there.

    `phone` is who is called back when the list must wait for the line, `error` what is wrong with it.
    """

    card: CardRead | None
    trail: TrailAnswer | None
    deferral: Deferral | None
    refusal: Refusal | None
    phone: str
    error: FieldError | None


class HelpView(msgspec.Struct, frozen=True, kw_only=True):
    """The manual on the machine; needs no line."""


class TroublePageView(msgspec.Struct, frozen=True, kw_only=True):
    """A page that could not be shown, or an act that was not done."""

    trouble: Trouble


class PatternsView(msgspec.Struct, frozen=True, kw_only=True):
    """Every component once, with the tokens they stand on."""

    tokens: tuple[tuple[str, str], ...]
    groups: tuple[Group, ...]
    card: CardRead
    jobs: tuple[PrintJob, ...]
    refusal: Refusal
