"""Subjects and records coming in.

Files by the million, resumable, rejects listed; synthetic ones; one changed.

A file is known by its digest: an import that was cut goes on after its last committed chunk, one that was
finished changes nothing. Rows replace what is stored only where they differ and are not older.
"""

import asyncio
import csv
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from central.actions import dossier, import_rows
from central.actions.centre import AdminSession, Centre
from central.actions.import_rows import RowFile
from central.actions.own_ledger import drafted, record
from central.errors import NotFound
from central.security.keys import Keyring
from central.security.permissions import require
from central.store import imports, records
from central.store.imports import Run
from central.store.records import RecordKept, SubjectKept
from matters import sample as synthetic
from matters.calendar import china_day
from matters.importing import HEADER, Reject, parse_row, write_row
from matters.records import Record, SubjectRecord

CHUNK_ROWS = 5000
"""Rows parsed, sealed and committed together."""
REJECTS_SHOWN_MAX = 1000
_PEOPLE_PER_ORGANISATION = 25

Progress = Callable[[int, int], None]
"""Called with (done, total): bytes of a text file, rows of a Parquet file."""


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """A line that was not taken, and why: Chinese, then English; never the line's own content."""

    line: int
    reason: str


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a file.

    `stored` counts rows that changed something; at most 1,000 rejects are listed.
    """

    read: int
    stored: int
    rejected: tuple[Rejected, ...]
    rejected_count: int
    resumed_after: int


class Sampled(msgspec.Struct, frozen=True, kw_only=True):
    """A synthetic file or import."""

    people: int
    organisations: int
    records: int
    bad: int
    file: str


class _Chunk(msgspec.Struct, frozen=True, kw_only=True):
    last: int
    read: int
    subjects: tuple[SubjectKept, ...]
    records: tuple[RecordKept, ...]
    rejected: tuple[tuple[int, str], ...]


async def import_file(
    centre: Centre, admin: AdminSession, path: Path, progress: Progress | None = None
) -> Imported:
    """Import one file. Each chunk of 5,000 rows is durable, with how far it came, before the next one begins.

    Raises FileRefused, and stores nothing, for a file that cannot be read, another kind of file, or a
    wrong header (the words name the columns).
    """
    require(admin.role, "records.import")
    rows = await asyncio.to_thread(RowFile, path)
    digest = await asyncio.to_thread(import_rows.digest, path)
    async with centre.store.transaction() as tx:
        run = await imports.begin(tx, digest, path.name, centre.now_ms())
    done = run if run.finished_ms else await _all(centre, rows, run, progress)
    async with centre.store.transaction() as tx:
        await imports.finish(tx, digest, centre.now_ms())
        shown = await imports.rejects(tx, digest, REJECTS_SHOWN_MAX)
        note = f"{done.read} read, {done.stored} stored, {done.rejected} rejected"
        await record(centre, tx, drafted(admin, "admin.changed", "records import", note))
    return Imported(
        read=done.read,
        stored=done.stored,
        rejected=tuple(Rejected(line=line, reason=reason) for line, reason in shown),
        rejected_count=done.rejected,
        resumed_after=run.lines_done,
    )


async def _all(centre: Centre, rows: RowFile, run: Run, progress: Progress | None) -> Run:
    """Commit chunk after chunk; the next one is parsed and sealed while one is written."""
    fresh = (row for row in rows.rows if row[0] > run.lines_done)
    done = run
    coming = asyncio.create_task(asyncio.to_thread(_next, centre.keys, fresh))
    try:
        while (chunk := await coming) is not None:
            coming = asyncio.create_task(asyncio.to_thread(_next, centre.keys, fresh))
            done = await _commit(centre, done, chunk)
            if progress is not None:
                progress(min(rows.done, rows.total), rows.total)
    finally:
        coming.cancel()
    return done


def _next(keys: Keyring, rows: Iterator[import_rows.Numbered]) -> _Chunk | None:
    """The next rows parsed and sealed; None at the end of the file."""
    numbered = list(itertools.islice(rows, CHUNK_ROWS))
    if not numbered:
        return None
    subjects: dict[bytes, SubjectKept] = {}
    kept: dict[tuple[bytes, str], RecordKept] = {}
    rejected: list[tuple[int, str]] = []
    for line, row in numbered:
        value = row if isinstance(row, Reject) else parse_row(row)
        if isinstance(value, Reject):
            rejected.append((line, f"{value.reason.zh} {value.reason.en}"))
        elif isinstance(value, SubjectRecord):
            sealed = seal_subject(keys, value)
            if sealed.ref not in subjects or subjects[sealed.ref].as_of_ms <= sealed.as_of_ms:
                subjects[sealed.ref] = sealed
        else:
            one = seal_record(keys, value)
            place = one.ref, one.record_id
            if place not in kept or kept[place].as_of_ms <= one.as_of_ms:
                kept[place] = one
    return _Chunk(
        last=numbered[-1][0],
        read=len(numbered),
        subjects=tuple(subjects.values()),
        records=tuple(kept.values()),
        rejected=tuple(rejected),
    )


async def _commit(centre: Centre, run: Run, chunk: _Chunk) -> Run:
    async with centre.store.transaction() as tx:
        await records.lock_publishing(tx, importing=True)
        stored = await records.write_subjects(tx, chunk.subjects)
        stored += await records.write_records(tx, chunk.records)
        done = msgspec.structs.replace(
            run,
            lines_done=chunk.last,
            read=run.read + chunk.read,
            stored=run.stored + stored,
            rejected=run.rejected + len(chunk.rejected),
        )
        await imports.advance(tx, done, chunk.rejected)
    return done


def seal_subject(keys: Keyring, value: SubjectRecord) -> SubjectKept:
    """A subject as it is stored."""
    ref, content = keys.ref(value.number), dossier.body(value)
    return SubjectKept(
        ref=ref,
        kind=value.kind,
        region=value.region,
        as_of_ms=value.as_of_ms,
        digest=keys.tag(content),
        body_sealed=keys.seal(dossier.SUBJECT, dossier.place(ref), content),
    )


def seal_record(keys: Keyring, value: Record) -> RecordKept:
    """A record as it is stored."""
    ref, content = keys.ref(value.subject), dossier.body(value)
    return RecordKept(
        ref=ref,
        record_id=value.id,
        category=value.category,
        openness=value.openness,
        source=value.source,
        as_of_ms=value.as_of_ms,
        digest=keys.tag(content),
        body_sealed=keys.seal(dossier.RECORD, dossier.place(ref, value.id), content),
    )


def sample_rows(people: int, seed: int, region: str, as_of_ms: int) -> Iterator[SubjectRecord | Record]:
    """Synthetic residents, one organisation for every 25 of them, and their records."""
    organisations = max(1, people // _PEOPLE_PER_ORGANISATION)
    subjects = itertools.chain(
        synthetic.people(seed, people, region, as_of_ms=as_of_ms),
        synthetic.organisations(seed, organisations, region, as_of_ms=as_of_ms),
    )
    for subject in subjects:
        yield subject
        yield from synthetic.records_for(seed, subject)


def sample_file(path: Path, rows: Iterator[SubjectRecord | Record], bad: int) -> Sampled:
    """Write a CSV file as a department would send it, with `bad` lines spoiled on purpose, spread over it."""
    counts = {"natural": 0, "legal": 0, "record": 0}
    planted = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, HEADER)
        writer.writeheader()
        for number, value in enumerate(rows, start=1):
            if planted < bad and number % _BAD_EVERY == 0:
                writer.writerow(_spoiled(write_row(value), planted))
                planted += 1
            writer.writerow(write_row(value))
            counts[value.kind if isinstance(value, SubjectRecord) else "record"] += 1
        for extra in range(planted, bad):
            writer.writerow(_spoiled(dict.fromkeys(HEADER, "?"), extra))
    return Sampled(
        people=counts["natural"],
        organisations=counts["legal"],
        records=counts["record"],
        bad=bad,
        file=path.name,
    )


_BAD_EVERY = 37


def _spoiled(row: dict[str, str], which: int) -> dict[str, str]:
    """A line as files in the field go wrong."""
    number = row["number"]
    last = "0" if number[-1:] != "0" else "1"
    ways = (
        {"number": number[:-1] + last},
        {"number": number[:-3]},
        {"as_of": "昨天"},
        {"row": "人员"},
        {"source": ""},
    )
    return row | ways[which % len(ways)]


async def change(centre: Centre, admin: AdminSession, number: str) -> str:
    """Add one synthetic licence to a subject, reported now: what a department's next delivery would bring.

    The id of the new record; durable when this returns, published by the next `publish`. Raises NotFound.
    """
    require(admin.role, "records.import")
    ref, now_ms = centre.keys.ref(number), centre.now_ms()
    async with centre.store.transaction() as tx:
        await records.lock_publishing(tx, importing=True)
        held = (await records.held(tx, [ref])).get(ref)
        found = dossier.opened(centre.keys, held) if held else None
        if found is None or found.subject is None:
            raise NotFound("中心没有该主体。", "the centre holds no such subject")
        fresh = _another(found.subject, len(found.records), now_ms)
        await records.write_records(tx, [seal_record(centre.keys, fresh)])
        await record(centre, tx, drafted(admin, "admin.changed", "record changed", fresh.id, ref=ref))
    return fresh.id


def _another(subject: SubjectRecord, count: int, now_ms: int) -> Record:
    return Record(
        id=f"C{now_ms:x}{count:03d}".upper(),
        subject=subject.number,
        category="licence",
        title="食品经营许可",
        fields={"许可编号": f"JY{count:04d}", "许可内容": "热食类食品制售"},
        source="县市场监管局",
        decided_on=china_day(now_ms),
        as_of_ms=now_ms,
        openness="public",
        kept_until=None,
        status="valid",
    )
