"""What lies on a window's desk between two clicks: the browser holds no fact, so the node does, in memory.

Nothing here is on disk: after a restart the clerk starts the query again, and whatever was answered is on the
ledger and in the list of cases. A desk belongs to one person at one window and is swept when they sign out,
when the next citizen is served, or after KEPT_S without a touch.
"""

import secrets
from typing import Literal

import msgspec

from edge.actions.sticks import Journey
from edge.actions.views import Answer, CardRead, ChipRead, Deferral, TrailAnswer
from edge.pages.views import FieldError, Notice, Trouble
from edge.security.session import Session
from matters.model import Refusal

KEPT_S = 1800
"""A desk nobody touched for half an hour is swept."""

DESKS_MAX = 200
"""Desks one node holds at a time; the oldest makes room."""

Step = Literal["choose", "papers", "check", "asking", "outcome"]
Outcome = Answer | Deferral | Refusal | Trouble


class Desk(msgspec.Struct, kw_only=True):
    """One citizen being served. `reads` are cards by role (subject, visitor); `form` is what was typed.

    `nonce` is given out with the check page and taken back with the question, so that one page asks once.
    `chips` are chip cards by the party they filled in. `spent` are the reads of the citizen before: their
    cards stay in the node's memory for minutes, and must not stand for the next one.
    """

    begun_ms: int = 0
    touched_ms: int = 0
    step: Step = "choose"
    matter: str = ""
    case: str = ""
    form: dict[str, str] = {}
    reads: dict[str, CardRead] = {}
    chips: dict[str, ChipRead] = {}
    errors: tuple[FieldError, ...] = ()
    outcome: Outcome | None = None
    own_trail: TrailAnswer | Deferral | Refusal | None = None
    own_phone: str = ""
    own_error: FieldError | None = None
    nonce: str = ""
    notice: Notice | None = None
    journey: Journey | None = None
    spent: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        """Says where the work stands and nothing of whom it is about."""
        return f"Desk(step={self.step!r}, matter={self.matter!r})"

    def choose(self, matter: str, case: str, now_ms: int) -> None:
        """Begin a matter; an earlier answer is put away, cards already read stay."""
        self.begun_ms, self.step, self.matter, self.case = now_ms, "papers", matter, case
        self.form, self.chips, self.errors = {}, {}, ()
        self.outcome, self.own_trail = None, None
        self.own_phone, self.own_error = "", None

    def fill(self, form: dict[str, str], errors: tuple[FieldError, ...]) -> None:
        """Keep what was typed; go on to the check page when nothing is wrong with it."""
        self.form, self.errors = form, errors
        self.step = "papers" if errors else "check"
        self.nonce = secrets.token_urlsafe(12)

    def take_chip(self, role: str, chip: ChipRead) -> None:
        """Let a chip card fill in a party, once: what the clerk types over it stays."""
        if self.chips.get(role) == chip:
            return
        self.chips[role] = chip
        filled = {f"{role}_name": chip.name, f"{role}_number": chip.number}
        self.form |= {field: value for field, value in filled.items() if value}

    def may_ask(self, nonce: str) -> bool:
        """True once for each check page; the desk is then asking until `settle`."""
        if self.step != "check" or not secrets.compare_digest(nonce, self.nonce):
            return False
        self.step, self.nonce = "asking", ""
        return True

    def settle(self, outcome: Outcome) -> None:
        """Show this outcome until the clerk finishes."""
        self.step, self.outcome = "outcome", outcome

    def holds_answer(self) -> bool:
        """Something was answered or promised: only finishing leads on from there."""
        return isinstance(self.outcome, Answer | Deferral)

    def open(self, step: str) -> None:
        """Look at an earlier step again; from a refusal or trouble back to the papers or the check."""
        if self.holds_answer() or self.step == "asking":
            return
        if step == "choose":
            self.step, self.outcome = "choose", None
        elif step == "papers" and self.matter:
            self.step, self.outcome = "papers", None
        elif step == "check" and self.matter and self.form and not self.errors:
            self.step, self.outcome = "check", None
            self.nonce = self.nonce or secrets.token_urlsafe(12)

    def take_notice(self) -> Notice | None:
        """The notice to show once."""
        notice, self.notice = self.notice, None
        return notice

    def take_journey(self) -> Journey | None:
        """What became of the last stick, to show once."""
        journey, self.journey = self.journey, None
        return journey


class Desks:
    """All desks of this node, by person and window."""

    def __init__(self) -> None:
        self._desks: dict[tuple[str, str], Desk] = {}

    def of(self, session: Session, now_ms: int) -> Desk:
        """The desk of a session; a new one after KEPT_S, or on the first look."""
        self._sweep(now_ms)
        key = (session.staff, session.window)
        if key not in self._desks and len(self._desks) >= DESKS_MAX:
            del self._desks[min(self._desks, key=lambda other: self._desks[other].touched_ms)]
        desk = self._desks.setdefault(key, Desk())
        desk.touched_ms = now_ms
        return desk

    def clear(self, session: Session, spent: frozenset[str] = frozenset()) -> None:
        """Sweep a desk: the citizen is done (their reads are `spent`), or the clerk signed out."""
        self._desks.pop((session.staff, session.window), None)
        if spent:
            self._desks[session.staff, session.window] = Desk(spent=spent)

    def _sweep(self, now_ms: int) -> None:
        for key in [k for k, desk in self._desks.items() if now_ms - desk.touched_ms > KEPT_S * 1000]:
            if self._desks[key].touched_ms:
                del self._desks[key]
