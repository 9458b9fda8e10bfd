"""Entries as a hall's windows leave them: drafts for the node's own store, not rows made up beside it."""

from collections.abc import Iterator
from random import Random

from edge.store.draft import Draft
from matters import sample
from matters.records import SubjectRecord
from sync.messages.registry import DetailValue

REGION = "330102"
YEAR = 2026
CLERKS = tuple((f"clerk.{n}", str(n), f"clerk.{n}@19aa{n:07x}") for n in range(1, 9))
SHOWN = "licence,penalty,judgment,honour,commitment,arrears"


def accesses(seed: int, count: int) -> Iterator[Draft]:
    """Accesses given from the cache at eight windows: nine in ten answered, the others denied or deferred."""
    rnd = Random(seed)
    people = list(sample.people(seed, max(1, count // 3), REGION))
    for number in range(count):
        yield _access(rnd, rnd.choice(people), number)


def _access(rnd: Random, person: SubjectRecord, number: int) -> Draft:
    staff, window, session = rnd.choice(CLERKS)
    outcome = rnd.choices(("answered", "denied", "deferred"), (90, 4, 6))[0]
    case = "" if outcome == "denied" else f"{REGION}-{YEAR}-C-{number:05d}"
    detail: dict[str, DetailValue] = {
        "subject_number": person.number,
        "subject_name": person.name,
        "requester_number": person.number,
        "requester_name": person.name,
        "matter": "public-credit.self",
        "case": case,
        "request_id": rnd.randbytes(16).hex(),
        "shown": SHOWN if outcome == "answered" else "",
        "note": "self",
    }
    return Draft(
        kind=f"access.{outcome}",
        subject=person.number,
        actor=staff,
        role="clerk",
        window=window,
        session=session,
        presence="card/citizen",
        relationship="self-natural",
        purpose="self",
        basis="SELF",
        mode="deferred" if outcome == "deferred" else "cached",
        as_of=1_795_000_000_000 + 3_600_000 * (number // 4000) if outcome == "answered" else 0,
        policy=1,
        outcome=outcome if outcome == "answered" else "needs-the-line",
        object=case,
        detail=detail,
    )
