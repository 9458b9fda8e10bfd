"""Report files after their entries (protocol 3 and 10): we say which we lack, nodes bring chunks, none waits.

A chunk is sealed for storage under DATA/files before its row says so; a file counts once all chunks are there
and the whole has the digest that the paper's leaf names. A file nobody's paper names is refused.
"""

import asyncio
import base64
import hashlib
from collections.abc import Iterable
from pathlib import Path

import msgspec
import structlog

from central.actions.centre import AdminSession, Centre
from central.actions.own_ledger import act, drafted
from central.errors import NotFound, StoreRefused
from central.security.permissions import require
from central.settings import DAY_MS
from central.store import files
from central.store.durable import write_durably
from central.store.files import Lacking, Whole
from central.store.fleet import Identity
from matters.model import Words
from sync.batch.file import open_sealed
from sync.errors import Malformed
from sync.messages.blob import Chunk, count, decode
from sync.messages.registry import kind

log = structlog.get_logger("files")
FOLDER = "files"
PURPOSE = "report-file"
WANTED_MAX = 64
LISTED_MAX = 10_000
PARTS = 7
"""Nights in which every whole file is read back once."""
READ_FILES = 200
PRINTED = [kind("report.printed").number, kind("report.reprinted").number]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A file we lack: its digest (base64), whose report it is of, the chunks we hold already."""

    digest: str
    serial: str
    have: tuple[int, ...]


class LackingRow(msgspec.Struct, frozen=True, kw_only=True):
    """The same for people."""

    origin: str
    serial: str
    digest: str
    have: int


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a chunk: whether its file is whole now."""

    whole: bool


async def wanted(centre: Centre, identity: Identity, skip: int = 0) -> tuple[Wanted, ...]:
    """What this node should bring next, oldest first, at most 64 files after the first `skip`."""
    found = await _lacking(centre, identity.node, WANTED_MAX, skip)
    return tuple(
        Wanted(digest=base64.b64encode(one.digest).decode(), serial=one.serial, have=one.have)
        for one in found
    )


async def _lacking(centre: Centre, node: str, limit: int, skip: int = 0) -> list[Lacking]:
    """As the store has it, without chunks whose file is gone from DATA/files: they are brought again."""
    async with centre.store.reading() as tx:
        found = await files.lacking(tx, node, PRINTED, limit, skip)
    return await asyncio.to_thread(
        lambda: [msgspec.structs.replace(one, have=_held(centre, one.digest, one.have)) for one in found]
    )


def _held(centre: Centre, digest: bytes, numbers: Iterable[int]) -> tuple[int, ...]:
    return tuple(number for number in numbers if _path(centre, digest, number).exists())


async def lacking(centre: Centre, admin: AdminSession, node: str = "") -> tuple[LackingRow, ...]:
    """Every file we lack of a node ("" of all), by serial."""
    require(admin.role, "reports.read")
    found = await _lacking(centre, node, LISTED_MAX)
    return tuple(
        LackingRow(origin=one.origin, serial=one.serial, digest=one.digest.hex(), have=len(one.have))
        for one in found
    )


async def take(centre: Centre, identity: Identity, sealed: bytes) -> Taken:
    """One sealed chunk from the node that signed it; durable when this returns, harmless when repeated.

    Raises SyncError for bytes that are no such chunk, NotFound for a file that no paper of this node names,
    Malformed where the chunks together are another file: then it is begun again.
    """
    one = await asyncio.to_thread(_opened, centre, identity, sealed)
    async with centre.store.reading() as tx:
        origin = await files.place(tx, identity.node, one.digest)
    if origin is None:
        raise NotFound("没有报告用到这个文件。", "no report of this node names such a file")
    kept = centre.keys.seal(PURPOSE, _place(one.digest, one.number), one.body)
    await asyncio.to_thread(write_durably, _path(centre, one.digest, one.number), kept)
    async with centre.store.transaction() as tx:
        await files.add_chunk(tx, origin, one.digest, one.number, one.size, centre.now_ms())
        noted = await files.chunks(tx, origin, one.digest)
        held = await asyncio.to_thread(_held, centre, one.digest, noted)
        if len(held) < count(one.size):
            return Taken(whole=False)
        if await asyncio.to_thread(_joined, centre, one.digest, one.size) is not None:
            await files.add_whole(tx, origin, one.digest, one.serial, one.size, centre.now_ms())
            return Taken(whole=True)
        await files.forget_chunks(tx, origin, one.digest)
    raise Malformed("the chunks together are another file than the leaf names")


