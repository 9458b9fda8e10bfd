"""What the centre does by itself: one visible table of jobs.

Intervals run on the monotonic clock, so no clock set back stops them; daily jobs are planned by
APScheduler in China's time. Every run has a limit; trouble is logged by its code and the next run tries
again.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable

import msgspec
import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger

from central.actions import chores
from central.actions.centre import Centre
from central.errors import CentralError
from matters.calendar import CHINA
from sync.errors import SyncError

log = structlog.get_logger("schedule")
JITTER = 0.2
Act = Callable[[Centre], Awaitable[object]]


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One row: every `every_s` seconds (±20 %), or daily at `at` (HH:MM, China); at most `limit_s` long.

    `missed`: what happens to runs missed while the centre was off: "once" makes up with one run at the start.
    """

    name: str
    owner: str
    act: Act
    every_s: int = 0
    at: str = ""
    limit_s: int
    missed: str = "once"


# fmt: off
JOBS: tuple[Job, ...] = (
    Job(name="promises", owner="actions.fulfil", act=chores.promises, every_s=15, limit_s=60),
    Job(name="checkpoint", owner="actions.own_ledger", act=chores.checkpoint, every_s=60, limit_s=60),
    Job(name="releases", owner="actions.publish", act=chores.releases, every_s=300, limit_s=1200),
    Job(name="nonces", owner="security.callers", act=chores.nonces, every_s=600, limit_s=60),
    Job(name="trips", owner="actions.trips", act=chores.open_trips, every_s=600, limit_s=300),
    Job(name="silence", owner="actions.findings", act=chores.silence, every_s=3600, limit_s=300),
    Job(name="days", owner="actions.reconcile", act=chores.days, every_s=3600, limit_s=3600),
    Job(name="deep checks", owner="actions.recount", act=chores.deep_checks, every_s=3600, limit_s=3600),
    Job(name="partitions", owner="store.migrate", act=chores.partitions, at="01:10", limit_s=300),
    Job(name="contacts", owner="store.contacts", act=chores.contacts_kept, at="01:20", limit_s=300),
    Job(name="files", owner="actions.files", act=chores.files_read, at="02:30", limit_s=3600),
    Job(name="parts", owner="store.parts", act=chores.old_parts, at="01:50", limit_s=60),
    Job(name="packs", owner="actions.packs", act=chores.old_packs, at="01:40", limit_s=600),
)
# fmt: on


async def run(centre: Centre) -> None:
    """All periodic work; ends only by cancellation."""
    scheduler = AsyncIOScheduler(timezone=CHINA)
    for job in JOBS:
        if job.at:
            hour, minute = job.at.split(":")
            trigger = CronTrigger(hour=int(hour), minute=int(minute), timezone=CHINA)
            scheduler.add_job(
                guarded, trigger, args=(centre, job), id=job.name, max_instances=1, coalesce=True
            )
    scheduler.start()
    try:
        async with asyncio.TaskGroup() as group:
            for job in JOBS:
                if job.every_s:
                    group.create_task(_repeat(centre, job), name=job.name)
    finally:
        scheduler.shutdown(wait=False)


async def _repeat(centre: Centre, job: Job) -> None:
    while True:
        begun = time.monotonic()
        await guarded(centre, job)
        pause_s = job.every_s * (1 + JITTER * (2 * random.random() - 1))  # noqa: S311 -- spreads load, guards nothing
        await asyncio.sleep(max(0.0, begun + pause_s - time.monotonic()))


async def guarded(centre: Centre, job: Job) -> bool:
    """One run within its limit; False when it failed."""
    with contextlib.suppress(asyncio.TimeoutError):
        try:
            async with asyncio.timeout(job.limit_s):
                await job.act(centre)
        except (CentralError, SyncError) as error:
            log.warning("job", job=job.name, code=error.code)
        except Exception as error:  # noqa: BLE001 -- named supervisor: a bug in one job must not end the others
            log.error("job", job=job.name, code=type(error).__name__)  # noqa: TRY400 -- a trace may hold values
        else:
            return True
    return False
