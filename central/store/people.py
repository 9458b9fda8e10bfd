"""Administrators, their sessions, and the clerks of the halls, as rows."""

import msgspec

from central.store.database import Tx


class Administrator(msgspec.Struct, frozen=True, kw_only=True):
    """One of the three; `password` is a PHC string."""

    name: str
    role: str
    password: str
    must_change: bool
    failures: int = 0
    locked_until_ms: int = 0
    signed_in_ms: int | None = None


class SessionKept(msgspec.Struct, frozen=True, kw_only=True):
    """A session; the token itself is not kept."""

    token_hash: bytes
    admin: str
    csrf: str
    opened_ms: int
    seen_ms: int


class StaffKept(msgspec.Struct, frozen=True, kw_only=True):
    """A clerk of one node. `card` is their staff card's fingerprint; `changed` orders for the publisher."""

    node: str
    staff: str
    name: str
    role: str
    permits: tuple[str, ...]
    windows: tuple[str, ...]
    password: str
    valid: bool
    card: str = ""
    changed: int = 0


async def add_administrator(tx: Tx, kept: Administrator) -> None:
    """Create an administrator; the name must be new."""
    await tx.execute(
        "INSERT INTO administrator (name, role, password, must_change, failures, locked_until_ms,"
        " signed_in_ms)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        *msgspec.structs.astuple(kept),
    )


async def administrator(tx: Tx, name: str) -> Administrator | None:
    """The administrator of that name, locked until the transaction ends."""
    row = await tx.fetchrow("SELECT * FROM administrator WHERE name = $1 FOR UPDATE", name)
    return Administrator(**dict(row)) if row else None


async def administrators(tx: Tx) -> list[Administrator]:
    """All, by name."""
    return [Administrator(**dict(row)) for row in await tx.fetch("SELECT * FROM administrator ORDER BY name")]


async def change_administrator(tx: Tx, kept: Administrator) -> None:
    """Write back password, lock and last sign-in."""
    await tx.execute(
        "UPDATE administrator SET password = $2, must_change = $3, failures = $4, locked_until_ms = $5,"
        " signed_in_ms = $6 WHERE name = $1",
        kept.name,
        kept.password,
        kept.must_change,
        kept.failures,
        kept.locked_until_ms,
        kept.signed_in_ms,
    )


async def open_session(tx: Tx, kept: SessionKept) -> None:
    """Keep a session; the administrator's older ones end: one session a person."""
    await tx.execute("DELETE FROM admin_session WHERE admin = $1", kept.admin)
    await tx.execute(
        "INSERT INTO admin_session (token_hash, admin, csrf, opened_ms, seen_ms) VALUES ($1, $2, $3, $4, $5)",
        *msgspec.structs.astuple(kept),
    )


async def session(tx: Tx, token_hash: bytes) -> SessionKept | None:
    """The session of a token."""
    row = await tx.fetchrow("SELECT * FROM admin_session WHERE token_hash = $1", token_hash)
    return SessionKept(**dict(row)) if row else None


async def touch_session(tx: Tx, token_hash: bytes, now_ms: int) -> None:
    """The session was used now."""
    await tx.execute("UPDATE admin_session SET seen_ms = $2 WHERE token_hash = $1", token_hash, now_ms)


async def close_session(tx: Tx, token_hash: bytes) -> None:
    """End a session."""
    await tx.execute("DELETE FROM admin_session WHERE token_hash = $1", token_hash)


async def put_staff(tx: Tx, clerks: list[StaffKept]) -> int:
    """Insert or replace clerks; how many."""
    rows = [msgspec.structs.astuple(clerk)[:9] for clerk in clerks]
    for row in rows:
        await tx.execute(
            "INSERT INTO staff (node, staff, name, role, permits, windows, password, valid, card, changed)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, nextval('change_number'))"
            " ON CONFLICT (node, staff) DO UPDATE SET name = excluded.name, role = excluded.role,"
            " permits = excluded.permits, windows = excluded.windows, password = excluded.password,"
            " valid = excluded.valid, card = excluded.card, changed = excluded.changed",
            *row,
        )
    return len(rows)


async def staff(tx: Tx, node: str) -> list[StaffKept]:
    """The clerks of a node, by sign-in name."""
    rows = await tx.fetch("SELECT * FROM staff WHERE node = $1 ORDER BY staff", node)
    return [
        StaffKept(**{**dict(row), "permits": tuple(row["permits"]), "windows": tuple(row["windows"])})
        for row in rows
    ]


async def key_marks(tx: Tx) -> dict[str, bytes]:
    """The marks of the keys this database was begun with, by file name; empty before the first opening."""
    return {row["name"]: bytes(row["mark"]) for row in await tx.fetch("SELECT name, mark FROM key_mark")}


async def add_key_marks(tx: Tx, marks: dict[str, bytes]) -> None:
    """Keep the marks for ever."""
    await tx.execute(
        "INSERT INTO key_mark (name, mark) SELECT * FROM unnest($1::text[], $2::bytea[])",
        list(marks),
        list(marks.values()),
    )
