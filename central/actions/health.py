"""Whether the centre can do its work: database, disk, its own ledger."""

import asyncio
import shutil

import msgspec

from central.actions import own_ledger, restored
from central.actions.centre import Centre
from central.errors import CentralError
from matters.model import Words

FREE_PERCENT_MIN = 5


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One check and its verdict."""

    check: str
    well: bool
    words: Words


async def ready(centre: Centre) -> tuple[Check, ...]:
    """Every check, each with its reason."""
    return await _database(centre), await asyncio.to_thread(_disk, centre)


async def _database(centre: Centre) -> Check:
    try:
        async with centre.store.reading() as tx:
            head = await own_ledger.head(centre, tx)
            if await restored.waits(centre, tx):
                return Check(check="database", well=True, words=restored.WAIT.message)
    except CentralError as error:
        return Check(check="database", well=False, words=error.words)
    words = Words(zh=f"数据库正常，中心台账 {head.size} 条", en=f"database up, own ledger of {head.size}")
    return Check(check="database", well=True, words=words)


def _disk(centre: Centre) -> Check:
    usage = shutil.disk_usage(centre.data)
    percent = usage.free * 100 // usage.total
    words = Words(zh=f"磁盘剩余 {percent}%", en=f"{percent}% of the disk is free")
    return Check(check="disk", well=percent >= FREE_PERCENT_MIN, words=words)
