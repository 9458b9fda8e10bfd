"""Enrolment (protocol.md 1): the key is made on the node, the one-time code buys a certificate and the first lease."""

import base64
from pathlib import Path

import httpx
import msgspec

from edge import settings as settings_file
from edge.actions import leases
from edge.actions.node import Node, close_node, open_node
from edge.errors import CentreUnreachable, NotEnrolled, Refused
from edge.store.clock import NodeClock
from edge.store.draft import Draft
from edge.store.identity import Seeds, read_secrets, seeds
from edge.store.store import open_store
from edge.store.transaction import Transaction
from edge.uplink.line import Enrolled, Uplink, from_base64
from matters.model import Words
from sync.batch.view import CentreKeys
from sync.errors import SyncError
from sync.lease.lease import open_lease
from sync.signing.certificate import Certificate, open_certificate
from sync.signing.keys import SealingKey, SigningKey
from sync.signing.notes import parse_vkey
from sync.signing.sealing import unseal

SUBJECT_KEY_INFO = b"yizhan/subject-key/1"


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
    transport: httpx.AsyncBaseTransport | None = None,
) -> EnrolledAs:
    """Make this folder a node of the centre at `url`. Everything is durable when this returns.

    Raises Refused when it is enrolled already, CentreRefused for a wrong or used code, CentreUnreachable. After a
    failure the same keys are offered again.
    """
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    own_clock = clock or NodeClock()
    store = await open_store(data, settings_file.load(data), clock=own_clock, create=True)
    try:
        own = await _own_keys(store_read := await store.read(lambda db: read_secrets(db.connection)), store)
        if "certificate" in store_read:
            raise Refused("enrolled already", message=_ALREADY)
        uplink = Uplink(url, own_clock, transport=transport)
        try:
            reply = await uplink.enrol(
                {"code": code, "signing": _text(own.signing.public), "sealing": _text(own.sealing.public)}
            )
        finally:
            await uplink.close()
        secrets, certificate = _take(reply, own)
        await store.transact(lambda tx: _keep(tx, secrets))
        await store.reload_identity()
    finally:
        await store.close()
    settings_file.write_default(
        data,
        centre=url,
        hall=certificate.name,
        region=_region(certificate),
        kind="bus" if "bus" in certificate.origin.split("/")[2] else "hall",
    )
    count = await _open_ledger(data, reply, own_clock)
    return EnrolledAs(
        origin=certificate.origin, name=certificate.name, scopes=certificate.scopes, leases=count
    )
