"""Deep check with a node (protocol 10): our bodies hashed again, shown tile by tile to who descends.

`rehash` walks every stored body and keeps the upper levels of what it hashed (32 bytes a 256 entries) in a
file; `shown` answers a node's questions from it, leaves always hashed anew. Without that file the stored
tiles speak for the upper levels: good enough to find what differs on the node's side.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec

from central.actions import mailbox
from central.actions.centre import AdminSession, Centre
from central.actions.findings import corrected, new_finding, raised
from central.actions.gathered import Source
from central.actions.own_ledger import Draft, drafted, record
from central.errors import NotFound
from central.security.permissions import require
from central.store import deep_checks, fleet, ledger, reconciling, trail
from central.store.database import Tx
from central.store.deep_checks import DeepCheck, Said
from central.store.durable import write_durably
from central.store.fleet import Identity
from central.store.reconciling import Finding
from matters.calendar import china_day
from matters.model import Words
from sync.batch.file import build_sealed
from sync.ledger.descent import Ask, Rehashed, encode, show, widths
from sync.ledger.entry import leaf_hash
from sync.ledger.proofs import HASH_BYTES, fold
from sync.ledger.tree import TILE_BYTES, TILE_WIDTH

FOLDER = "courier"
READ_ENTRIES = 4096
EVERY_MS = 30 * 86_400_000
ASKED_MAX = 20
INDEX_DIGITS_MAX = 18
SAME = "recount-same"
DIFFERS = "copies-differ"
_ABSENT = bytes(HASH_BYTES)


class RecountAsked(msgspec.Struct, frozen=True, kw_only=True):
    """What `recount` prepared; the node says what it found as an entry of its ledger."""

    node: str
    origin: str
    size: int
    files: tuple[str, ...]


class _Tiles:
    """Tiles read ahead for one answer."""

    def __init__(self, held: dict[tuple[int, int], bytes]) -> None:
        self._held = held

    def get(self, level: int, index: int) -> bytes:
        return self._held.get((level, index), b"")


async def recount(centre: Centre, admin: AdminSession, node: str, folder: Path | None = None) -> RecountAsked:
    """Hash everything stored of a node again and ask it to descend; with `folder` also by stick.

    Linear in entries. The letter and the file are durable when this returns. Raises NotFound.
    """
    require(admin.role, "check.run")
    async with centre.store.reading() as tx:
        identity = await fleet.current(tx, node)
    if identity is None:
        raise NotFound("没有这个节点，或它从未登记。", "there is no such node, or it never enrolled")
    draft = drafted(admin, "admin.changed", "")
    found = await _ask(centre, identity, "demand", draft)
    files = (await _on_a_stick(centre, identity, found, folder),) if folder else ()
    return RecountAsked(node=node, origin=identity.origin, size=found.size, files=files)


async def when_due(centre: Centre) -> int:
    """The job: ask whoever is due, by what the store says of the last time; how many were asked.

    Due is a ledger not checked for thirty days, and a new incarnation (after a restore, a rollback).
    """
    async with centre.store.reading() as tx:
        waiting = await deep_checks.due(tx, centre.now_ms() - EVERY_MS, ASKED_MAX)
    for identity, reason in waiting:
        await _ask(centre, identity, reason, Draft(kind="mark", actor="centre"))
    return len(waiting)


async def _ask(centre: Centre, identity: Identity, reason: str, draft: Draft) -> Rehashed:
    """Hash again, keep the levels, write the letter; all durable when this returns."""
    found = await rehash(centre, identity.origin)
    await asyncio.to_thread(write_durably, _path(centre, identity.node), msgspec.msgpack.encode(found))
    asked = DeepCheck(origin=identity.origin, asked_ms=centre.now_ms(), size=found.size, reason=reason)
    async with centre.store.transaction() as tx:
        await deep_checks.add(tx, asked)
        await mailbox.post(centre, tx, identity.origin, [("recount", {"note": f"至第 {found.size} 条"})])
        about = f"recount {identity.origin} {found.size}"
        await record(centre, tx, msgspec.structs.replace(draft, object=about))
    return found


async def heard(centre: Centre, tx: Tx, source: Source, said: Sequence[Said]) -> None:
    """What the node found, in the transaction of its entries: a finding, or, equal copies, the end of one."""
    for one in said:
        await deep_checks.hear(tx, source.origin, one)
        if one.outcome == SAME:
            await _level(centre, tx, source, _number(one.about, "size-"))
            continue
        await raised(centre, tx, await _difference(centre, tx, source, one))


async def _level(centre: Centre, tx: Tx, source: Source, size: int) -> None:
    """Both copies of the first `size` entries are the same: what was found among them is no longer there."""
    for known in await reconciling.findings(tx, node=source.node, state="open"):
        if known.origin == source.origin and known.code == DIFFERS and _number(known.object, "entry-") < size:
            await corrected(centre, tx, known)


def _number(about: str, before: str) -> int:
    number = about.removeprefix(before)
    return int(number) if number.isdecimal() and len(number) <= INDEX_DIGITS_MAX else 0


async def _difference(centre: Centre, tx: Tx, source: Source, said: Said) -> Finding:
    """The finding, owned by whoever's copy no longer hashes to what both sides signed."""
    index = _number(said.about, "entry-")
    rows = await trail.entries(tx, source.origin, index, index + 1)
    signed = await ledger.leaf_hashes(tx, source.origin, index, index + 1)
    ours_holds = bool(rows) and bool(signed) and leaf_hash(rows[0].leaf) == signed[0]
    owner = "hall" if ours_holds else "centre"
    day = china_day(said.occurred_ms).isoformat()
    zh, en = ("大厅", "hall's") if ours_holds else ("中心", "centre's")
    return new_finding(
        centre,
        source.origin,
        day=day,
        code=DIFFERS,
        about=said.about,
        words=Words(
            zh=f"深度核对：自第 {index} 条起两份台账不同，{zh}的副本与签名不符",
            en=f"deep check: copies differ from entry {index}; the {en} is not what was signed",
        ),
        owner=owner,
    )


