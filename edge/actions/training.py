"""Training: a node of its own beside the real one, with invented people, on virtual devices (G36).

It lives in `DATA/training` with keys, ledger, serials and a staff list of its own. Its certificate is issued
by an authority that ends with it, so no centre takes its ledger and no verifier its papers; it has no uplink,
and exchange and courier refuse. Every screen and paper says 练习 TRAINING. To begin anew delete the folder.

1  the folder, its keys and certificate (once) · 2 leases and the data set, made anew at each start, so that
   nothing is ever stale · 3 the twins, which are the only devices it has
"""

import contextlib
import secrets
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Final

import msgspec

from drivers.ports import CardRecord
from edge.actions import downlink, leases, succession
from edge.actions.node import TRAINING_AUTHORITY, Node, Session
from edge.actions.twins import Hand, TwinSeen, TwinsSeen
from edge.errors import NotThere
from edge.hall import twins
from edge.hall.twins import Twins
from edge.security.passwords import hash_password
from edge.settings import Settings
from edge.store.cache import Cached, StaffRow
from edge.store.clock import NodeClock
from edge.store.identity import read_secrets
from edge.store.store import open_store
from edge.store.transaction import Transaction
from matters.ids import resident_check
from matters.model import Words
from matters.records import Category, Record, SubjectRecord
from sync.batch.view import CentreKeys
from sync.exchange.steps import ApplyRelease
from sync.ids import subject_ref
from sync.lease.lease import Capability, Lease, sign_lease
from sync.packs.pack import PackRow, build, row_digest, state_root
from sync.packs.release import PackRef, Release, sign_release
from sync.signing.certificate import Certificate, issue
from sync.signing.keys import SealingKey, SigningKey

FOLDER: Final = "training"
NAME: Final = "training"
CENTRE: Final = f"{TRAINING_AUTHORITY}/centre/main/i1"
PASSWORD: Final = "lianxi-lianxi-lianxi"  # noqa: S105 -- told to everybody on the sign-in page; opens nothing real
PERMITS: Final = ("public-credit", "credit-bureau", "residence-permit")
HOUR_MS: Final = 3_600_000
YEAR_MS: Final = 365 * 24 * HOUR_MS
CAPABILITIES: Final[tuple[Capability, ...]] = ("public", "summary", "detail")
COUNTY: Final = "99"
"""No county has this number, so no number of an invented person is anybody's."""
_SURNAMES: Final = "赵钱孙李周吴郑王冯陈褚卫"
_KINDS: Final[tuple[tuple[Category, str], ...]] = (
    ("honour", "守信激励（练习）"),
    ("commitment", "信用承诺书（练习）"),
    ("licence", "行政许可（练习）"),
)


def settings_for(real: Settings) -> Settings:
    """The training node's settings: the hall's windows and language, no centre, no device, no site limits."""
    return msgspec.structs.replace(real, centre="", devices=(), hall=f"练习 · {real.hall or '大厅'}")


async def prepare(data: Path, settings: Settings, *, clock: NodeClock | None = None) -> Path:
    """The training folder inside `data`, with keys and certificate; durable when this returns. Made once."""
    folder = data / FOLDER
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    store = await open_store(folder, settings, clock=clock or NodeClock(), create=True)
    try:
        held = await store.read(lambda db: read_secrets(db.connection))
        if "certificate" not in held:
            await store.transact(lambda tx: _make_keys(tx, settings))
            await store.reload_identity()
    finally:
        await store.close()
    return folder


def _make_keys(tx: Transaction, settings: Settings) -> None:
    """Own keys, and a centre that exists only here; its seed stays, so that leases can be made anew."""
    own, sealing, centre = SigningKey.generate(), SealingKey.generate(), SigningKey.generate()
    region = region_of(settings)
    certificate = Certificate(
        origin=f"{TRAINING_AUTHORITY}/node/{NAME}/i1",
        signing=own.public,
        sealing=sealing.public,
        not_before_ms=tx.now_ms - 1,
        not_after_ms=tx.now_ms + 20 * YEAR_MS,
        scopes=(f"{region}/detail", f"{region}/staff"),
        name="练习大厅",
        window_ms=20 * YEAR_MS,
    )
    keys = CentreKeys(
        origin=CENTRE,
        signing=centre.public,
        sealing=SealingKey.generate().public,
        recovery=SealingKey.generate().public,
    )
    rows = {
        "signing": own.seed(),
        "sealing": sealing.seed(),
        "salt": secrets.token_bytes(32),
        "subject_key": secrets.token_bytes(32),
        "certificate": issue(certificate, centre),
        "centre": msgspec.json.encode(keys),
        "training-centre": centre.seed(),
        "training-scope": secrets.token_bytes(32),
    }
    tx.execute_many("INSERT INTO secret VALUES (?,?)", rows.items())


