"""What a node may do and hold.

Its scopes, leases and certificate, given at enrolment and renewed by exchanges.
"""

import secrets

from central.actions.centre import Centre
from central.settings import DAY_MS
from central.store import contacts, fleet
from central.store.contacts import LeaseKept
from central.store.database import Tx
from central.store.fleet import Identity, NodeKept
from sync.lease.lease import Capability, Lease, sign_lease
from sync.signing.certificate import Certificate, issue

CAPABILITIES: tuple[Capability, ...] = ("public", "points", "summary", "detail")
HOUR_MS = 3_600_000
RENEW_AT_LEFT = 0.9
"""A lease is renewed by an exchange once less than this part of it is left."""
RENEW_AT_USED_PERCENT = 50
"""So are all of a node that says that answers or boots of one are used so far."""
CERTIFICATE_LEFT_MS = 10 * DAY_MS
POLICY = 1
SCOPE_KEY = "scope-key"
"""Purpose under which content keys of scopes are sealed for storage."""


def data_scope(node: NodeKept) -> str:
    """The scope of a node's cached subjects: its county's, or a bus's own route."""
    return f"{node.region}/detail" if node.kind == "hall" else f"{node.node}/detail"


def staff_scope(node: NodeKept) -> str:
    """The scope of a node's clerks."""
    return f"{node.node}/staff"


def scopes_of(node: NodeKept) -> tuple[str, ...]:
    """Every scope a node's certificate names; a bus's trips come and go beside them (`offers.scopes_of`)."""
    return data_scope(node), staff_scope(node)


def regions_of(node: NodeKept) -> tuple[str, ...]:
    """Region prefixes a node may answer for from its cache."""
    return node.route or (node.region,)


async def give(
    centre: Centre, tx: Tx, node: NodeKept, origin: str, capabilities: tuple[Capability, ...]
) -> list[bytes]:
    """New leases of these capabilities for every region of the node, kept with the transaction."""
    policy = centre.settings.policy(node.kind)
    now_ms = centre.now_ms()
    made: list[LeaseKept] = []
    for capability in capabilities:
        for region in regions_of(node):
            lease = Lease(
                id=secrets.token_hex(8),
                origin=origin,
                scope=region,
                capability=capability,
                not_before_ms=now_ms,
                not_after_ms=now_ms + policy.hours(capability) * HOUR_MS,
                answers=policy.lease_answers,
                boots=policy.lease_boots,
                policy=POLICY,
            )
            made.append(
                LeaseKept(
                    origin=origin,
                    lease_id=lease.id,
                    capability=capability,
                    scope=region,
                    not_before_ms=lease.not_before_ms,
                    not_after_ms=lease.not_after_ms,
                    signed=sign_lease(lease, centre.keys.signing),
                )
            )
    await contacts.add_leases(tx, made)
    return [lease.signed for lease in made]


async def due(centre: Centre, identity: Identity, used_percent: int) -> tuple[bytes, ...]:
    """The leases to send now, `used_percent` being what the node says of the one nearest its end.

    Those renewed by this exchange, those that ended at the node before their time, and those its ledger does
    not say it opened: a reply may be lost, and a stick with it on its way for days.
    """
    async with centre.store.transaction() as tx:
        node = await fleet.node(tx, identity.node)
        if node is None:
            return ()
        now_ms = centre.now_ms()
        held = await contacts.leases(tx, identity.origin)
        spent = used_percent >= RENEW_AT_USED_PERCENT
        worn = {lease.capability for lease in held if spent or _worn(lease, now_ms)}
        worn |= set(CAPABILITIES) - {lease.capability for lease in held}
        renewed = await give(centre, tx, node, identity.origin, tuple(c for c in CAPABILITIES if c in worn))
    unopened = [lease.signed for lease in held if lease.capability not in worn and not lease.opened]
    return tuple(renewed + unopened)


def _worn(lease: LeaseKept, now_ms: int) -> bool:
    return lease.ended or lease.not_after_ms - now_ms < RENEW_AT_LEFT * (
        lease.not_after_ms - lease.not_before_ms
    )


def certificate(
    centre: Centre, node: NodeKept, origin: str, signing: bytes, sealing: bytes
) -> tuple[bytes, int]:
    """A certificate of 30 days (by default) and its last millisecond."""
    now_ms = centre.now_ms()
    not_after_ms = now_ms + centre.settings.certificate_days * DAY_MS
    made = Certificate(
        origin=origin,
        signing=signing,
        sealing=sealing,
        not_before_ms=now_ms,
        not_after_ms=not_after_ms,
        scopes=scopes_of(node),
        kinds=("access",),
        name=node.name,
        window_ms=node.window_ms,
    )
    return issue(made, centre.keys.signing), not_after_ms


async def renewed_certificate(centre: Centre, identity: Identity) -> bytes:
    """A new certificate when the node's ends within ten days, else nothing; kept before it is sent."""
    if identity.not_after_ms - centre.now_ms() > CERTIFICATE_LEFT_MS:
        return b""
    async with centre.store.transaction() as tx:
        node = await fleet.node(tx, identity.node)
        if node is None:
            return b""
        signed, not_after_ms = certificate(centre, node, identity.origin, identity.signing, identity.sealing)
        await fleet.renew(tx, identity.origin, signed, not_after_ms)
    return signed
