"""What a refusal must leave alone: every table of a node or a centre, and every file of a folder, as it was."""

import hashlib
from pathlib import Path
from typing import Any

from edge.actions.node import Node
from edge.store.reader import Reading
from tests.contract.central.stage import Stage

NODE_RECORDS_ITSELF = frozenset({"entry", "tile", "ledger_head", "checkpoint", "counter", "fact", "session"})
"""The node's own book-keeping: a refused access is itself an entry, and a session remembers its last act."""
CENTRE_RECORDS_ITSELF = ("centre_", "ledger_head", "checkpoint", "tile", "nonce", "session")
"""The centre's own ledger of what was tried, by the beginning of the table's name."""


def digest(rows: list[Any]) -> str:
    """One text for all rows, whatever their order."""
    return hashlib.sha256(repr(sorted(repr(row) for row in rows)).encode()).hexdigest()


def files(folder: Path) -> dict[str, str]:
    """Every file below `folder` with the digest of its bytes."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


async def work_of(node: Node) -> dict[str, str]:
    """Every table of the node that holds work or data, by its digest."""

    def read(db: Reading) -> dict[str, str]:
        names = [row[0] for row in db.query("SELECT name FROM sqlite_master WHERE type = 'table'")]
        held = [name for name in names if name not in NODE_RECORDS_ITSELF and not name.startswith("sqlite_")]
        papers = digest(
            db.query("SELECT * FROM print_job WHERE serial <> ''")
        )  # slips of a refusal stand alone
        rest = {name: digest(db.query(f"SELECT * FROM {name}")) for name in held}
        return rest | {"print_job": papers}

    return await node.store.read(read)


async def ledger_of(node: Node) -> int:
    """How many entries stand on the node's ledger."""
    return int((await node.store.read(lambda db: db.query("SELECT count(*) FROM entry")))[0][0])


async def work_of_centre(stage: Stage) -> dict[str, str]:
    """Every table of the centre but its own record of what was tried, by its digest."""
    names = await stage.rows(
        "SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1"
    )
    held = [row["name"] for row in names if not row["name"].startswith(CENTRE_RECORDS_ITSELF)]
    return {name: digest([tuple(row.values()) for row in await _rows(stage, name)]) for name in held}


async def _rows(stage: Stage, name: str) -> list[Any]:
    """All rows of a table; of ledgers, those of nodes only."""
    others = f" WHERE origin <> '{stage.centre.origin}'" if name in {"entry", "entry_body"} else ""
    return list(await stage.rows(f'SELECT * FROM "{name}"{others}'))
