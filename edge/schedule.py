"""What the node does by itself: the visible job table, and the two loops no clock can stop.

Calendar work runs on APScheduler, which plans by the wall clock; a watcher re-plans it after a jump. The
exchange loop and the watcher run on monotonic time, so a clock set back stops neither (stack.md 13).
"""

import asyncio
import contextlib
import secrets
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Literal

import msgspec
import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from edge.actions import (
    budget,
    checkpoint,
    clockwork,
    downlink,
    exchange,
    files,
    leases,
    prune,
    quota,
    recount,
    wipe,
)
from edge.actions.node import Node
from edge.errors import EdgeError
from matters.calendar import CHINA
from sync.errors import SyncError

log = structlog.get_logger("schedule")
LOOK_S = 2.0
WATCH_S = 20.0
Act = Callable[[Node], Awaitable[object]]


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One row: every `every_s` seconds, or daily at `at` (HH:MM, China); at most `limit_s` long.

    `missed` says what happens to runs missed while the node was off or the loop was busy: "once" makes up
    for all of them with one run, "skip" waits for the next.
    """

    name: str
    owner: str
    act: Act
    every_s: int = 0
    at: str = ""
    limit_s: int
    missed: Literal["once", "skip"]


# fmt: off
JOBS: tuple[Job, ...] = (
    Job(name="checkpoint", owner="ledger", act=checkpoint.sign, every_s=60, limit_s=60, missed="once"),
    Job(name="leases", owner="security", act=leases.shred_expired, every_s=30, limit_s=120, missed="once"),
    Job(name="disk", owner="store", act=clockwork.keep_reserve, every_s=60, limit_s=30, missed="skip"),
    Job(name="recount", owner="ledger", act=recount.when_asked, every_s=300, limit_s=300, missed="once"),
    Job(name="grants", owner="quota", act=quota.end_expired, every_s=3600, limit_s=60, missed="once"),
    Job(name="files", owner="line", act=files.when_idle, every_s=120, limit_s=300, missed="skip"),
    Job(name="wipe", owner="security", act=wipe.when_told, every_s=30, limit_s=900, missed="once"),
    Job(name="doubts", owner="store", act=downlink.settle_doubts, every_s=60, limit_s=60, missed="skip"),
    Job(name="sweep", owner="store", act=downlink.sweep, every_s=300, limit_s=120, missed="skip"),
    Job(name="data", owner="store", act=downlink.look_over, at="03:40", limit_s=300, missed="once"),
    Job(name="prune", owner="store", act=prune.prune, at="03:20", limit_s=900, missed="once"),
)
# fmt: on


class Schedule:
    """Runs the table and the loops inside `run`, until cancelled."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._scheduler = AsyncIOScheduler(timezone=CHINA)

    async def run(self) -> None:
        """All periodic work of this node; ends only by cancellation."""
        for job in JOBS:
            self._scheduler.add_job(
                _guarded,
                _trigger(job),
                args=(self._node, job),
                id=job.name,
                max_instances=1,
                coalesce=True,
                misfire_grace_time=None if job.missed == "once" else 1,
            )
        self._scheduler.start()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(exchange_loop(self._node), name="exchange")
                group.create_task(self._watch(), name="clock watch")
        finally:
            self._scheduler.shutdown(wait=False)

    async def _watch(self) -> None:
        """Find a jump of the wall clock, put it on the ledger, and plan every job anew from now."""
        while True:
            await asyncio.sleep(WATCH_S)
            with contextlib.suppress(
                EdgeError
            ):  # the ledger is in trouble; the jump stays visible in clock.state
                if await clockwork.watch(self._node):
                    self.replan()

    def replan(self) -> None:
        """Each job's next run counted from now."""
        now = datetime.now(UTC).astimezone(CHINA)
        for job in self._scheduler.get_jobs():
            job.modify(next_run_time=job.trigger.get_next_fire_time(None, now))


def _trigger(job: Job) -> CronTrigger | IntervalTrigger:
    if job.at:
        hour, minute = job.at.split(":")
        return CronTrigger(hour=int(hour), minute=int(minute), timezone=CHINA)
    return IntervalTrigger(seconds=job.every_s, timezone=CHINA)


async def _guarded(node: Node, job: Job) -> None:
    """One run within its limit; trouble is logged by code and the next run tries again."""
    try:
        async with asyncio.timeout(job.limit_s):
            await job.act(node)
    except TimeoutError:
        log.warning("job", job=job.name, code="over-its-limit")
    except (EdgeError, SyncError) as error:
        log.warning("job", job=job.name, code=error.code)
    except Exception as error:  # noqa: BLE001 -- named supervisor: a bug in one job must not end the others
        log.error("job", job=job.name, code=type(error).__name__)  # noqa: TRY400 -- a trace may hold values


async def exchange_loop(node: Node) -> None:
    """Exchange for ever.

    On a timer with jitter, soon after news, at once when asked, often while the line is down.
    """
    while True:
        await _wait_for_turn(node)
        node.line_bell.clear()
        if node.uplink.url:
            await _one_exchange(node)


async def _one_exchange(node: Node) -> None:
    """One try; whatever goes wrong, the next one comes (P8)."""
    begun = time.monotonic()
    try:
        done = await exchange.exchange(node)
    except TimeoutError:
        log.warning("exchange", code="over-its-limit")
    except (EdgeError, SyncError) as error:
        log.info("exchange", code=error.code)
    except Exception as error:  # noqa: BLE001 -- named supervisor: the exchange must never stop trying
        log.error("exchange", code=type(error).__name__)  # noqa: TRY400 -- a trace may hold values
    else:
        node.meter.took(done.bytes_up + done.bytes_down, time.monotonic() - begun)
        log.info(
            "exchange",
            sent=done.sent,
            pending=done.pending,
            bytes_up=done.bytes_up,
            bytes_down=done.bytes_down,
        )


async def _wait_for_turn(node: Node) -> None:
    """Until the timer, or the bell; monotonic, so no clock can stop it.

    The pace is looked at again every few seconds: a line that broke or news that came shortens the wait.
    """
    begun = time.monotonic()
    spread = node.settings.exchange_jitter_percent
    jitter = (100 - spread + secrets.randbelow(2 * spread + 1)) / 100
    while (left_s := begun + await _pause_s(node) * jitter - time.monotonic()) > 0:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(left_s, LOOK_S)):
                await node.line_bell.wait()
                return


async def _pause_s(node: Node) -> float:
    """Seconds between exchanges as things stand.

    Short while the line is down or entries wait, else the site's own pace.
    """
    settings, link = node.settings, budget.link(node)
    if node.uplink.breaker.open:
        return settings.probe_every_s
    idle_s = max(settings.exchange_every_s, link.idle_s)
    if await exchange.waiting(node):
        return min(max(settings.exchange_news_s, link.news_s), idle_s)
    return idle_s
