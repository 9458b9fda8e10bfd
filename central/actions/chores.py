"""What is done without anybody asking; the schedule's table names these."""

import asyncio

from central.actions import (
    files,
    fleet,
    fulfil,
    own_ledger,
    packs,
    publish,
    reconcile,
    recount,
    restored,
    trips,
)
from central.actions.centre import Centre
from central.actions.findings import new_finding, raised
from central.security import callers
from central.store import contacts, migrate, parts
from matters.calendar import china_day

CONTACTS_KEPT_MS = PARTS_KEPT_MS = 7 * 86_400_000


async def promises(centre: Centre) -> int:
    """Fulfil deferred cases whose time has come; not while the centre does not know what it had fulfilled."""
    if await restored.levelling(centre):
        return 0
    return await fulfil.fulfil(centre)


async def checkpoint(centre: Centre) -> int:
    """Sign the centre's own ledger, unless it is behind what was signed; its size, 0 when it is."""
    if await restored.levelling(centre):
        return 0
    return (await own_ledger.signed_checkpoint(centre)).size


async def releases(centre: Centre) -> int:
    """After a restore: publish what lost its numbers; how many scopes."""
    return await publish.renumbered(centre)


async def nonces(centre: Centre) -> None:
    """Forget request nonces that are too old to be replayed."""
    await callers.forget(centre.store, centre.now_ms())


async def partitions(centre: Centre) -> int:
    """Make the months ahead ready; how many were new."""
    async with centre.store.owner() as connection:
        return await migrate.extend(connection, centre.now_ms())


async def contacts_kept(centre: Centre) -> None:
    """Drop contacts older than a week; checkpoints stay for ever."""
    async with centre.store.transaction() as tx:
        await contacts.forget_contacts(tx, centre.now_ms() - CONTACTS_KEPT_MS)


async def old_parts(centre: Centre) -> int:
    """Remove parts of cut batches whose rest did not come within a week; how many."""
    return await asyncio.to_thread(parts.forget_old, centre.data, centre.now_ms() - PARTS_KEPT_MS)


async def old_packs(centre: Centre) -> int:
    """Remove packs no release of the last week names; how many."""
    return await packs.forget(centre)


async def open_trips(centre: Centre) -> int:
    """Publish trips of buses that have begun or changed; how many."""
    return await trips.publish_open(centre)


async def days(centre: Centre) -> int:
    """Reconcile the days that are due, by what came and what ended since; how many, ledger by ledger."""
    return await reconcile.due(centre)


async def deep_checks(centre: Centre) -> int:
    """Ask whoever is due for a deep check; how many were asked."""
    return await recount.when_due(centre)


async def files_read(centre: Centre) -> int:
    """Read a part of the report files back; how many are not what they were."""
    return await files.look_over(centre)


async def silence(centre: Centre) -> int:
    """Raise a finding for every node silent beyond its pattern, one a day; how many were new."""
    today = china_day(centre.now_ms()).isoformat()
    new = 0
    for row in await fleet.fleet(centre):
        if row.state != "silent":
            continue
        found = new_finding(
            centre,
            row.origin,
            day=today,
            code="silent-node",
            about=row.origin,
            words=row.reason,
            owner="centre",
        )
        async with centre.store.transaction() as tx:
            new += await raised(centre, tx, found)
    return new
