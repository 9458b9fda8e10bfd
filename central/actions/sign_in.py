"""Administrators signing in: a password, a session, and the one-time password replaced first."""

import asyncio
import functools
import secrets

import msgspec

from central.actions.centre import AdminSession, Centre
from central.actions.own_ledger import Draft, record
from central.errors import NotFound
from central.security import passwords
from central.security.permissions import Role
from central.store import people
from central.store.database import Tx
from central.store.people import Administrator, SessionKept
from matters.model import Refusal, Words

FAILURES_MAX = 5
LOCK_MS = 15 * 60_000
_TOUCH_MS = 30_000


@functools.cache
def _nobody() -> str:
    """What an unknown name is checked against, so that it takes as long as a known one."""
    return passwords.seal(passwords.token())


async def sign_in(centre: Centre, name: str, password: str) -> AdminSession | Refusal:
    """Open a session; the cookie's value is its `id`, of which only a hash is kept.

    After five wrong passwords the name rests for 15 minutes. Every attempt is an entry on the centre's
    ledger.
    """
    async with centre.store.reading() as tx:
        known = next((one for one in await people.administrators(tx) if one.name == name), None)
    right = await asyncio.to_thread(_right, password, known)
    async with centre.store.transaction() as tx:
        admin = await people.administrator(tx, name)
        locked = admin is not None and admin.locked_until_ms > centre.now_ms()
        if admin is None or known is None or locked or not right or admin.password != known.password:
            return await _refuse(centre, tx, admin, locked=locked)
        calm = msgspec.structs.replace(admin, failures=0, locked_until_ms=0, signed_in_ms=centre.now_ms())
        await people.change_administrator(tx, calm)
        return await _open(centre, tx, calm)


def _right(password: str, known: Administrator | None) -> bool:
    return passwords.fits(password, known.password if known else _nobody()) and known is not None


async def _refuse(centre: Centre, tx: Tx, admin: Administrator | None, *, locked: bool) -> Refusal:
    name = admin.name if admin else "unknown"
    await record(centre, tx, Draft(kind="session.refused", actor=name, window="console", outcome="refused"))
    if admin is not None and not locked:
        failures = admin.failures + 1
        until_ms = centre.now_ms() + LOCK_MS if failures >= FAILURES_MAX else 0
        failures = 0 if until_ms else failures
        await people.change_administrator(
            tx, msgspec.structs.replace(admin, failures=failures, locked_until_ms=until_ms)
        )
    return Refusal(
        code="sign-in-locked" if locked else "sign-in",
        message=Words(
            zh="连续输错次数过多，账号暂停 15 分钟。" if locked else "用户名或密码不对。",
            en="too many wrong passwords; the account rests for 15 minutes"
            if locked
            else "name or password is wrong",
        ),
        rule="登录策略",
        next=Words(
            zh="核对后重试；忘记密码请找安全管理员。", en="Try again, or ask the security administrator."
        ),
    )


async def _open(centre: Centre, tx: Tx, admin: Administrator) -> AdminSession:
    token = passwords.token()
    kept = SessionKept(
        token_hash=passwords.token_hash(token),
        admin=admin.name,
        csrf=secrets.token_urlsafe(24),
        opened_ms=centre.now_ms(),
        seen_ms=centre.now_ms(),
    )
    await people.open_session(tx, kept)
    await record(
        centre, tx, Draft(kind="session.opened", actor=admin.name, role=admin.role, window="console")
    )
    return _session(token, kept, admin)


def _session(token: str, kept: SessionKept, admin: Administrator) -> AdminSession:
    role: Role = msgspec.convert(admin.role, Role)
    return AdminSession(
        id=token,
        admin=admin.name,
        role=role,
        csrf=kept.csrf,
        opened_ms=kept.opened_ms,
        must_change=admin.must_change,
    )


async def session(centre: Centre, cookie: str) -> AdminSession | None:
    """The session of a cookie, None when it ended: 10 minutes idle, 12 hours in all (by default)."""
    if not cookie:
        return None
    digest, now_ms = passwords.token_hash(cookie), centre.now_ms()
    async with centre.store.reading() as tx:
        kept = await people.session(tx, digest)
        admins = {admin.name: admin for admin in await people.administrators(tx)}
    if kept is None or kept.admin not in admins:
        return None
    idle = now_ms - kept.seen_ms > centre.settings.session_idle_s * 1000
    if idle or now_ms - kept.opened_ms > centre.settings.session_absolute_s * 1000:
        return None
    if now_ms - kept.seen_ms > _TOUCH_MS:
        async with centre.store.transaction() as tx:
            await people.touch_session(tx, digest, now_ms)
    return _session(cookie, kept, admins[kept.admin])


async def sign_out(centre: Centre, session: AdminSession) -> None:
    """End a session."""
    async with centre.store.transaction() as tx:
        await people.close_session(tx, passwords.token_hash(session.id))
        draft = Draft(kind="session.closed", actor=session.admin, role=session.role, window="console")
        await record(centre, tx, draft)


async def set_password(centre: Centre, session: AdminSession, password: str) -> AdminSession | Refusal:
    """Replace one's own password and go on with a new session; all older sessions end."""
    refusal = passwords.objection(password, session.admin)
    if refusal is not None:
        return refusal
    sealed = await asyncio.to_thread(passwords.seal, password)
    async with centre.store.transaction() as tx:
        admin = await people.administrator(tx, session.admin)
        if admin is None:
            raise NotFound("账号已不存在。", "the account is gone")
        changed = msgspec.structs.replace(admin, password=sealed, must_change=False)
        await people.change_administrator(tx, changed)
        draft = Draft(kind="admin.changed", actor=admin.name, role=admin.role, object="own password")
        await record(centre, tx, draft)
        return await _open(centre, tx, changed)
