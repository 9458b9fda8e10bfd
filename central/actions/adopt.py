"""Nodes that a restored centre forgot: enrolled after the backup, they show the certificate it once signed.

The certificate proves that this centre admitted the node; whether it is still to be trusted (a revocation may
be forgotten too) an officer says, by the same page and command as for a new incarnation.
"""

import hashlib

import msgspec

from central.actions import leases, nodes
from central.actions.centre import Centre
from central.actions.own_ledger import Draft, record
from central.actions.restored import numbers_floor
from central.store import contacts, effects, fleet, incarnations, ledger
from central.store.database import Tx
from central.store.fleet import Identity, NodeKept
from central.store.incarnations import Asked
from sync.errors import BadSignature
from sync.ids import parse_origin
from sync.messages import introduction
from sync.messages.incarnation import FORGOTTEN, Claim, fingerprint
from sync.signing.certificate import Certificate, open_certificate
from sync.signing.requests import check

CERTIFICATE = "certificate"
"""Evidence of this kind is the certificate a forgotten node showed."""
REPLACED = "replaced by a new incarnation"
"""Why an older incarnation is closed; what it printed before stays genuine."""


async def shown(centre: Centre, signed: bytes, header: str, path: str) -> str:
    """Keep the request of a node we do not know; the fingerprint an officer compares. Durable on return.

    Raises BadSignature where the certificate is not ours, or its key did not sign this request; a node we
    know has nothing to ask.
    """
    certificate = open_certificate(signed, centre.keys.signing.public)
    trusted = {certificate.origin: certificate.signing}
    check(header, trusted.get, "POST", path, signed, centre.now_ms())
    return await _asked(centre, certificate, signed)


async def by_stick(centre: Centre, data: bytes) -> tuple[str, str]:
    """The same for a certificate that came as a file; the origin, and the fingerprint an officer compares.

    Raises what `introduction.read` raises, BadSignature as `shown` does.
    """
    _, origin = introduction.peek(data)
    certificate = open_certificate(introduction.claimed_body(data), centre.keys.signing.public)
    key = introduction.history_key(centre.keys.sealing, certificate.sealing, origin)
    signed, _ = introduction.read("certificate", data, lambda _: [key])
    if certificate.origin != origin:
        raise BadSignature("the certificate of another node")
    return origin, await _asked(centre, certificate, signed)


async def _asked(centre: Centre, certificate: Certificate, signed: bytes) -> str:
    asked = fingerprint(certificate.signing, certificate.sealing)
    async with centre.store.transaction() as tx:
        if await fleet.identity(tx, certificate.origin) is not None:
            raise BadSignature("a node that is known asks to be known")
        digest = hashlib.sha256(signed).digest()
        await effects.add_evidence(
            tx, certificate.origin, digest, CERTIFICATE, centre.now_ms(), asked, signed
        )
        if await incarnations.one(tx, certificate.origin, asked) is None:
            await incarnations.add(tx, _request(centre, certificate, asked))
            draft = Draft(kind="admin.changed", actor=certificate.origin, object=f"forgotten node {asked}")
            await record(centre, tx, draft)
    return asked


def _request(centre: Centre, certificate: Certificate, asked: str) -> Asked:
    return Asked(
        origin=certificate.origin,
        asked=asked,
        node=parse_origin(certificate.origin).name,
        reason=FORGOTTEN.code,
        signing=certificate.signing,
        sealing=certificate.sealing,
        claim=msgspec.json.encode(Claim()).decode(),
        asked_ms=centre.now_ms(),
        state="waiting",
    )


async def adopt(centre: Centre, tx: Tx, asked: Asked) -> None:
    """An officer said yes: the node is known as it was certified, its ledger is taken from the start."""
    kept = await effects.evidence(tx, asked.origin, CERTIFICATE)
    certificate = open_certificate(kept[-1], centre.keys.signing.public)
    before = await fleet.current(tx, asked.node)
    if before is None:
        await _known(centre, tx, certificate)
    elif before.revoked_ms is None:
        await fleet.revoke(tx, asked.node, REPLACED, centre.now_ms())
    identity = Identity(
        origin=asked.origin,
        node=asked.node,
        incarnation=parse_origin(asked.origin).incarnation,
        signing=asked.signing,
        sealing=asked.sealing,
        certificate=kept[-1],
        not_after_ms=certificate.not_after_ms,
        enrolled_ms=centre.now_ms(),
    )
    await fleet.add_identity(tx, identity)
    await ledger.open_head(tx, asked.origin)
    await contacts.open_mailbox(tx, asked.origin)
    await contacts.renumber(tx, asked.origin, await numbers_floor(tx))
    await incarnations.settle(tx, asked, "begun", centre.now_ms(), asked.origin)


async def _known(centre: Centre, tx: Tx, certificate: Certificate) -> None:
    """The node's own row, as far as its certificate tells: kind and region are in its name and scopes."""
    name = parse_origin(certificate.origin).name
    kind = "bus" if name.startswith("bus-") else "hall"
    region = name.removeprefix("bus-").split("-")[0]
    node = NodeKept(
        node=name,
        name=certificate.name,
        kind=kind,
        region=region,
        route=(region,) if kind == "bus" else (),
        window_ms=certificate.window_ms or centre.settings.policy(kind).window_hours * leases.HOUR_MS,
        created_ms=centre.now_ms(),
    )
    if await fleet.add_node(tx, node):
        await nodes.open_scopes(centre, tx, node)
