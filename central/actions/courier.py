"""The courier at the centre.

The same sealed batches from a stick, and the answer back onto it (protocol section 3).

Importing is `ingest.exchange`, so a stick imported twice, late or beside the network changes nothing. The
newest batch of each node is kept under DATA/courier; exporting takes it in once more, harmlessly, for an
acknowledgement of today, and writes it with every pack the node still lacks. The stick is safe to remove
when `export` returns.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec

from central.actions import adopt, enrol, files, fulfil, incarnations, ingest, offers
from central.actions.centre import AdminSession, Centre
from central.actions.own_ledger import Draft, act
from central.errors import FileRefused, NotFound, Refused
from central.security.permissions import require
from central.store import fleet, ledger
from central.store.durable import has_room, write_durably
from matters.model import Words
from sync.batch.file import build_sealed
from sync.batch.header import claimed_header, header_length, parse_header
from sync.errors import LimitExceeded, PackRefused, SyncError
from sync.messages import introduction
from sync.packs.release import PackRef, plan
from sync.signing import cose

SUFFIX = ".yzb"
PACK_SUFFIX = ".yzp"


class FileTaken(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one file. `code` and `next` say why it was refused; empty when it was taken."""

    file: str
    origin: str
    size: int
    countersigned: int
    code: str = ""
    next: str = ""


class Carried(msgspec.Struct, frozen=True, kw_only=True):
    """What of a scope lies on the stick: the version it leads to, its files and their bytes."""

    scope: str
    version: int
    files: int
    bytes: int


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """What lies on the stick for a node: its files, their bytes in all, and packs by scope."""

    node: str
    files: tuple[str, ...]
    bytes: int
    packs: tuple[Carried, ...] = ()


_WHICH_NODE = Words(
    zh="请核对节点编号；central check 列出全部节点。", en="Check the node's id; central check lists all."
)
_BRING = Words(
    zh="请先用 central import 导入该节点送来的文件，再导出回执。",
    en="First take in the node's file with central import, then write the answer.",
)


async def import_files(centre: Centre, admin: AdminSession, paths: Sequence[Path]) -> tuple[FileTaken, ...]:
    """Take in batches in the order of their names; one bad file does not stop the others."""
    require(admin.role, "courier.import")
    taken = [await _one(centre, path) for path in sorted(paths, key=lambda path: path.name)]
    good = sum(not one.code for one in taken)
    draft = Draft(
        kind="courier.imported",
        actor=admin.admin,
        role=admin.role,
        window=admin.place,
        object=f"{good} of {len(taken)} files",
        outcome="ok" if good == len(taken) else "refused",
    )
    await act(centre, draft)
    return tuple(taken)


async def _one(centre: Centre, path: Path) -> FileTaken:
    try:
        content = await asyncio.to_thread(_read, path, centre.settings.batch_bytes_max)
        if content.startswith(introduction.MAGIC):
            return await _request(centre, path, content)
        return await _sealed(centre, path, content)
    except (FileRefused, NotFound) as error:
        return _refused(path, error.code, f"{error.words.zh} {error.words.en}")
    except SyncError as error:
        return _refused(path, error.code, f"{error.next_zh} {error.next_en}")
    except MemoryError:
        return _refused(path, LimitExceeded.code, f"{LimitExceeded.next_zh} {LimitExceeded.next_en}")


async def _sealed(centre: Centre, path: Path, content: bytes) -> FileTaken:
    """A batch of entries, or a chunk of a report file; what is neither is refused by whoever opens it."""
    origin = _claimed(content)
    async with centre.store.reading() as tx:
        identity = await fleet.identity(tx, origin)
    if identity is not None and claimed_header(content).kind == "blob":
        await files.take(centre, identity, content)
    else:
        await ingest.exchange(centre, content, "courier")
        if identity is not None:
            await asyncio.to_thread(write_durably, _kept(centre, identity.node, SUFFIX), content)
    async with centre.store.reading() as tx:
        head = await ledger.head(tx, origin)
    return FileTaken(file=path.name, origin=origin, size=head.size, countersigned=head.countersigned)


async def _request(centre: Centre, path: Path, content: bytes) -> FileTaken:
    """An enrolment or a new incarnation asked for; kept, so that the answer can be written when it is due.

    A certificate waits for the officer's approval; its answer is the next acknowledgement.
    """
    if introduction.peek(content)[0] == "certificate":
        origin, asked = await adopt.by_stick(centre, content)
        return FileTaken(file=path.name, origin=f"{origin} {asked}", size=0, countersigned=0)
    done = await enrol.by_stick(centre, content)
    no = done.refusal
    if no is None or no.code == incarnations.WAITING:
        await asyncio.to_thread(write_durably, _kept(centre, done.node, introduction.SUFFIX), content)
    if no is not None:
        return _refused(path, no.code, f"{no.message.zh} {no.next.zh} {no.message.en} {no.next.en}")
    return FileTaken(file=path.name, origin=f"node {done.node}", size=0, countersigned=0)


def _kept(centre: Centre, node: str, suffix: str) -> Path:
    return centre.data / "courier" / f"{node}{suffix}"


def _refused(path: Path, code: str, why: str) -> FileTaken:
    return FileTaken(file=path.name, origin="", size=0, countersigned=0, code=code, next=why)


def _claimed(batch: bytes) -> str:
    """The origin a batch's header names; verified by the ingest."""
    return cose.key_id(batch[8 : 8 + header_length(batch[:8])]).decode("utf-8", "replace")