async def _on_a_stick(centre: Centre, identity: Identity, found: Rehashed, folder: Path) -> str:
    sealed = build_sealed(
        "down",
        msgspec.msgpack.encode(found),
        origin=centre.origin,
        destination=identity.origin,
        key=centre.keys.signing,
        recipients=(identity.sealing,),
        now_ms=centre.now_ms(),
    )
    path = folder / f"recount-{identity.node}.yzb"
    await asyncio.to_thread(write_durably, path, sealed)
    return str(path)


async def rehash(centre: Centre, origin: str) -> Rehashed:
    """The upper levels over every stored body of an origin, hashed now; a body that is gone is zeros."""
    async with centre.store.reading() as tx:
        head = await ledger.head(tx, origin)
        leaves, first_level = b"", b""
        for first in range(0, head.size, READ_ENTRIES):
            end = min(first + READ_ENTRIES, head.size)
            rows = {row.idx: row.leaf for row in await trail.entries(tx, origin, first, end)}
            leaves += await asyncio.to_thread(_hashes, rows, first, end)
            whole = len(leaves) // TILE_BYTES * TILE_BYTES
            tiles = [fold(leaves[at : at + TILE_BYTES]) for at in range(0, whole, TILE_BYTES)]
            first_level, leaves = first_level + b"".join(tiles), leaves[whole:]
    levels = [first_level]
    for _ in widths(head.size)[2:]:
        below = levels[-1]
        whole = len(below) // TILE_BYTES * TILE_BYTES
        levels.append(b"".join(fold(below[at : at + TILE_BYTES]) for at in range(0, whole, TILE_BYTES)))
    return Rehashed(origin=origin, size=head.size, levels=tuple(levels), edge=leaves)


def _hashes(rows: dict[int, bytes], first: int, end: int) -> bytes:
    return b"".join(leaf_hash(rows[index]) if rows.get(index) else _ABSENT for index in range(first, end))


async def shown(centre: Centre, identity: Identity, ask: Ask) -> bytes:
    """The answer to one question of the node about its own ledger, encoded.

    Raises NotFound where we hold fewer entries than it asks about, Malformed for a tile that cannot be.
    """
    async with centre.store.reading() as tx:
        head = await ledger.head(tx, identity.origin)
        if ask.size > head.size:
            raise NotFound("中心没有这么多条目。", f"we hold {head.size} entries of this ledger")
        counts = widths(max(1, ask.size))
        wanted = {
            (ask.level, ask.index),
            *((level, count // TILE_WIDTH) for level, count in enumerate(counts)),
        }
        again = await asyncio.to_thread(_kept, centre, identity, ask.size)
        held: dict[tuple[int, int], bytes] = {}
        for level, index in sorted(wanted):
            if not 0 <= level < len(counts):
                continue
            first, end = index * TILE_WIDTH, min((index + 1) * TILE_WIDTH, counts[level])
            if again is not None and level:
                at = again.levels[level - 1]
                held[level, index] = at[first * HASH_BYTES : end * HASH_BYTES]
            elif level:
                held[level, index] = await ledger.hashes(
                    tx, identity.origin, level, first, max(0, end - first)
                )
            elif end > first:
                rows = {row.idx: row.leaf for row in await trail.entries(tx, identity.origin, first, end)}
                held[level, index] = _hashes(rows, first, end)
    return encode(await asyncio.to_thread(show, _Tiles(held), ask))


def _kept(centre: Centre, identity: Identity, size: int) -> Rehashed | None:
    """What `recount` hashed last, where it covers the question."""
    path = _path(centre, identity.node)
    if not path.exists():
        return None
    found = msgspec.msgpack.decode(path.read_bytes(), type=Rehashed)
    return found if found.origin == identity.origin and found.size >= size else None


def _path(centre: Centre, node: str) -> Path:
    return centre.data / FOLDER / f"recount-{node}.tiles"
