"""The dictionary of small frames: `python -m tests.bench.dictionary FILE` trains it anew on invented people.

`sync/codec/frames-1.zdict` was made so and never changes; a better one is `frames-2.zdict` and `NEWEST = 2`.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from random import Random

import zstandard

from edge.store.draft import Draft
from sync.codec.rows import Entry, FrameContext, Row
from sync.codec.squeeze import LEVEL
from sync.codec.table import write_table
from sync.messages import registry
from tests.bench.accesses import accesses
from tests.bench.day import Day, drafts

DICTIONARY_BYTES = 16 * 1024
REGIONS = ("340421", "340422", "340403")
DAYS = 30
GAP_MS = 60_000
SMALL = (1, 1, 1, 2, 3, 5, 10, 20, 50)
CONTEXT = FrameContext(subject_key=b"j" * 32, salt_keys=((0, b"s" * 32),))
ASIDE = ("ticket.taken", "ticket.called", "ticket.closed", "rating.given", "presence.read", "mark")


def main() -> None:
    """Write the dictionary where the command line says."""
    made = zstandard.train_dictionary(DICTIONARY_BYTES, list(_samples()), level=LEVEL)
    Path(sys.argv[1]).write_bytes(made.as_bytes())


def rows(
    made: Iterable[Draft], rnd: Random, *, context: FrameContext = CONTEXT, first: int | None = None
) -> list[Row]:
    """The drafts as the rows of a ledger, one about every minute, from index `first` on (or from any)."""
    at, boot, now_ms = rnd.randrange(100_000), rnd.randrange(1, 9), 1_795_000_000_000.0
    found = []
    for index, draft in enumerate(made, at if first is None else first):
        now_ms += 1 + rnd.expovariate(1 / GAP_MS)
        found.append(_row(draft, index, int(now_ms), boot, context))
    return found


def _row(draft: Draft, index: int, now_ms: int, boot: int, context: FrameContext) -> Row:
    entry = Entry(
        kind=registry.kind(draft.kind).number,
        index=index,
        hlc_ms=now_ms,
        boot=boot,
        actor=draft.actor,
        role=draft.role,
        window=draft.window,
        session=draft.session,
        subject_ref=context.reference(draft.subject),
        presence=draft.presence,
        relationship=draft.relationship,
        purpose=draft.purpose,
        basis=draft.basis,
        mode=draft.mode,
        as_of=draft.as_of,
        policy=draft.policy,
        outcome=draft.outcome,
        object=draft.object,
    )
    detail = registry.encode_detail(draft.kind, draft.detail)
    return Row(entry, detail, context.salt(index))


def _samples() -> Iterator[bytes]:
    """Small frames before they are compressed."""
    for seed in range(DAYS):
        rnd = Random(seed)
        day = list(drafts(1000 + seed, rnd.choice(REGIONS), Day(accesses=60, cases=20, reports=20)))
        day += [
            Draft(kind=kind, actor="", window="kiosk", object=f"A{rnd.randrange(999):03}") for kind in ASIDE
        ]
        for made in (rows(day, rnd), rows(accesses(1000 + seed, 100), rnd)):
            yield from (b"".join(write_table(part, CONTEXT)) for part in _parts(made, rnd))


def _parts(made: Sequence[Row], rnd: Random) -> Iterator[Sequence[Row]]:
    at = 0
    while at < len(made):
        many = rnd.choice(SMALL)
        yield made[at : at + many]
        at += many


if __name__ == "__main__":
    main()
