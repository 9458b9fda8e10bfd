"""Sessions: one a person, one a window; idle lock, absolute end; the cookie itself is never stored."""

import hashlib
import hmac
import secrets

from edge.errors import Forgery, SignInNeeded
from edge.security.session import Session
from edge.store.cache import StaffRow, staff_member
from edge.store.reader import Reading
from edge.store.transaction import Transaction

COOKIE_PLAIN = "yizhan"
COOKIE_SECURE = "__Host-yizhan"
_TOKEN_BYTES = 32


def cookie_name(*, secure: bool) -> str:
    """The `__Host-` prefix binds the cookie to this very host, over TLS only."""
    return COOKIE_SECURE if secure else COOKIE_PLAIN


def digest(cookie: str) -> str:
    """What is stored of a cookie."""
    return hashlib.sha256(cookie.encode()).hexdigest()


def create(tx: Transaction, person: StaffRow, window: str, card: str = "") -> Session:
    """A new session in the caller's transaction; the person's old one and the window's old one end.

    `card` is the fingerprint of the staff card that opened it, "" for a password.
    """
    cookie, csrf = secrets.token_urlsafe(_TOKEN_BYTES), secrets.token_urlsafe(_TOKEN_BYTES)
    tx.execute("DELETE FROM session WHERE staff = ? OR window = ?", (person.staff, window))
    tx.execute(
        "INSERT INTO session VALUES (?,?,?,?,?,?)",
        (digest(cookie), person.staff, window, csrf, tx.now_ms, card),
    )
    return _session(cookie, person, window, csrf, tx.now_ms)


def find(db: Reading, cookie: str) -> Session | None:
    """The session of a cookie with the person's permits as they are now.

    None when there is none or it was revoked.
    """
    row = db.one("SELECT staff, window, csrf, opened_ms FROM session WHERE id = ?", (digest(cookie),))
    person = staff_member(db, row[0]) if row else None
    if row is None or person is None or person.revoked:
        return None
    return _session(cookie, person, row[1], row[2], row[3])


def end(tx: Transaction, session: Session) -> bool:
    """End a session; whether it was there."""
    return tx.execute("DELETE FROM session WHERE id = ?", (digest(session.id),)) == 1


def end_without_card(tx: Transaction, window: str, lying: str) -> Session | None:
    """End the session at a window that another card than `lying` opened; it comes without its cookie.

    None when there is none, or a password opened it.
    """
    bound = (window, lying)
    row = tx.one("SELECT staff, opened_ms FROM session WHERE window = ? AND card NOT IN ('', ?)", bound)
    person = staff_member(tx, row[0]) if row else None
    tx.execute("DELETE FROM session WHERE window = ? AND card NOT IN ('', ?)", bound)
    return _session("", person, window, "", row[1]) if row and person else None


def _session(cookie: str, person: StaffRow, window: str, csrf: str, opened_ms: int) -> Session:
    return Session(
        id=cookie,
        staff=person.staff,
        name=person.name,
        role=person.role,
        permits=person.permits,
        window=window,
        csrf=csrf,
        opened_ms=opened_ms,
    )


class IdleWatch:
    """When each session was last used, in memory: a restart locks nobody out, an idle window locks itself."""

    def __init__(self, idle_s: int, age_s: int) -> None:
        self._idle_ms = idle_s * 1000
        self._age_ms = age_s * 1000
        self._used: dict[str, int] = {}

    def live(self, session: Session, now_ms: int, *, acted: bool) -> bool:
        """Whether the session may go on; a page that refreshes itself (`acted` False) does not keep it awake.

        The caller ends a session that may not.
        """
        key = digest(session.id)
        last = self._used.setdefault(key, now_ms)
        if now_ms - session.opened_ms > self._age_ms or now_ms - last > self._idle_ms:
            return False
        if acted:
            self._used[key] = now_ms
        return True

    def forget(self, session: Session) -> None:
        """Drop what is remembered of an ended session."""
        self._used.pop(digest(session.id), None)


def check_csrf(session: Session, token: str | None) -> None:
    """Raises Forgery unless `token` is the session's own."""
    if not token or not hmac.compare_digest(token.encode(), session.csrf.encode()):
        raise Forgery("forgery token does not fit")


def needed(session: Session | None) -> Session:
    """The session, or SignInNeeded."""
    if session is None:
        raise SignInNeeded("no session")
    return session
