"""Enrolment (protocol.md 1).

The key is made on the node, the one-time code buys a certificate and the first lease.
"""

import base64
import contextlib
import re
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec

from edge import settings as settings_file
from edge.actions import leases, succession
from edge.errors import CentreRefused, CentreUnreachable, FolderTrouble, Refused
from edge.store.clock import NodeClock
from edge.store.files import write_durably
from edge.store.identity import Seeds, read_secrets, seeds
from edge.store.store import Store, open_store
from edge.store.transaction import Transaction
from edge.uplink.line import Enrolled, Transport, Uplink, from_base64
from matters.model import Words
from sync.batch.view import CentreKeys
from sync.errors import SyncError
from sync.lease.lease import open_lease
from sync.signing.certificate import Certificate, open_certificate
from sync.signing.keys import SealingKey, SigningKey
from sync.signing.notes import parse_vkey
from sync.signing.sealing import unseal

SUBJECT_KEY_INFO = b"yizhan/subject-key/1"
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
        kept, certificate, centre = take(reply, own)
        await store.transact(lambda tx: _keep(tx, kept, reply))
        await store.reload_identity()
        own_clock.trust(certificate.not_before_ms)
        await succession.finish(store)
        await store.transact(succession.open_ledger)
        count = await store.transact(lambda tx: take_leases(tx, reply, centre.signing, certificate.origin))
    finally:
        await store.close()
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
    body = {"code": code, "signing": to_base64(own.signing.public), "sealing": to_base64(own.sealing.public)}
    try:
        return await uplink.enrol(body)
    except CentreUnreachable as error:
        raise CentreUnreachable(error.detail, step=_AGAIN) from error
    finally:
        await uplink.close()


def take(reply: Enrolled, own: Seeds) -> tuple[dict[str, bytes], Certificate, CentreKeys]:
    """What the centre sent, verified.

    Its keys agree with each other, the certificate is signed and is ours.
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
    if reply.window_ms:
        tx.note("window_ms", reply.window_ms)
    if reply.opening is not None:
        succession.begin(tx, reply.opening)


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
