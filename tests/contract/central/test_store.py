"""The schema: append-only by role, fit for a distributed PostgreSQL, partitioned by time."""

import asyncpg
import pytest

from central.errors import StoreRefused, StoreUnavailable
from central.store import effects, migrate
from central.store.database import Dsn, Store
from central.store.effects import Rejection
from central.store.tables import APP, OWNER, TABLES
from tests.contract.central.clock import NOW_MS
from tests.contract.central.stage import Server, Stage

LEDGER = sorted(table.name for table in TABLES if table.use == "ledger")


async def attempt(stage: Stage, statement: str) -> str:
    """SQLSTATE of a statement as the application's role, "" when it went through."""
    connection = await asyncpg.connect(stage.server.dsn(APP, stage.database))
    try:
        await connection.execute(statement)
    except asyncpg.PostgresError as error:
        return str(error.sqlstate)
    finally:
        await connection.close()
    return ""


async def test_g31_the_application_cannot_change_or_remove_what_a_ledger_holds(stage: Stage) -> None:
    denied = asyncpg.InsufficientPrivilegeError.sqlstate
    assert len(LEDGER) == 22
    for table in LEDGER:
        query = "SELECT column_name FROM information_schema.columns WHERE table_name = $1 LIMIT 1"
        column = (await stage.rows(query, table))[0]["column_name"]
        assert await attempt(stage, f"DELETE FROM {table}") == denied
        assert await attempt(stage, f"TRUNCATE {table}") == denied
        assert await attempt(stage, f"UPDATE {table} SET {column} = {column}") == denied
        assert await attempt(stage, f"DROP TABLE {table}") == denied
        assert await attempt(stage, f"SELECT 1 FROM {table} LIMIT 1") == ""


async def test_g31_partitions_give_no_way_round_the_roles(stage: Stage) -> None:
    denied = asyncpg.InsufficientPrivilegeError.sqlstate
    parts = await stage.rows(
        "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'access'::regclass"
    )
    assert len(parts) > 12
    for part in parts:
        assert await attempt(stage, f"DELETE FROM {part['name']}") == denied
        assert await attempt(stage, f"INSERT INTO {part['name']} SELECT * FROM {part['name']}") == denied


async def test_the_application_cannot_give_itself_rights_or_change_the_schema(stage: Stage) -> None:
    for statement in (
        f"SET ROLE {OWNER}",
        "ALTER TABLE entry ADD COLUMN more text",
        "CREATE TABLE more (a int)",
        f"ALTER ROLE {APP} SUPERUSER",
    ):
        assert await attempt(stage, statement) != "", statement
    await attempt(stage, f"GRANT DELETE ON entry TO {APP}")
    assert await attempt(stage, "DELETE FROM entry") == asyncpg.InsufficientPrivilegeError.sqlstate


async def test_g31_every_key_holds_its_distribution_column(stage: Stage) -> None:
    rows = await stage.rows(
        "SELECT c.conrelid::regclass::text AS name, c.conname, array_agg(a.attname::text) AS columns"
        " FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)"
        " WHERE c.contype IN ('p', 'u', 'x') GROUP BY 1, 2"
    )
    by = {table.name: table.by for table in TABLES}
    keys = {row["name"]: row["columns"] for row in rows if row["name"] in by}
    assert set(keys) == set(by), "every table of TABLES has a key"
    wrong = {name: columns for name, columns in keys.items() if by[name] and by[name] not in columns}
    assert wrong == {}


async def test_g31_no_trigger_and_no_foreign_key_stands_in_the_way_of_shards(stage: Stage) -> None:
    triggers = await stage.rows("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal")
    foreign = await stage.rows("SELECT conname FROM pg_constraint WHERE contype = 'f'")
    assert (triggers, foreign) == ([], [])


async def test_every_table_of_the_database_has_its_row(stage: Stage) -> None:
    found = await stage.rows(
        "SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
    )
    assert {row["name"] for row in found} - {"schema_migration"} == {table.name for table in TABLES}


async def test_entries_of_a_far_off_clock_are_stored_and_months_are_made_ahead(stage: Stage) -> None:
    hall = await stage.hall()
    hall.access("330102199001011234", hlc_ms=0)
    hall.access("330102199001011234", hlc_ms=NOW_MS)
    hall.access("330102199001011234", hlc_ms=NOW_MS * 4)
    from central.actions import ingest

    await ingest.exchange(stage.centre, hall.batch(), "network")
    rest = await stage.rows("SELECT count(*) AS n FROM access_rest")
    month = await stage.rows("SELECT count(*) AS n FROM access_2026_11")
    assert (rest[0]["n"], month[0]["n"]) == (2, 1)
    async with stage.centre.store.owner() as connection:
        assert await migrate.extend(connection, NOW_MS + 40 * 86_400_000) == 2, "one month, two tables"


async def test_migrating_again_changes_nothing_and_another_programs_schema_is_refused(stage: Stage) -> None:
    assert await migrate.migrate(stage.centre.store, NOW_MS) == ()
    await stage.thief("UPDATE schema_migration SET digest = 'other'")
    with pytest.raises(StoreRefused):
        await migrate.migrate(stage.centre.store, NOW_MS)


async def test_trouble_of_the_database_leaves_as_an_error_of_our_tree_without_row_values(
    stage: Stage,
) -> None:
    row = Rejection(origin="o", idx=1, reason="secret words", at_ms=1)
    with pytest.raises(StoreRefused) as caught:
        async with stage.centre.store.transaction() as tx:
            await effects.add(tx, [row, row])
    assert caught.value.sqlstate == "23505"
    assert "secret" not in str(caught.value)
    with pytest.raises(StoreUnavailable):
        await Store.open(Dsn(app=f"postgresql://{APP}@/yizhan?host=/nowhere", owner=""))


async def test_details_and_records_are_sealed_in_the_database(stage: Stage, server: Server) -> None:
    from central.actions import ingest

    hall = await stage.hall()
    hall.access("330102199001011234", case="330102-2026-C-00001")
    await ingest.exchange(stage.centre, hall.batch(), "network")
    rows = await stage.rows("SELECT * FROM entry_body")
    held = b"".join(bytes(value) for row in rows for value in row.values() if isinstance(value, bytes))
    assert b"330102199001011234" not in held
    assert "某人".encode() not in held
    assert server
