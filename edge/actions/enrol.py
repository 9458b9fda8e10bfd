"""Enrolment (protocol.md 1).

The key is made on the node, the one-time code buys a certificate and the first lease.
"""

import asyncio
import base64
import contextlib
import re
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from edge import settings as settings_file
from edge.actions import leases, stick, succession
from edge.errors import CentreRefused, CentreUnreachable, CourierRefused, FolderTrouble, Refused
from edge.store.clock import NodeClock
from edge.store.files import write_durably
from edge.store.identity import Seeds, read_secrets, seeds
from edge.store.store import Store, open_store
from edge.store.transaction import Transaction
from edge.uplink.line import Enrolled, Transport, Uplink, from_base64
from matters.model import Words
from sync.batch.view import CentreKeys
from sync.errors import UNREADABLE, SyncError
from sync.lease.lease import open_lease
from sync.messages import introduction
from sync.messages.incarnation import fingerprint
from sync.signing.certificate import Certificate, open_certificate
from sync.signing.keys import SealingKey, SigningKey
from sync.signing.notes import parse_vkey
from sync.signing.sealing import unseal

SUBJECT_KEY_INFO = b"yizhan/subject-key/1"
_ANSWERED_BY = "introduction"
"""The secret: the key under which the centre answers a request that went by stick."""
WAITING = "incarnation-waiting"
"""The centre's code while officers have not approved a new incarnation."""


class EnrolledAs(msgspec.Struct, frozen=True, kw_only=True):
    """Who the node now is."""

    origin: str
    name: str
    scopes: tuple[str, ...]
    leases: int


async def enrol(
    data: Path,
    url: str,
    code: str,
    *,
    clock: NodeClock | None = None,
    transport: Transport | None = None,
) -> EnrolledAs:
    """Make this folder a node of the centre at `url`. Everything is durable when this returns.

    Raises Refused when it is enrolled already, CentreRefused for a wrong or used code (then the folder is as
    it was before), CentreUnreachable, FolderTrouble. After a failure of the line the same keys are offered
    again: the centre may have used the code although its reply was lost.
    """
    with _as_before_when_refused(data):
        return await _enrolled(data, url, code, clock or NodeClock(), transport)


class Requested(msgspec.Struct, frozen=True, kw_only=True):
    """A request on a stick: its file, and the fingerprint of the keys to compare by phone."""

    file: str
    fingerprint: str
    next: Words


async def request(data: Path, code: str, folder: Path, *, clock: NodeClock | None = None) -> Requested:
    """The first of the two files of an enrolment by stick, written into `folder`; safe to remove on return.

    The keys, and what proves the code, are kept in the new folder for the answer (`accept`). Raises Refused
    when it is enrolled already, StickTrouble, CourierRefused, FolderTrouble.
    """
    with _as_before_when_refused(data):
        store = await open_store(data, settings_file.load(data), clock=clock, create=True)
        try:
            own, name = await _own_keys(store), introduction.locator(code)
            return await write_request(store, folder, name, introduction.code_key(code), keys_of(own))
        finally:
            await store.close()


async def accept(data: Path, file: Path, url: str = "", *, clock: NodeClock | None = None) -> EnrolledAs:
    """The second file: what the centre answered. As `enrol`, durable when this returns.

    Raises Refused when this folder asked for nothing, CourierRefused for a file that answers another request,
    was altered, or is of a later program; then nothing was changed.
    """
    own_clock = clock or NodeClock()
    store = await open_store(data, settings_file.load(data), clock=own_clock)
    try:
        own = await _own_keys(store)
        reply = await read_answer(store, file)
        return await _accepted(data, store, own, reply, url, own_clock)
    finally:
        await store.close()


def keys_of(own: Seeds) -> dict[str, Any]:
    """The public halves, as they stand in a request."""
    return {"signing": to_base64(own.signing.public), "sealing": to_base64(own.sealing.public)}


