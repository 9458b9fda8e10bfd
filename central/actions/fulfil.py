"""Deferred cases fulfilled: the promise a hall made without the line, kept by the centre."""

import asyncio

import msgspec

from central.actions import mailbox
from central.actions.centre import Centre
from central.actions.gathered import Asked
from central.errors import UpstreamFailed
from central.store import effects
from central.store.effects import Deferral
from sync.messages.directives import whose

__all__ = ["Asked", "fulfil", "sealed"]

PURPOSE = "deferral"
BUDGET_S = 5.0
"""How long a reply waits for promises; what is not done rides with the next one."""
RETRY_MS = 30_000
RETRY_MS_MAX = 3_600_000


class _Whom(msgspec.Struct, frozen=True, kw_only=True):
    number: str
    name: str
    purpose: str


def sealed(centre: Centre, origin: str, asked: Asked) -> bytes:
    """Whom a deferred case is about, for storage."""
    whom = _Whom(number=asked.number, name=asked.name, purpose=asked.purpose)
    return centre.keys.seal(PURPOSE, _place(origin, asked.case_no), msgspec.json.encode(whom))


def _place(origin: str, case_no: str) -> bytes:
    return f"{origin}/{case_no}".encode()


async def fulfil(centre: Centre, origin: str = "", limit: int = 50) -> int:
    """Try the cases whose time has come, of one origin or all; how many were done.

    Each success is a letter in the node's mailbox, written in the transaction that marks the case. What
    the bureau does not answer is tried again, later each time, for ever.
    """
    async with centre.store.reading() as tx:
        rows = await effects.due_deferrals(tx, centre.now_ms(), origin, limit)
    if not rows:
        return 0
    done = 0
    try:
        async with asyncio.timeout(BUDGET_S):
            for place, row in enumerate(rows):
                if not await _one(centre, row):
                    await _later(centre, [other for other in rows[place:] if _asks_bureau(other)])
                    break
                done += 1
    except TimeoutError:
        pass  # what is left stays due and rides with the next exchange or the schedule
    return done


def _asks_bureau(row: Deferral) -> bool:
    return row.matter.startswith("credit-bureau.")


async def _one(centre: Centre, row: Deferral) -> bool:
    """Answer one case; False when the bureau does not answer now."""
    try:
        note = await _answer(centre, row)
    except UpstreamFailed:
        return False
    async with centre.store.transaction() as tx:
        if await effects.move_deferral(tx, row, "fulfilled", 0):
            body = {"case": row.case_no, "whose": whose(row.subject_ref), "note": note}
            await mailbox.post(centre, tx, row.origin, [("case.fulfilled", body)])
    return True


async def _answer(centre: Centre, row: Deferral) -> str:
    """What to tell the person; nothing personal beyond that it is ready. Raises UpstreamFailed."""
    if not _asks_bureau(row):
        return "线路已恢复，可到任一窗口在线办理。"
    if centre.bureau is None:
        raise UpstreamFailed("未设置征信机构地址（bureau_url）。", "no bureau_url is set")
    plain = centre.keys.unseal(PURPOSE, _place(row.origin, row.case_no), row.asked_sealed)
    whom = msgspec.json.decode(plain, type=_Whom)
    report = await centre.bureau.report(whom.number, whom.name, whom.purpose, row.case_no)
    if report is None:
        return "征信机构查无该主体的信用档案，请携带身份证到窗口确认。"
    return "征信报告已可出具，请本人携带身份证到窗口领取。"


async def _later(centre: Centre, rows: list[Deferral]) -> None:
    async with centre.store.transaction() as tx:
        for row in rows:
            wait_ms = min(RETRY_MS * 2 ** min(row.attempts, 10), RETRY_MS_MAX)
            await effects.move_deferral(tx, row, "waiting", centre.now_ms() + wait_ms)
