"""Quota without contact (protocol 9): what nodes spent is settled when it arrives, over all nodes together.

Two free reports a calendar year are a person's, not a hall's: halls without contact may each give the second
one. The first to arrive keeps its word; a later one is corrected by a letter: a fee due, or one to give back.
"""

from collections.abc import Sequence

import msgspec

from central.actions.centre import Centre
from central.actions.mailbox import Draft
from central.store import quota
from central.store.database import Tx
from central.store.quota import Spent
from matters.calendar import china_day
from matters.quota import QuotaRule, spend


async def settle(centre: Centre, tx: Tx, spent: Sequence[Spent]) -> list[Draft]:
    """Settle these, in the transaction of their entries; the letters that correct what the node took."""
    for person in sorted({(one.subject_ref, one.matter, one.year) for one in spent}):
        await quota.lock(tx, *person)
    letters: list[Draft] = []
    for one in spent:
        matter = centre.catalogue[one.matter]
        assert matter.quota is not None  # `effects._spent` rejected the others
        row, correction = await _settled(tx, one, matter.quota)
        await quota.add(tx, row)
        if correction:
            letters.append(_letter(row, correction))
    return letters


async def _settled(tx: Tx, one: Spent, rule: QuotaRule) -> tuple[Spent, int]:
    """The row with the fee that was due, and what the node has to correct."""
    if one.units < 0:
        return one, 0
    used = max(0, await quota.used(tx, one.subject_ref, one.matter, one.year))
    due = spend(rule, used, china_day(one.occurred_ms)).fee_cents
    taken = 0 if one.said_free else rule.fee_cents
    return msgspec.structs.replace(one, fee_cents=due), due - taken


def _letter(row: Spent, correction: int) -> Draft:
    note = "本年度免费次数已在别处用完" if correction > 0 else "本次仍属免费次数"
    body = {"origin": row.origin, "index": row.idx, "fee_cents": correction, "note": note}
    return "quota.settled", body
