"""Signing in and out, also offline.

Staff come down in a data set, passwords are Argon2id, refusals are entries. A staff card stands for name and
password: it signs a challenge after its PIN was shown to it, once.
"""

import asyncio
import secrets

import structlog

from drivers.chips import StaffCard
from drivers.errors import DriverError
from edge.actions.node import Node, Session
from edge.errors import LedgerUnavailable
from edge.security import cards, passwords, sessions
from edge.settings import DeviceSetting
from edge.store.cache import StaffRow, staff_member, staff_members, staff_with_card
from edge.store.draft import Draft
from edge.store.transaction import Transaction
from matters.model import Refusal, Words

log = structlog.get_logger("sign-in")
TRIES_MAX = 5
TRY_WINDOW_MS = 60_000
NAME_MAX = 64
_RULE = "岗位与口令管理"
_AGAIN = Words(
    zh="请核对后重试，也可改用工号和口令；忘记口令请找大厅主管。",
    en="Check and try again, by card or by name and password; or ask the hall manager.",
)


async def sign_in(node: Node, staff: str, password: str, window: str) -> Session | Refusal:
    """Open a session at a window: one a person, one a window; older ones end.

    The entry (session.opened or session.refused) is durable when this returns. Checking takes about 30 ms
    of CPU.
    """
    person = await node.store.read(lambda db: staff_member(db, staff[:NAME_MAX]))
    if not await node.store.read(staff_members):
        return await _refuse(node, staff, window, "no-staff")
    if node.too_many_tries(staff[:NAME_MAX], TRIES_MAX, TRY_WINDOW_MS):
        return await _refuse(node, staff, window, "too-many-tries")
    fits = await asyncio.to_thread(passwords.fits, person.argon2 if person else passwords.NOBODY, password)
    code = _why_not(node, person, window, fits=fits)
    if person is None or code:
        return await _refuse(node, staff, window, code)
    return await _opened(node, person, window, card="")


async def sign_in_by_card(node: Node, pin: str, window: str) -> Session | Refusal:
    """Open a session for whose staff card lies at this window; it signs a fresh challenge with its PIN.

    The PIN is shown to the card once and goes nowhere else. Entries as with `sign_in`. About a second.
    """
    device = node.hall.device_of(window, "staff_card") if node.hall else ""
    card = node.staff_cards.get(device)
    if node.hall is None or card is None:
        return await _refuse(node, "", window, "no-card")
    name = f"card:{card.fingerprint[:16]}"
    if node.too_many_tries(name, TRIES_MAX, TRY_WINDOW_MS):
        return await _refuse(node, name, window, "too-many-tries")
    challenge = f"yizhan/sign-in/{node.identity.origin}/{window}/".encode() + secrets.token_bytes(32)
    try:
        signature = await node.hall.sign(device, challenge, pin)
    except DriverError as error:
        return await _refuse(node, name, window, error.code, Words(zh=error.words.zh, en=error.words.en))
    except ValueError:
        return await _refuse(node, name, window, "no-pin")
    person = await node.store.read(lambda db: staff_with_card(db, card.fingerprint))
    fits = person is not None and cards.signed(card, challenge, signature, node.now_ms())
    code = _why_not(node, person, window, fits=True) if fits else "card-unknown"
    if person is None or code:
        return await _refuse(node, name, window, code)
    node.forget_tries(name)
    return await _opened(node, person, window, card.fingerprint)


async def card_lies(node: Node, device: DeviceSetting, card: StaffCard | None) -> None:
    """This staff card lies on a reader now (None: none does); durable when this returns.

    A session opened by another card at the reader's window ends, and its pages go to the sign-in page at
    once. What lay on the desk stays for who comes back. At a reader that serves all windows one signs in and
    takes the card along: it ends nothing.
    """
    node.staff_cards.pop(device.name, None)
    if card is not None:
        node.staff_cards[device.name] = card
    lying = card.fingerprint if card else ""
    try:
        ended = await node.store.transact(lambda tx: _end_without(tx, device.window, lying))
    except LedgerUnavailable:
        log.warning("device", device=device.name, code="session-not-ended")  # nor can it ask for anything
        return
    if ended:
        node.events.publish("refetch", {"window": device.window})


