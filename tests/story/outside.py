"""Looking at the two programs from outside: files, databases, papers. Never what the code says of itself."""

import csv
import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg

from central.store import embedded
from edge.store import cipher, slots
from matters.ids import resident_check
from tests.story.world import Place, World

TOOL_S = 30.0


def people(world: World, region: str) -> list[dict[str, str]]:
    """Adult residents of a county as the import file holds them, in file order; of its spoiled lines none."""
    with (world.folder / f"records-{region}.csv").open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines)
        return list({row["number"]: row for row in rows if _adult(row, region)}.values())


def _adult(row: dict[str, str], region: str) -> bool:
    born = row.get("birth") or ""
    good = (
        row.get("row") == "subject"
        and row.get("kind") == "natural"
        and (row.get("region") or "").startswith(region)
    )
    number = row.get("number") or ""
    return (
        good
        and "1945" < born[:4] < "2002"
        and len(number) == 18
        and number[17] == resident_check(number[:17])
    )


def card_of(row: dict[str, str]) -> dict[str, Any]:
    """A resident ID card for a row of the import file, valid for years."""
    return {
        "record": "citizen",
        "name": row["name"],
        "sex": row["sex"],
        "nation": "01",
        "birth": row["birth"],
        "address": row["address"],
        "number": row["number"],
        "issuer": "清河县公安局",
        "valid_from": "2018-06-11",
        "valid_to": "2038-06-11",
    }


def node_rows(place: Place, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    """Rows of the node's encrypted database, opened with the machine's key as a thief with root would."""
    connection = node_connection(place.data)
    try:
        return [tuple(row) for row in connection.execute(sql, values)]
    finally:
        connection.close()


def node_connection(data: Path, *, writer: bool = False) -> Any:
    """An open SQLCipher connection on the node's database in `data`; for reading unless said otherwise."""
    return cipher.connect(data / "node.db", slots.unlock(data), writer=writer)


async def centre_rows(world: World, sql: str, *values: Any) -> list[asyncpg.Record]:
    """Rows of the centre's database, over its own socket, as its owner."""
    connection = await asyncpg.connect(centre_dsn(world.centre_data))
    try:
        return list(await connection.fetch(sql, *values))
    finally:
        await connection.close()


def centre_dsn(data: Path) -> str:
    """The owner's DSN of the embedded database in a centre's data folder."""
    pid_file = (data / "pg" / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    return f"postgresql://postgres@/yizhan?host={pid_file[4]}"


def pdf_text(pdf: Path) -> str:
    """What a person reads in the PDF, by poppler."""
    done = subprocess.run(
        ["pdftotext", "-layout", str(pdf), "-"], capture_output=True, timeout=TOOL_S, check=True
    )
    return done.stdout.decode()


def planted(folder: Path, words: list[str]) -> list[str]:
    """Which of `words` can be read in the raw bytes under `folder`, as UTF-8 or GB18030."""
    needles = [(word, code) for word in words for code in {word.encode(), word.encode("gb18030")}]
    found = set()
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            found |= {word for word, code in needles if re.search(re.escape(code), content)}
    return sorted(found)


def copy_node(data: Path, copy: Path) -> None:
    """A copy of a serving node's folder: the database through SQLite's backup, the rest as files."""
    shutil.copytree(data, copy, ignore=shutil.ignore_patterns("node.db*", "*.tty"))
    source, key = node_connection(data), slots.unlock(data)
    try:
        cipher.copy(source, copy / "node.db", key)
    finally:
        source.close()


async def copy_centre(data: Path, copy: Path) -> None:
    """A physical copy of the centre's folder, its database by `pg_basebackup` of a running server."""
    shutil.copytree(data, copy, ignore=shutil.ignore_patterns("pg", "*.sock*", "*.lock"))
    connection = await asyncpg.connect(centre_dsn(data))
    try:
        await connection.execute("SELECT pg_backup_start('thief', true)")
        shutil.copytree(data / "pg", copy / "pg", ignore=shutil.ignore_patterns("postmaster.*", "pg_wal"))
        await connection.execute("CHECKPOINT")
        label = await connection.fetchrow("SELECT * FROM pg_backup_stop(false)")
        assert label is not None
        shutil.copytree(data / "pg" / "pg_wal", copy / "pg" / "pg_wal")
        (copy / "pg" / "backup_label").write_text(label["labelfile"], encoding="utf-8")
    finally:
        await connection.close()
    owner = (data / "pg").stat()
    for path in (copy / "pg", *(copy / "pg").rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid)


@asynccontextmanager
async def second_server(copy: Path) -> AsyncIterator[str]:
    """A server on a copied centre's database, for the thief; ends when the block ends."""
    async with embedded.running(copy) as address:
        yield address.dsn("postgres", "yizhan")