def _opened(centre: Centre, identity: Identity, sealed: bytes) -> Chunk:
    publics = {identity.origin: identity.signing}
    _, payload = open_sealed(sealed, centre.keys.sealing, publics.get, kind="blob", destination=centre.origin)
    return decode(payload)


async def read(centre: Centre, admin: AdminSession, origin: str, digest: bytes) -> bytes:
    """A whole file, for an audit; the look is on the ledger first. Raises NotFound.

    So it does for one whose bytes are gone from DATA/files or changed there; that one is asked for again.
    """
    require(admin.role, "reports.read")
    async with centre.store.reading() as tx:
        kept = await files.whole(tx, origin, digest)
    if kept is None:
        raise NotFound("中心没有这份文件。", "the centre does not hold this file")
    draft = drafted(admin, "admin.read", "report file", digest.hex())
    await act(centre, draft)
    content = await _looked_at(centre, kept)
    if content is None:
        raise NotFound(
            "中心盘上的这份文件已不完整。", "the file is not whole on the centre's disk", next_words=_AGAIN
        )
    return content


async def look_over(centre: Centre) -> int:
    """The nightly job: a seventh of the whole files read back; how many are not what they were.

    Those are asked for again (`lacking`), as after a backup of the database that is newer than DATA/files;
    one that is what it was again, because DATA/files was put back, is not.
    """
    after, lost = ("", b""), 0
    while found := await _of_tonight(centre, after):
        for one in found:
            lost += await _looked_at(centre, one) is None
        after = found[-1].origin, found[-1].digest
    return lost


async def _of_tonight(centre: Centre, after: tuple[str, bytes]) -> list[Whole]:
    async with centre.store.reading() as tx:
        return await files.wholes(tx, centre.now_ms() // DAY_MS % PARTS, PARTS, after, READ_FILES)


async def _looked_at(centre: Centre, one: Whole) -> bytes | None:
    """A whole file as it is on the disk, None where it is not; what changed of that is noted."""
    content = await asyncio.to_thread(_joined, centre, one.digest, one.size)
    if one.lost != (content is None):
        log.warning("files", code="file-lost" if content is None else "file-regained", origin=one.origin)
        async with centre.store.transaction() as tx:
            if content is None:
                await files.lose(tx, one.origin, one.digest, centre.now_ms())
            else:
                await files.regain(tx, one.origin, one.digest)
    return content


def _joined(centre: Centre, digest: bytes, size: int) -> bytes | None:
    """The whole file; None where chunks are gone or do not open, or it is another."""
    try:
        content = b"".join(
            centre.keys.unseal(PURPOSE, _place(digest, number), _path(centre, digest, number).read_bytes())
            for number in range(count(size))
        )
    except (OSError, StoreRefused):
        return None
    return content if len(content) == size and hashlib.sha256(content).digest() == digest else None


_AGAIN = Words(
    zh="已重新向节点要求；节点送来后再看。如节点已无此文件，请由 DATA/files 的备份恢复。",
    en="The node is asked for it again; look once it came. If the node has it no more, restore DATA/files.",
)


def _place(digest: bytes, number: int) -> bytes:
    return digest + number.to_bytes(4, "big")


def _path(centre: Centre, digest: bytes, number: int) -> Path:
    name = digest.hex()
    return centre.data / FOLDER / name[:2] / f"{name}-{number}"