async def write_request(store: Store, folder: Path, name: str, key: bytes, body: dict[str, Any]) -> Requested:
    """A request of these keys onto the stick; the key its answer must be written with is kept first."""
    kept = [(_ANSWERED_BY, key)]
    await store.transact(lambda tx: tx.execute_many("INSERT OR REPLACE INTO secret VALUES (?,?)", kept))
    shown = fingerprint(from_base64(body["signing"]), from_base64(body["sealing"]))
    content = introduction.write("request", name, msgspec.json.encode(body), key)
    path = folder / f"enrol-{shown}{introduction.SUFFIX}"
    await asyncio.to_thread(stick.folder_of, folder)
    await asyncio.to_thread(stick.write_checked, path, content)
    return Requested(file=str(path), fingerprint=shown, next=_TO_CENTRE)


async def read_answer(store: Store, file: Path) -> Enrolled:
    """What the centre answered this store's request with. Raises Refused, CourierRefused."""
    content = await asyncio.to_thread(stick.read_foreign, file, introduction.FILE_BYTES_MAX)
    held = await store.read(lambda db: read_secrets(db.connection))
    if _ANSWERED_BY not in held:
        raise Refused("no request was written", message=_NOT_ASKED, step=_ASK_FIRST)
    try:
        body, _ = introduction.read("answer", content, lambda _: [held[_ANSWERED_BY]])
        return msgspec.json.decode(body, type=Enrolled)
    except (SyncError, *UNREADABLE) as error:
        _, _, zh, en = stick.describe(file.name, content[: stick.HEAD_BYTES])
        message = Words(
            zh=f"{file.name} 不是中心对本机这次申请的批复（{zh or '不是驿站的文件'}），未作任何改动。",
            en=f"{file.name} does not answer this machine ({en or 'not of Yizhan'}); nothing was changed.",
        )
        raise CourierRefused(str(error), message=message, step=_RIGHT_FILE) from error


@contextlib.contextmanager
def _as_before_when_refused(data: Path) -> Iterator[None]:
    """Make the folder; after a no of the centre remove what this try put there, and nothing else."""
    made = [path for path in (data, *data.parents) if not path.exists()]
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        before = set(data.iterdir())
    except OSError as error:
        raise FolderTrouble(error, str(data)) from error
    try:
        yield
    except CentreRefused as error:
        if error.centre_code == WAITING:  # the officers approve these very keys: they must be there next time
            raise
        for path in set(data.iterdir()) - before:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
        for path in made:
            path.rmdir()
        raise


async def _enrolled(
    data: Path, url: str, code: str, own_clock: NodeClock, transport: Transport | None
) -> EnrolledAs:
    store = await open_store(data, settings_file.load(data), clock=own_clock, create=True)
    try:
        own = await _own_keys(store)
        reply = await _ask(url, code, own, own_clock, transport)
        return await _accepted(data, store, own, reply, url, own_clock)
    finally:
        await store.close()


async def _accepted(
    data: Path, store: Store, own: Seeds, reply: Enrolled, url: str, own_clock: NodeClock
) -> EnrolledAs:
    kept, certificate, centre = take(reply, own)
    await store.transact(lambda tx: _keep(tx, kept, reply))
    await store.reload_identity()
    own_clock.trust(certificate.not_before_ms)
    await succession.finish(store)
    await store.transact(succession.open_ledger)
    count = await store.transact(lambda tx: take_leases(tx, reply, centre.signing, certificate.origin))
    name = certificate.origin.split("/")[2]
    found = re.search(r"\d{6}", name)
    if not (data / settings_file.FILE).exists():
        text = settings_file.first_text(
            centre=url,
            hall=certificate.name,
            region=found[0] if found else "",
            kind="bus" if name.startswith("bus") else "hall",
        )
        write_durably(data / settings_file.FILE, text.encode())
    return EnrolledAs(
        origin=certificate.origin, name=certificate.name, scopes=certificate.scopes, leases=count
    )


async def _own_keys(store: Store) -> Seeds:
    """The node's own keys, made durably on the first try and found again on the next."""
    held = await store.read(lambda db: read_secrets(db.connection))
    if "certificate" in held:
        raise Refused("enrolled already", message=_ALREADY, step=_ALREADY_NEXT)
    found = seeds(held)
    if found is not None:
        return found
    made = Seeds(
        signing=SigningKey.generate(), sealing=SealingKey.generate(), salt_key=secrets.token_bytes(32)
    )
    rows = [("signing", made.signing.seed()), ("sealing", made.sealing.seed()), ("salt", made.salt_key)]
    await store.transact(lambda tx: tx.execute_many("INSERT INTO secret VALUES (?,?)", rows))
    return made


