"""Old packs go (protocol 5): what no release of the last week names is no use to any node.

Packs are files named by their digest. A node that reads an older acknowledgement, or a stick on its way,
finds what its release names for a week; then only the newest release of every scope stands, base and deltas.
"""

import asyncio
from pathlib import Path

import structlog

from central.actions.centre import Centre
from central.store import records
from sync.packs.release import open_release

log = structlog.get_logger("packs")
KEPT_MS = 7 * 86_400_000


async def forget(centre: Centre) -> int:
    """Remove the files of packs no kept release names, and what a broken-off publishing left; how many.

    Holds the publishing lock, so that no file is taken for a leftover before its release is committed.
    """
    async with centre.store.transaction() as tx:
        await records.lock_publishing(tx, importing=False)
        kept = await records.releases_since(tx, centre.now_ms() - KEPT_MS)
        named: set[str] = set()
        for one in kept:
            release = open_release(one.signed, centre.keys.signing.public)
            named |= {release.state_root.hex(), *(pack.digest.hex() for pack in release.packs)}
        gone = await asyncio.to_thread(_remove, centre.data / "packs", named)
    if gone:
        log.info("packs.forgotten", rows=gone)
    return gone


def _remove(folder: Path, named: set[str]) -> int:
    gone = [path for path in folder.iterdir() if path.is_file() and path.name not in named]
    for path in gone:
        path.unlink(missing_ok=True)
    return len(gone)
