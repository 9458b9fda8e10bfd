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

from central.actions.centre import AdminSession, Centre
from central.actions.own_ledger import Draft, act
from central.errors import NotFound
from central.security.permissions import require
from central.store import files
from central.store.durable import write_durably
from central.store.files import Lacking
from central.store.fleet import Identity
from sync.batch.file import open_sealed
from sync.errors import Malformed
from sync.messages.blob import Chunk, count, decode
from sync.messages.registry import kind

FOLDER = "files"
PURPOSE = "report-file"
WANTED_MAX = 64
LISTED_MAX = 10_000
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
        content = await asyncio.to_thread(_joined, centre, one.digest, count(one.size))
        if hashlib.sha256(content).digest() == one.digest and len(content) == one.size:
            await files.add_whole(tx, origin, one.digest, one.serial, one.size, centre.now_ms())
            return Taken(whole=True)
        await files.forget_chunks(tx, origin, one.digest)
    raise Malformed("the chunks together are another file than the leaf names")


def _opened(centre: Centre, identity: Identity, sealed: bytes) -> Chunk:
    publics = {identity.origin: identity.signing}
    _, payload = open_sealed(sealed, centre.keys.sealing, publics.get, kind="blob", destination=centre.origin)
    return decode(payload)


async def read(centre: Centre, admin: AdminSession, origin: str, digest: bytes) -> bytes:
    """A whole file, for an audit; the look is on the ledger first. Raises NotFound."""
    require(admin.role, "reports.read")
    async with centre.store.reading() as tx:
        size = await files.whole(tx, origin, digest)
    if size is None:
        raise NotFound("中心没有这份文件。", "the centre does not hold this file")
    draft = Draft(
        kind="admin.read",
        actor=admin.admin,
        role=admin.role,
        window=admin.place,
        object="report file",
        note=digest.hex(),
    )
    await act(centre, draft)
    return await asyncio.to_thread(_joined, centre, digest, count(size))


def _joined(centre: Centre, digest: bytes, many: int) -> bytes:
    return b"".join(
        centre.keys.unseal(PURPOSE, _place(digest, number), _path(centre, digest, number).read_bytes())
        for number in range(many)
    )


def _place(digest: bytes, number: int) -> bytes:
    return digest + number.to_bytes(4, "big")


def _path(centre: Centre, digest: bytes, number: int) -> Path:
    name = digest.hex()
    return centre.data / FOLDER / name[:2] / f"{name}-{number}"