async def fill(node: Node) -> None:
    """Leases and data as of now; durable when this returns. Only on a training node."""
    assert node.training, "only a training node is filled"
    held = await node.store.read(lambda db: read_secrets(db.connection))
    centre = SigningKey.from_bytes(held["training-centre"])
    now_ms, region = node.now_ms(), region_of(node.settings)
    node.store.clock.trust(now_ms)
    await node.store.transact(succession.open_ledger)
    await node.store.transact(lambda tx: _leases(tx, node, centre, region))
    people = [(one.subject.number, msgspec.json.encode(one)) for one in crowd(region, now_ms)]
    staff = [(row.staff, msgspec.json.encode(row)) for row in accounts()]
    for scope, data_class, rows in (("detail", "detail", people), ("staff", "staff", staff)):
        step, packs = _release(node, centre, held["training-scope"], f"{region}/{scope}", data_class, rows)
        await downlink.take(node, step, packs)


def _leases(tx: Transaction, node: Node, centre: SigningKey, region: str) -> None:
    for capability in CAPABILITIES:
        lease = Lease(
            id=secrets.token_hex(8),
            origin=node.identity.origin,
            scope=region,
            capability=capability,
            not_before_ms=tx.now_ms - 1,
            not_after_ms=tx.now_ms + 72 * HOUR_MS,
            answers=10_000,
            boots=100,
            policy=1,
        )
        leases.take(tx, lease, sign_lease(lease, centre))


def _release(
    node: Node, centre: SigningKey, key: bytes, scope: str, data_class: str, rows: list[tuple[str, bytes]]
) -> tuple[ApplyRelease, dict[bytes, bytes]]:
    """One data set as a centre would send it: a base pack and its signed release."""
    keyed = sorted((subject_ref(node.identity.subject_key, name), body) for name, body in rows)
    sealed = build(scope, "base", (PackRow(ref=ref, blob=body) for ref, body in keyed), key)
    version = node.now_ms() // 1000
    pack = PackRef(
        digest=sealed.digest,
        kind="base",
        from_version=0,
        to_version=version,
        size=len(sealed.data),
        rows=len(keyed),
    )
    release = Release(
        scope=scope,
        version=version,
        data_class=data_class,  # type: ignore[arg-type]  # one of two literals above
        packs=(pack,),
        state_root=state_root((ref, row_digest(ref, body)) for ref, body in keyed),
        as_of_ms=node.now_ms(),
        created_ms=node.now_ms(),
    )
    step = ApplyRelease(release=release, signed=sign_release(release, centre), packs=(pack,), content_key=key)
    return step, {sealed.digest: sealed.data}


# -- invented people and accounts -----------------------------------------------------------------


def region_of(settings: Settings) -> str:
    """The region the data set is about: the hall's own, else any county's."""
    return settings.region or "330102"


def crowd(region: str, as_of_ms: int) -> tuple[Cached, ...]:
    """Twelve residents who do not exist, with a few records each; the same ones at every start."""
    return tuple(_person(region, place, as_of_ms) for place in range(len(_SURNAMES)))


def _person(region: str, place: int, as_of_ms: int) -> Cached:
    born = date(1960 + 3 * place, 1 + place, 10 + place)
    stem = f"{region[:4]}{COUNTY}{born:%Y%m%d}{100 + place:03d}"
    number = stem + resident_check(stem)
    subject = SubjectRecord(
        kind="natural",
        number=number,
        name=f"{_SURNAMES[place]}练习",
        sex="1" if place % 2 == 0 else "2",
        birth=born,
        region=f"{region}001001",
        address="练习路 1 号（虚构）",
        as_of_ms=as_of_ms,
        source="练习数据（虚构）",
    )
    records = tuple(
        Record(
            id=f"training-{place}-{count}",
            subject=number,
            category=category,
            title=title,
            fields={"编号": f"LX-{place}-{count}"},
            source="练习数据（虚构）",
            decided_on=date(2026, 3, 1),
            as_of_ms=as_of_ms,
            openness="public" if count == 0 else "authorised",
            kept_until=None,
            status="valid",
        )
        for count, (category, title) in enumerate(_KINDS[: 1 + place % len(_KINDS)])
    )
    return Cached(subject=subject, records=records)


