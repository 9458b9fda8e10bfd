"""What people do at a hall, as the node's real actions: citizens come, papers are dealt with, days are closed."""

import datetime as dt
from random import Random
from typing import Any

from drivers.ports import CardRecord
from edge.actions import (
    answer,
    close_day,
    downlink,
    exchange,
    files,
    leases,
    press,
    printing,
    quota,
    reads,
)
from edge.actions.node import Node, Session
from edge.actions.views import Answer, Deferral, PrintJob, Query
from edge.errors import NotAllowed, NotThere, WrongMoment
from edge.store.draft import Draft
from edge.store.transaction import Transaction
from matters.model import Material, Party, Refusal
from matters.records import SubjectRecord
from sync.ledger.entry import Entry
from sync.messages import registry
from tests.simulation.book import Book
from tests.simulation.hall import Failed, Hall
from tests.simulation.offence import demand

WINDOWS = ("1", "2", "3")
OWN_PAPERS = (Material(kind="resident-id", original=True, copy=True),)
VISITS = (
    ("own", 10),
    ("own-on-screen", 3),
    ("bureau", 3),
    ("no-papers", 2),
    ("no-permit", 1),
    ("expired-card", 1),
    ("wrong-number", 1),
    ("no-presence", 1),
)
NEWER_KIND = 60_000
EMPTY_DETAIL = b"\x80"
EXPECTED = (WrongMoment, NotThere, NotAllowed)
"""What a clerk who presses the wrong button is told."""


def session(dice: Random, node: Node, *, permitted: bool = True) -> Session:
    """A clerk at a window. Signing in is other rings' matter."""
    permits = ("public-credit", "credit-bureau", "duty") if permitted else ("residence-permit",)
    staff = "li.min" if permitted else "sun.tao"
    return Session(
        id="cookie", staff=staff, name="李敏", role="clerk", permits=permits, window=dice.choice(WINDOWS),
        csrf="csrf", opened_ms=node.now_ms(),
    )  # fmt: skip


class Visit:
    """One citizen at one window; what comes of it is drawn before it begins."""

    def __init__(self, dice: Random, person: SubjectRecord, hall: Hall, what: str = "") -> None:
        names, weights = zip(*VISITS, strict=True)
        drawn: str = dice.choices(names, weights)[0]
        self.what = what or drawn
        self.person = person
        self.hall = hall
        self.session = session(dice, hall.node, permitted=self.what != "no-permit")

    async def run(self) -> Answer | Deferral | Refusal:
        """Lay the card, ask, hear the answer."""
        node, what = self.hall.node, self.what
        read_id = None
        if what != "no-presence":
            read_id = (await reads.lay(node, self.session.window, self._card())).read_id
        number = self.person.number[:-1] + ("0" if self.person.number[-1] != "0" else "1")
        query = Query(
            matter="credit-bureau.self" if what == "bureau" else "public-credit.self",
            read_id=read_id,
            subject=Party(name=self.person.name, number=number) if what == "wrong-number" else None,
            materials=() if what == "no-papers" else OWN_PAPERS,
            delivery="screen" if what == "own-on-screen" else "print",
            purpose="self",
            phone="13800000000",
        )
        return await answer.answer(node, self.session, query)

    def _card(self) -> CardRecord:
        person = self.person
        assert person.birth is not None
        ends = dt.date(2026, 1, 1) if self.what == "expired-card" else dt.date(2040, 1, 1)
        return CardRecord(
            record="citizen", name=person.name, number=person.number, birth=person.birth, sex=person.sex,
            address=person.address, valid_from=dt.date(2020, 1, 1), valid_to=ends,
        )  # fmt: skip


def show(book: Book, result: Any) -> str:
    """The screen: whatever is shown is judged at this very moment. What it was, for the trace."""
    if isinstance(result, Answer | Deferral):
        book.release(result.entry.index, result.entry.leaf_hash, type(result).__name__)
        book.look()
    if isinstance(result, Answer) and result.report is not None:
        issued = [
            line.entry.index
            for line in book.lines
            if line.kind == "report.issued" and line.detail["serial"] == result.report.serial
        ]
        demand(len(issued) == 1, "P1", f"serial {result.report.serial} was shown with {len(issued)} entries")
        book.release_serial(result.report.serial, issued[0])
    if isinstance(result, Refusal):
        book.release_refusal(result.code)
        return f"refused {result.code}"
    return result if isinstance(result, str) else f"{type(result).__name__} {getattr(result, 'mode', result)}"


