"""A bus's day as entries: queries, the cases opened, the reports issued, printed and handed over, files left out."""

import hashlib
from collections.abc import Iterator, Sequence
from random import Random

import msgspec

from edge.store.draft import Draft
from matters import sample
from matters.records import SubjectRecord, facts, facts_bytes
from sync.messages.registry import DetailValue
from tests.bench.accesses import YEAR

MATTER = "public-credit.self"
PUBLISHED_MS = 1_795_000_000_000
CLERKS = ("zhou.lan", "feng.jun")


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """How much happened: every report and every case belongs to one of the accesses."""

    accesses: int = 200
    cases: int = 60
    reports: int = 60


def drafts(seed: int, region: str, day: Day) -> Iterator[Draft]:
    """The day's entries in order. The same seed and region give the same day."""
    visits = _Visits(Random(seed), region)
    people = list(sample.people(seed, day.accesses, region))
    visits.rnd.shuffle(people)
    yield visits.session("session.opened")
    for number, person in enumerate(people):
        yield from visits.visit(person, case=number < day.cases, report=number >= len(people) - day.reports)
    yield visits.session("session.closed")


class _Visits:
    """The people of one day, one after the other, at one clerk's window."""

    def __init__(self, rnd: Random, region: str) -> None:
        self.rnd = rnd
        self._region = region
        self._clerk = rnd.choice(CLERKS)
        self._mark = f"{self._clerk}@{rnd.randrange(1 << 40, 1 << 41):x}"
        self._number = rnd.randrange(2000)

    def session(self, kind: str) -> Draft:
        """The clerk comes or goes."""
        return self._draft(kind, {"staff": self._clerk, "reason": ""})

    def visit(self, person: SubjectRecord, *, case: bool, report: bool) -> Sequence[Draft]:
        """One person: the answer, and what came of it."""
        self._number += 1
        case_no = f"{self._region}-{YEAR}-C-{self._number:05d}"
        found = [self._access(person, case_no)]
        if case:
            found.append(self._case(person, case_no))
        if report:
            found += self._report(person, case_no)
        return found

    def _draft(self, kind: str, detail: dict[str, DetailValue], **more: str | int) -> Draft:
        plain = Draft(kind=kind, actor=self._clerk, role="clerk", window="1", detail=detail)
        return msgspec.structs.replace(plain, **more)

    def _access(self, person: SubjectRecord, case_no: str) -> Draft:
        detail: dict[str, DetailValue] = {
            "subject_number": person.number,
            "subject_name": person.name,
            "requester_number": person.number,
            "requester_name": person.name,
            "matter": MATTER,
            "case": case_no,
            "request_id": self.rnd.randbytes(16).hex(),
            "shown": "licence,penalty,judgment,honour,commitment,arrears",
            "note": "self",
        }
        return self._draft(
            "access.answered",
            detail,
            subject=person.number,
            session=self._mark,
            presence="card/citizen",
            relationship="self-natural",
            purpose="self",
            basis="SELF",
            mode="cached",
            as_of=PUBLISHED_MS,
            policy=1,
            outcome="answered",
            object=case_no,
        )

    def _case(self, person: SubjectRecord, case_no: str) -> Draft:
        detail: dict[str, DetailValue] = {
            "case": case_no,
            "matter": MATTER,
            "state": "opened",
            "subject_number": person.number,
            "subject_name": person.name,
            "phone": f"1{self.rnd.randrange(3 * 10**9, 10**10)}",
            "due": PUBLISHED_MS + 7 * 86_400_000,
            "note": "",
        }
        return self._draft(
            "case.opened",
            detail,
            subject=person.number,
            mode="cached",
            outcome="opened",
            object=case_no,
            policy=1,
        )

    def _report(self, person: SubjectRecord, case_no: str) -> list[Draft]:
        serial = f"QZ-{self._region}-{YEAR}-{self._number:06d}"
        stated = facts_bytes(facts(person, sample.records_for(self._number, person)))
        issued: dict[str, DetailValue] = {
            "serial": serial,
            "subject_number": person.number,
            "subject_name": person.name,
            "matter": MATTER,
            "facts_digest": hashlib.sha256(stated).digest(),
            "facts": stated,
            "status": "provisional",
            "as_of": PUBLISHED_MS,
        }
        spent: dict[str, DetailValue] = {"matter": MATTER, "units": 1, "year": YEAR}
        paper: dict[str, DetailValue] = {
            "serial": serial,
            "sheet": f"A{self._number:07d}",
            "file_digest": self.rnd.randbytes(32),
            "reason": "",
        }
        return [
            self._draft(
                "quota.spent",
                spent | {"subject_number": person.number},
                subject=person.number,
                mode="cached",
                outcome="free",
                object=MATTER,
            ),
            self._draft(
                "report.issued",
                issued,
                subject=person.number,
                purpose="self",
                basis="SELF",
                mode="cached",
                as_of=PUBLISHED_MS,
                policy=1,
                outcome="provisional",
                object=case_no,
            ),
            self._draft("report.printed", paper, outcome="copy-1", object=serial),
            self._draft("report.handed_over", paper, outcome="copy-1", object=serial),
        ]