def _read(path: Path, bytes_max: int) -> bytes:
    try:
        if path.stat().st_size > bytes_max:
            raise FileRefused(f"{path.name} 过大。", f"{path.name} is too large")
        return path.read_bytes()
    except OSError as error:
        raise FileRefused(f"读不到 {path.name}。", f"cannot read {path.name}") from error


async def export(centre: Centre, admin: AdminSession, node: str, folder: Path) -> Exported:
    """Write what the node waits for into `folder`, each file read back and compared.

    The answer to its enrolment or new incarnation, its acknowledgement, the packs it lacks, the list of the
    report files we lack. Raises NotFound for a node nobody created or of which nothing came by courier yet,
    Refused while officers have not approved, Trouble when the stick has no room for all of it (nothing is
    written then) or gives back other bytes.
    """
    require(admin.role, "courier.export")
    async with centre.store.reading() as tx:
        if await fleet.node(tx, node) is None:
            raise NotFound("没有这个节点。", "there is no such node", next_words=_WHICH_NODE)
    written, packs = await _answer(centre, node), tuple[Carried, ...]()
    kept = _kept(centre, node, SUFFIX)
    batch = await asyncio.to_thread(kept.read_bytes) if await asyncio.to_thread(kept.exists) else b""
    if batch and _claimed(batch) == await _origin(centre, node):
        await fulfil.fulfil(centre, _claimed(batch))
        written |= {f"centre-{node}{SUFFIX}": await ingest.exchange(centre, batch, "courier")}
        files_of, packs = await _packs(centre, node, batch)
        written |= await _wanted(centre, node) | files_of
    if not written:
        raise NotFound(
            "该节点还没有经信使送来数据包。", "no batch of this node came by courier yet", next_words=_BRING
        )
    total = sum(map(len, written.values()))
    await asyncio.to_thread(has_room, folder, total)
    for name, content in written.items():
        await asyncio.to_thread(write_durably, folder / name, content)
    draft = Draft(
        kind="courier.exported",
        actor=admin.admin,
        role=admin.role,
        window=admin.place,
        object=f"node {node}, {len(written)} files",
    )
    await act(centre, draft)
    return Exported(node=node, files=tuple(written), bytes=total, packs=packs)


async def _origin(centre: Centre, node: str) -> str:
    """The newest incarnation; what an older one sent is answered by nobody."""
    async with centre.store.reading() as tx:
        identity = await fleet.current(tx, node)
    return identity.origin if identity else ""


async def _answer(centre: Centre, node: str) -> dict[str, bytes]:
    """The answer to the request this node sent on a stick; nothing once the node has written with it."""
    kept = _kept(centre, node, introduction.SUFFIX)
    if not await asyncio.to_thread(kept.exists):
        return {}
    done = await enrol.by_stick(centre, await asyncio.to_thread(kept.read_bytes))
    if done.refusal is None:
        return {f"centre-{node}{introduction.SUFFIX}": done.answer}
    if done.refusal.code == incarnations.WAITING:
        raise Refused(done.refusal.message.zh, done.refusal.message.en, next_words=done.refusal.next)
    await asyncio.to_thread(kept.unlink)
    return {}


async def _wanted(centre: Centre, node: str) -> dict[str, bytes]:
    """The report files we lack of this node, as a list sealed to it; no file where none is lacking."""
    async with centre.store.reading() as tx:
        identity = await fleet.current(tx, node)
    lacking = await files.wanted(centre, identity) if identity else ()
    if identity is None or not lacking:
        return {}
    sealed = build_sealed(
        "down",
        msgspec.json.encode({"wanted": lacking}),
        origin=centre.origin,
        destination=identity.origin,
        key=centre.keys.signing,
        recipients=(identity.sealing,),
        now_ms=centre.now_ms(),
    )
    return {f"centre-{node}-files{SUFFIX}": sealed}


async def _packs(centre: Centre, name: str, batch: bytes) -> tuple[dict[str, bytes], tuple[Carried, ...]]:
    """The packs, repairs and state files that lead a node from what its batch says it holds to the newest."""
    async with centre.store.reading() as tx:
        node = await fleet.node(tx, name)
        identity = await fleet.identity(tx, _claimed(batch))
        if node is None or identity is None:
            raise NotFound("没有这个节点。", "there is no such node")
        prefix = batch[: 8 + header_length(batch[:8])]
        wishes = parse_header(prefix, lambda _: identity.signing).header.needs
        offered = await offers.offers(centre, tx, node, wishes)
    wanted, carried = dict[str, bytes](), list[Carried]()
    for one in offered:
        found = await asyncio.to_thread(_files_of, centre, one)
        wanted |= found
        if found:
            scope, version = one.release.scope, one.release.version
            many = sum(map(len, found.values()))
            carried.append(Carried(scope=scope, version=version, files=len(found), bytes=many))
    return wanted, tuple(carried)


def _files_of(centre: Centre, offer: offers.Offer) -> dict[str, bytes]:
    """The files of an offer by their names on a stick; releases of older programs have no state file."""
    steps = _steps(offer)
    digests = [*(pack.digest for pack in steps), *([offer.release.state_root] if steps else [])]
    paths = {digest: centre.data / "packs" / digest.hex() for digest in digests}
    return {
        f"{digest.hex()[:32]}{PACK_SUFFIX}": path.read_bytes()
        for digest, path in paths.items()
        if path.exists()
    }


def _steps(offer: offers.Offer) -> list[PackRef]:
    try:
        return plan(offer.release, offer.held)
    except PackRefused:
        return plan(offer.release, 0)