def words_of(failed: Failed) -> str:
    """What a clerk sees of trouble, for the trace."""
    return f"trouble {getattr(failed.error, 'code', '')}: {failed.error}"


async def papers(dice: Random, hall: Hall) -> str:
    """A round of the press, then one button of the print journal, right or wrong."""
    node = hall.node
    await press.round_once(node)
    jobs = await printing.jobs(node)
    if not jobs:
        return "no papers"
    job = dice.choice(jobs)
    try:
        return await _button(dice, node, job)
    except EXPECTED as error:
        return f"not now: {error.code}"


async def _button(dice: Random, node: Node, job: PrintJob) -> str:
    clerk = session(dice, node)
    press_which = dice.choice(("look", "confirm", "confirm", "reprint", "hand-over"))
    if press_which == "look" and job.serial:
        await printing.pdf(node, clerk, job.serial)
    elif press_which == "confirm":
        outcome = dice.choice(("good", "good", "spoiled", "none"))
        await printing.confirm(node, clerk, job.id, outcome, reason="卡纸", sheet=f"S{dice.randrange(10**6)}")  # type: ignore[arg-type]  # one of its three words
    elif press_which == "reprint" and job.serial:
        await printing.reprint(node, clerk, job.serial, "字迹不清")
    elif job.serial:
        await printing.hand_over(node, clerk, job.serial)
    return f"{press_which} {job.kind}"


async def all_printed(hall: Hall) -> str:
    """Reports are set, opened by the clerk, and come out well."""
    node = hall.node
    clerk = session(Random(0), node)
    await press.round_once(node)
    queued = [job for job in await printing.jobs(node) if job.kind == "report" and job.state == "queued"]
    for job in queued:
        await printing.pdf(node, clerk, job.serial)
        await printing.confirm(node, clerk, job.id, "good")
    return f"{len(queued)} papers came out"


async def bring_files(hall: Hall) -> str:
    """The job that brings report files while the line is idle."""
    await files.when_idle(hall.node)
    return "report files brought"


async def night(hall: Hall) -> str:
    """The jobs that need no line: doubts settled, data sets looked over and cleared, what has ended destroyed or given back."""
    node = hall.node
    aside = await downlink.settle_doubts(node) + await downlink.look_over(node)
    shredded = await leases.shred_expired(node)
    await downlink.sweep(node)
    ended = await quota.end_expired(node)
    return f"night: {aside} buckets set aside, {len(shredded)} scopes shredded, {ended} grants ended"


async def close(hall: Hall) -> str:
    """Close the present day."""
    node = hall.node
    closed = await close_day.close(node, session(Random(0), node), node.day_of(node.now_ms()))
    return f"day closed with {len(closed.findings)} findings"


async def exchange_now(hall: Hall) -> str:
    """The timer rings."""
    done = await exchange.exchange(hall.node)
    return f"exchanged {done.sent}"


async def busy_morning(hall: Hall, entries: int) -> str:
    """Many small entries at once, so that the ledger crosses the borders of tiles and packages."""

    def many(tx: Transaction) -> None:
        for number in range(entries):
            tx.append(Draft(kind="mark", outcome="ok", object=f"m-{number}"))

    await hall.node.store.transact(many)
    return f"{entries} marks"


async def strange(hall: Hall) -> str:
    """An entry of a kind only a newer version knows, and one of a known kind whose detail is none."""

    def write(tx: Transaction) -> None:
        (last,) = tx.query("SELECT hlc_ms, hlc_n FROM ledger_head")
        for number, kind in enumerate((NEWER_KIND, registry.kind("access.answered").number), start=1):
            shape = Entry(
                kind=kind, index=0, hlc_ms=max(tx.now_ms, last[0]) + number, hlc_n=0, clock=0, boot=1
            )
            tx.carry(shape, EMPTY_DETAIL)

    await hall.node.store.transact(write)
    return "strange entries"
