"""A lease for the phone (protocol 6): an officer's word, on our ledger, as 48 digits for one node, once."""

import msgspec

from central.actions import leases
from central.actions.centre import AdminSession, Centre
from central.actions.own_ledger import drafted, note_missing, record
from central.errors import NotFound
from central.security.permissions import require
from central.store import contacts, fleet, ledger
from central.store.contacts import LeaseKept
from central.store.database import Tx
from central.store.fleet import Identity, NodeKept
from matters.model import Refusal, Words
from sync.lease import spoken
from sync.lease.lease import Capability, sign_lease
from sync.lease.spoken import Spoken

HOURS_DEFAULT = 24
_RULE = "离线授权（protocol.md 6）"
_WHO_CALLED = Words(zh="谁来电、如何核实", en="who called and how you made sure")


class SpokenLease(msgspec.Struct, frozen=True, kw_only=True):
    """What to read out: `code` in groups; it works once, on this node, until `not_after_ms`."""

    node: str
    origin: str
    code: str
    capabilities: tuple[str, ...]
    scopes: tuple[str, ...]
    answers: int
    boots: int
    counter: int
    not_after_ms: int


async def speak(
    centre: Centre,
    admin: AdminSession,
    node: str,
    *,
    capabilities: tuple[Capability, ...],
    hours: int,
    note: str,
) -> SpokenLease | Refusal:
    """A code that extends these leases of a node; on our ledger, and counted, before it is returned.

    Bounds are the site's own: never longer than an exchange would give, nor more answers or boots. Raises
    NotFound for a node nobody created or that never enrolled.
    """
    require(admin.role, "leases.speak")
    unsaid = note_missing(note, _WHO_CALLED, _RULE)
    if unsaid is not None:
        return unsaid
    async with centre.store.transaction() as tx:
        kept, identity = await fleet.node(tx, node), await fleet.current(tx, node)
        if kept is None or identity is None:
            raise NotFound("没有这个节点，或它从未登记。", "there is no such node, or it never enrolled")
        if identity.revoked_ms is not None:
            return _REVOKED
        most = min(centre.settings.policy(kept.kind).hours(one) for one in capabilities)
        if not 0 < hours <= min(most, spoken.HOURS_MAX):
            return _too_long(min(most, spoken.HOURS_MAX))
        await ledger.head(tx, centre.origin, lock=True)  # two officers at once: one counter after the other
        counter = await contacts.spoken_before(tx, identity.origin) + 1
        if counter > spoken.COUNTER_MAX:
            return _USED_UP
        grant = _grant(centre, kept, capabilities, hours, counter)
        made = await _keep(centre, tx, kept, identity, grant)
        draft = drafted(
            admin,
            "admin.changed",
            f"spoken lease {counter} of {identity.origin}",
            f"{','.join(capabilities)} {hours} h: {note.strip()}",
        )
        await record(centre, tx, draft)
    return made


def _grant(
    centre: Centre, kept: NodeKept, capabilities: tuple[Capability, ...], hours: int, counter: int
) -> Spoken:
    policy = centre.settings.policy(kept.kind)
    return Spoken(
        capabilities=tuple(one for one in spoken.CAPABILITIES if one in capabilities),
        hour=(centre.now_ms() - spoken.EPOCH_MS) // spoken.HOUR_MS,
        hours=hours,
        answers=max(some for some in spoken.ANSWERS if some <= max(policy.lease_answers, spoken.ANSWERS[0])),
        boots=max(some for some in spoken.BOOTS if some <= max(policy.lease_boots, spoken.BOOTS[0])),
        counter=counter,
    )


async def _keep(centre: Centre, tx: Tx, kept: NodeKept, identity: Identity, grant: Spoken) -> SpokenLease:
    """The same leases, signed, among those given to the node: an exchange brings them in full, too."""
    scopes = leases.regions_of(kept)
    key = spoken.key_of(centre.keys.sealing, identity.sealing, identity.origin)
    code = spoken.speak(grant, key, identity.origin, scopes)
    made = grant.leases(identity.origin, scopes, leases.POLICY)
    rows = [
        LeaseKept(
            origin=identity.origin,
            lease_id=lease.id,
            capability=lease.capability,
            scope=lease.scope,
            not_before_ms=lease.not_before_ms,
            not_after_ms=lease.not_after_ms,
            signed=sign_lease(lease, centre.keys.signing),
        )
        for lease in made
    ]
    await contacts.add_leases(tx, rows)
    return SpokenLease(
        node=kept.node,
        origin=identity.origin,
        code=code,
        capabilities=grant.capabilities,
        scopes=scopes,
        answers=grant.answers,
        boots=grant.boots,
        counter=grant.counter,
        not_after_ms=made[0].not_after_ms,
    )


def _no(code: str, zh: str, en: str, next_zh: str, next_en: str) -> Refusal:
    return Refusal(code=code, message=Words(zh=zh, en=en), rule=_RULE, next=Words(zh=next_zh, en=next_en))


def _too_long(most: int) -> Refusal:
    return _no(
        "lease-too-long",
        f"电话授权最长 {most} 小时，不得超过该站点的离线授权时长。",
        f"a lease by phone lasts {most} hours at most, as the site's own policy says",
        "请改小时数，或请大厅联网、用介质交换。",
        "Take fewer hours, or have the hall exchange by line or stick.",
    )


_REVOKED = _no(
    "node-revoked", "该节点已被吊销，不能再授权。", "this node is revoked and gets no lease",
    "如属误吊销，请安全管理员办理换代。", "If that was a mistake, a new incarnation is the way.",
)  # fmt: skip
_USED_UP = _no(
    "lease-codes-spent", "该节点这一代的电话授权码已用完。", "this incarnation has had all its codes",
    "请大厅联网或用介质交换。", "Have the hall exchange by line or stick.",
)  # fmt: skip
