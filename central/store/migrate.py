"""Migrations and monthly partitions, as the schema's owner. A migration is never edited after release."""

import hashlib
import importlib.resources
from collections.abc import Iterator
from datetime import date

import asyncpg
import msgspec

from central.errors import StoreRefused
from central.store.database import LOCK_MIGRATE, Store
from central.store.embedded import SUPERUSER, Address
from central.store.tables import APP, OWNER, TABLES, grants
from matters.calendar import china_day, china_ms

DATABASE = "yizhan"
MONTHS_BACK = 3
MONTHS_AHEAD = 14


class Migration(msgspec.Struct, frozen=True, kw_only=True):
    """One file of `migrations/`: its number, name, statements in order, and digest."""

    number: int
    name: str
    statements: tuple[str, ...]
    digest: str


def migrations() -> tuple[Migration, ...]:
    """All migrations of this program, by number."""
    folder = importlib.resources.files("central.store") / "migrations"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)
    return tuple(_migration(file.name, file.read_text(encoding="utf-8")) for file in files)


def _migration(name: str, text: str) -> Migration:
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("--")]
    statements = tuple(part.strip() for part in "\n".join(lines).split(";\n") if part.strip(" ;\n"))
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Migration(number=int(name[:4]), name=name, statements=statements, digest=digest)


async def prepare_embedded(address: Address, database: str = DATABASE) -> None:
    """The two roles and the database of an embedded cluster, created where absent.

    On a real server the DBA does it.
    """
    connection = await asyncpg.connect(address.dsn(SUPERUSER, "postgres"))
    try:
        for role in (OWNER, APP):
            if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
                await connection.execute(f"CREATE ROLE {role} LOGIN")
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", database):
            await connection.execute(f'CREATE DATABASE "{database}" OWNER {OWNER}')
    finally:
        await connection.close()


async def migrate(store: Store, now_ms: int) -> tuple[str, ...]:
    """Bring the schema up to this program; names of the migrations applied.

    Each migration is one transaction. Raises StoreRefused when an applied migration differs from its file
    (another program's schema) or is newer than this program.
    """
    applied: list[str] = []
    async with store.owner() as connection:
        await connection.execute("SELECT pg_advisory_lock($1)", LOCK_MIGRATE)
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migration ("
            " number integer CONSTRAINT schema_migration_pk PRIMARY KEY,"
            " name text NOT NULL, digest text NOT NULL, applied_ms bigint NOT NULL)"
        )
        held = {
            row["number"]: row["digest"] for row in await connection.fetch("SELECT * FROM schema_migration")
        }
        known = {migration.number: migration for migration in migrations()}
        for number, digest in held.items():
            if number not in known or known[number].digest != digest:
                raise StoreRefused(
                    f"数据库结构版本 {number} 与本程序不符。",
                    f"schema migration {number} is not this program's",
                    "",
                )
        for number in sorted(known.keys() - held.keys()):
            await _apply(connection, known[number], now_ms)
            applied.append(known[number].name)
        await extend(connection, now_ms)
        async with connection.transaction():
            for statement in grants():
                await connection.execute(statement)
    return tuple(applied)


async def _apply(connection: "asyncpg.Connection[asyncpg.Record]", migration: Migration, now_ms: int) -> None:
    async with connection.transaction():
        for statement in migration.statements:
            await connection.execute(statement)
        await connection.execute(
            "INSERT INTO schema_migration (number, name, digest, applied_ms) VALUES ($1, $2, $3, $4)",
            migration.number,
            migration.name,
            migration.digest,
            now_ms,
        )


async def extend(connection: "asyncpg.Connection[asyncpg.Record]", now_ms: int) -> int:
    """Create the monthly partitions from three months back to fourteen ahead, and the default one.

    How many were new.

    What no month covers (a clock far away) falls into the default partition and is never refused.
    """
    held = {
        row["relname"] for row in await connection.fetch("SELECT relname FROM pg_class WHERE relkind = 'r'")
    }
    wanted = [
        statement
        for table in TABLES
        if table.monthly
        for name, statement in _partitions(table.name, now_ms)
        if name not in held
    ]
    async with connection.transaction():
        for statement in wanted:
            await connection.execute(statement)
    return len(wanted)


def _partitions(table: str, now_ms: int) -> Iterator[tuple[str, str]]:
    """(name, statement) of every partition a table should have at this time."""
    yield f"{table}_rest", f"CREATE TABLE {table}_rest PARTITION OF {table} DEFAULT"
    for month in months(now_ms):
        name = f"{table}_{month:%Y_%m}"
        low, high = _start_ms(month), _start_ms(_next(month))
        yield name, f"CREATE TABLE {name} PARTITION OF {table} FOR VALUES FROM ({low}) TO ({high})"


def months(now_ms: int) -> tuple[date, ...]:
    """First days of the months that need a partition at this time."""
    today = china_day(now_ms)
    at = today.year * 12 + today.month - 1
    numbers = range(at - MONTHS_BACK, at + MONTHS_AHEAD + 1)
    return tuple(date(number // 12, number % 12 + 1, 1) for number in numbers)


def _next(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def _start_ms(month: date) -> int:
    """Unix milliseconds at which a month begins in Shanghai."""
    return china_ms(month.isoformat())