async def _ask(url: str, code: str, own: Seeds, clock: NodeClock, transport: Transport | None) -> Enrolled:
    uplink = Uplink(url, clock, transport=transport)
    try:
        return await uplink.enrol({"code": code, **keys_of(own)})
    except CentreUnreachable as error:
        raise CentreUnreachable(error.detail, step=_AGAIN) from error
    finally:
        await uplink.close()


def take(reply: Enrolled, own: Seeds) -> tuple[dict[str, bytes], Certificate, CentreKeys]:
    """What the centre sent, verified.

    Its keys agree with each other, the certificate is signed and is ours, the leases are signed.
    """
    try:
        name, signing = parse_vkey(str(reply.centre["vkey"]))
        centre = CentreKeys(
            origin=name,
            signing=signing,
            sealing=from_base64(str(reply.centre["sealing"])),
            recovery=from_base64(str(reply.centre["recovery"])),
        )
        signed = from_base64(reply.certificate)
        certificate = open_certificate(signed, centre.signing)
        subject_key = unseal(own.sealing, from_base64(reply.subject_key), SUBJECT_KEY_INFO)
        for text in reply.lease:
            open_lease(from_base64(text), centre.signing)
    except (SyncError, ValueError, KeyError) as error:
        raise CentreUnreachable(f"not a centre's enrolment: {type(error).__name__}") from error
    if (certificate.signing, certificate.sealing) != (own.signing.public, own.sealing.public):
        raise CentreUnreachable("the certificate is for other keys")
    kept = {
        "certificate": signed,
        "centre": msgspec.json.encode(centre),
        "subject_key": subject_key,
    }
    return kept, certificate, centre


def _keep(tx: Transaction, kept: dict[str, bytes], reply: Enrolled) -> None:
    tx.execute_many("INSERT OR REPLACE INTO secret VALUES (?,?)", kept.items())
    forget_request(tx)
    if reply.window_ms:
        tx.note("window_ms", reply.window_ms)
    if reply.opening is not None:
        succession.begin(tx, reply.opening)


def forget_request(tx: Transaction) -> None:
    """The answer to a request on a stick has come, whichever way: another one counts no more."""
    tx.execute("DELETE FROM secret WHERE name = ?", (_ANSWERED_BY,))


def take_leases(tx: Transaction, reply: Enrolled, centre_public: bytes, origin: str) -> int:
    """Open the leases that came with an enrolment; how many were new."""
    count = 0
    for text in reply.lease:
        signed = from_base64(text)
        lease = open_lease(signed, centre_public)
        if lease.origin == origin:
            count += leases.take(tx, lease, signed)
    return count


def to_base64(raw: bytes) -> str:
    """Standard base64."""
    return base64.b64encode(raw).decode()


_TO_CENTRE = Words(
    zh="可以拔下介质。请带到中心（central import），按指纹电话核对；带回批复后用 --from 读入。",
    en="The stick may be removed. Take it to the centre (central import), compare the fingerprint by phone; "
    "read the answer with --from.",
)
_NOT_ASKED = Words(
    zh="本机没有写出过登记（换代）申请，或批复已经读入。",
    en="No request was written here, or it was answered.",
)
_ASK_FIRST = Words(zh="请先用 --to 写出申请。", en="Write a request first, with --to.")
_RIGHT_FILE = Words(
    zh="请核对介质上的文件；中心导出的批复名为 centre-<节点>.yze。",
    en="Look at the files on the stick: the centre's answer is named centre-<node>.yze.",
)
_AGAIN = Words(
    zh="请核对 --centre 的地址和线路后，用同一登记码重新运行。",
    en="Check the address of --centre and the line, then run again with the same code.",
)
_ALREADY = Words(
    zh="本节点已经登记，登记码未使用。", en="This node is enrolled already; the code was not used."
)
_ALREADY_NEXT = Words(
    zh="如需换代登记，请运行 edge incarnation，并联系中心批准。",
    en="For a new incarnation run edge incarnation and have the centre approve it.",
)