def _end_without(tx: Transaction, window: str, lying: str) -> bool:
    """End the session that another card than this opened at a window; whether there was one."""
    ended = sessions.end_without_card(tx, window, lying) if window else None
    if ended is not None:
        tx.append(_closed(ended, "card-lifted"))
    return ended is not None


async def _opened(node: Node, person: StaffRow, window: str, card: str) -> Session:
    node.forget_tries(person.staff)
    session = await node.store.transact(lambda tx: _open(tx, person, window, card))
    node.idle.live(session, node.now_ms(), acted=True)
    return session


def _why_not(node: Node, person: StaffRow | None, window: str, *, fits: bool) -> str:
    if person is None or not fits:
        return "wrong-name-or-password"
    if person.revoked:
        return "revoked"
    if window not in node.settings.windows:
        return "no-such-window"
    if person.windows and window not in person.windows:
        return "other-window"
    return ""


def _open(tx: Transaction, person: StaffRow, window: str, card: str) -> Session:
    session = sessions.create(tx, person, window, card)
    tx.append(
        Draft(
            kind="session.opened",
            actor=person.staff,
            role=person.role,
            window=window,
            session=session.mark,
            outcome="ok",
            detail={"staff": person.staff, "reason": "card" if card else ""},
        )
    )
    return session


_WORDS = {
    "no-staff": Words(
        zh="本节点尚未收到人员名单，暂不能登录；请先联网或用介质与中心交换一次。",
        en="No staff list has arrived yet, so nobody can sign in; exchange once with the centre first.",
    ),
    "too-many-tries": Words(
        zh="尝试次数过多，请一分钟后再试。", en="Too many tries; wait a minute and try again."
    ),
    "wrong-name-or-password": Words(zh="工号或口令不对。", en="Wrong name or password."),
    "revoked": Words(zh="该人员已停用。", en="This person was revoked."),
    "no-such-window": Words(zh="没有这个窗口。", en="There is no such window."),
    "no-card": Words(
        zh="本窗口的读卡器上没有工作卡，或读卡器没有接好。",
        en="No staff card lies on this window's reader, or the reader is not connected.",
    ),
    "no-pin": Words(
        zh="工作卡密码是 6 至 8 位数字，没有向卡片出示。", en="A PIN has 6 to 8 digits; it was not shown."
    ),
    "card-unknown": Words(
        zh="这张工作卡没有登记给本大厅的人员，或已过期。",
        en="This staff card is registered for nobody of this hall, or has expired.",
    ),
    "other-window": Words(zh="您未被安排在这个窗口。", en="You are not assigned to this window."),
}


async def _refuse(node: Node, staff: str, window: str, code: str, words: Words | None = None) -> Refusal:
    """What was typed as a name may be anything, so it stands in the detail only, cut short."""
    draft = Draft(
        kind="session.refused",
        window=window[:16],
        outcome=code,
        detail={"staff": staff[:NAME_MAX], "reason": code},
    )
    if code != "no-staff":
        await node.store.transact(lambda tx: tx.append(draft))
    return Refusal(code=code, message=words or _WORDS[code], rule=_RULE, next=_AGAIN)


async def sign_out(node: Node, session: Session, reason: str = "signed-out") -> None:
    """End a session; the entry is durable when this returns. Ending twice is no error."""

    def end(tx: Transaction) -> None:
        if sessions.end(tx, session):
            tx.append(_closed(session, reason))

    await node.store.transact(end)
    node.idle.forget(session)


def _closed(session: Session, reason: str) -> Draft:
    return Draft(
        kind="session.closed",
        actor=session.staff,
        role=session.role,
        window=session.window,
        session=session.mark,
        outcome=reason,
        detail={"staff": session.staff, "reason": reason},
    )


async def session(node: Node, cookie: str, *, acted: bool = True) -> Session | None:
    """The live session of a cookie.

    None when there is none, it idled too long, grew too old, or was revoked.
    """
    if not cookie:
        return None
    found = await node.store.read(lambda db: sessions.find(db, cookie))
    if found is None:
        return None
    if node.idle.live(found, node.now_ms(), acted=acted):
        return found
    await sign_out(node, found, "idle-or-old")
    return None