def cards(region: str) -> tuple[CardRecord, ...]:
    """Cards of the first four of the crowd, and one that has expired."""
    made = [_card(one) for one in crowd(region, 0)[:4]]
    expired = msgspec.structs.replace(_card(crowd(region, 0)[4]), valid_to=date(2024, 6, 11))
    return (*made, expired)


def _card(one: Cached) -> CardRecord:
    birth = one.subject.birth
    assert birth is not None
    return CardRecord(
        record="citizen",
        name=one.subject.name,
        number=one.subject.number,
        birth=birth,
        sex=one.subject.sex,
        nation="01",
        address=one.subject.address,
        issuer="练习公安局（虚构）",
        valid_from=date(2014, 6, 11),
        valid_to=date(2034, 6, 11),
        photo=bytes(1024),
    )


def accounts() -> tuple[StaffRow, ...]:
    """A clerk and a manager; their password is on the sign-in page."""
    phc = hash_password(PASSWORD)
    return (
        StaffRow(staff="lianxi", name="练习窗口", role="clerk", permits=PERMITS, argon2=phc),
        StaffRow(staff="zhuguan", name="练习主管", role="hall-manager", permits=PERMITS, argon2=phc),
    )


# -- the twins ------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def practising(node: Node) -> AsyncIterator[None]:
    """A training node filled and its twins switched on, inside the block; they are all its devices."""
    await fill(node)
    held = Twins(node.data / "twins", cards(region_of(node.settings)))
    await held.start()
    node.twins, node.devices = held, held.settings()
    try:
        yield
    finally:
        await held.stop()


def look(node: Node) -> TwinsSeen | None:
    """The twins as hands see them, None on a node that does real work."""
    held = node.twins
    if held is None:
        return None
    return TwinsSeen(
        twins=tuple(
            TwinSeen(
                name=device.name,
                kind=device.kind,
                hands=tuple(Hand(act=act, words=_hand(node, act)) for act in held.acts(device.name)),
                now=_now(held, device.name),
            )
            for device in node.devices
        ),
        slip=held.slip(),
        sheets=held.sheets(),
    )


async def play(node: Node, session: Session, name: str, act: str) -> None:
    """One thing a hand does to a twin. Raises NotThere on a node that does real work, or for no such act."""
    assert session.staff
    if node.twins is None or not await node.twins.play(name, act):
        raise NotThere("no such twin or act")
    node.events.publish("status")


def _now(held: Twins, name: str) -> Words:
    if name == twins.READER:
        laid = held.laid()
        return Words(zh=f"放着：{laid}", en=f"on it: {laid}") if laid else Words(zh="没有证件", en="no card")
    if name in {twins.SLIPS, twins.SHEETS}:
        out = held.paper(name) == "out"
        return Words(zh="缺纸", en="no paper") if out else Words(zh="有纸", en="paper in")
    if name == twins.SCREEN and held.shown():
        return Words(zh=f"显示：{held.shown()}", en=f"shows: {held.shown()}")
    return Words(zh="", en="")


def _hand(node: Node, act: str) -> Words:
    what, _, place = act.partition(":")
    if what != "lay":
        return _HANDS[what]
    card = cards(region_of(node.settings))[int(place)]
    late = card.valid_to is not None and card.valid_to < date(2026, 1, 1)
    return Words(
        zh=f"放证：{card.name}{'（已过期）' if late else ''}",
        en=f"lay the card of {card.name}{' (expired)' if late else ''}",
    )


_HANDS: Final = {
    "lift": Words(zh="拿走证件", en="lift the card"),
    "unplug": Words(zh="拔线", en="pull the plug"),
    "plug": Words(zh="插线", en="plug in"),
    "paper-out": Words(zh="抽走纸", en="take the paper out"),
    "paper-in": Words(zh="装纸", en="put paper in"),
    "jam": Words(zh="下一张卡纸", en="jam the next sheet"),
    "off": Words(zh="关电源", en="switch off"),
    "on": Words(zh="开电源", en="switch on"),
    "press": Words(zh="按“呼叫”键", en="press “call”"),
    "paper": Words(zh="放一张户口簿（虚构）", en="lay a household register (invented)"),
    "scan": Words(zh="扫练习码", en="scan a code"),
}
