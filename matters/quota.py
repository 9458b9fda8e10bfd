"""Free units per calendar year, dated extras, and the fee after them.

The count starts on 1 January. Dated extras are used up before the yearly units, in the citizen's favour, and
lapse on their last day. Offline the count is only what this node knows: the verdict says so (provisional) and
the centre settles it at the next exchange.
"""

from collections.abc import Iterable
from datetime import date

import msgspec

from matters.model import ExtraUnits, QuotaRule, Words

__all__ = ["ExtraUnits", "QuotaRule", "QuotaVerdict", "UnitsSpent", "spend", "spent_in_all", "without_grant"]


class QuotaVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """Is the next unit free, what does it cost (cents), how many stay free after it, and is that certain?"""

    free: bool
    fee_cents: int
    left_after: int
    provisional: bool
    rule: str
    words: Words


class UnitsSpent(msgspec.Struct, frozen=True, kw_only=True):
    """Units of one person that one node spent in a calendar year, as the centre knew at a time."""

    node: str
    matter: str
    year: int
    units: int


def spent_in_all(known: Iterable[UnitsSpent], own: int, *, node: str, matter: str, year: int) -> int:
    """Units used this year: what the centre knew of other nodes, and of this one the larger of two counts.

    `own` is what the node itself counted: of its own spending nobody knows more, unless its disk was lost.
    """
    share = {one.node: one.units for one in known if (one.matter, one.year) == (matter, year)}
    return sum(share.values()) - share.get(node, 0) + max(own, share.get(node, 0))


def spend(
    rule: QuotaRule,
    used_this_year: int,
    day: date,
    *,
    used_in_extra: int | None = None,
    offline: bool = False,
) -> QuotaVerdict:
    """What spending one more unit on `day` would mean; nothing is counted here.

    `used_this_year`: units already used since 1 January. `used_in_extra`: how many of them fell into extra
    periods of this year that are over; None = not known, and the verdict is provisional where it matters.
    """
    assert used_this_year >= 0
    running = sum(extra.units for extra in rule.extras if extra.valid_from <= day <= extra.valid_to)
    over = sum(e.units for e in rule.extras if e.valid_to < day and e.valid_to.year == day.year)
    unsure = bool(over) and used_in_extra is None and used_this_year > 0
    lapsed_used = min(over, used_in_extra or 0)
    left = rule.free_per_year + running - (used_this_year - lapsed_used)
    return _verdict(rule, left, provisional=offline or unsure)


def _verdict(rule: QuotaRule, left: int, *, provisional: bool) -> QuotaVerdict:
    free = left > 0
    note_zh, note_en = (
        ("（离线计数，联网后核定）", " (local count, settled by the centre)") if provisional else ("", "")
    )
    if free:
        words = Words(
            zh=f"本次免费，本年度还剩 {left - 1} 次免费{note_zh}",
            en=f"Free; {left - 1} free this year after it{note_en}",
        )
    else:
        yuan = f"{rule.fee_cents / 100:g}"
        words = Words(
            zh=f"免费次数已用完，本次收费 {yuan} 元{note_zh}",
            en=f"Free units are used up; the fee is {yuan} yuan{note_en}",
        )
    return QuotaVerdict(
        free=free,
        fee_cents=0 if free else rule.fee_cents,
        left_after=max(left - 1, 0),
        provisional=provisional,
        rule=rule.basis if free else f"{rule.basis}；{rule.fee_basis}",
        words=words,
    )


def without_grant(rule: QuotaRule) -> QuotaVerdict:
    """The verdict where the count says free, but no right granted ahead is left to give it offline."""
    yuan = f"{rule.fee_cents / 100:g}"
    return QuotaVerdict(
        free=False,
        fee_cents=rule.fee_cents,
        left_after=0,
        provisional=True,
        rule=f"{rule.basis}；{rule.fee_basis}",
        words=Words(
            zh=f"本厅离线免费额度已用完：先登记收费 {yuan} 元，联网核定后应退即退；"
            "也可留电话，联网后免费办理",
            en=f"No free unit is left here offline: {yuan} yuan now, given back once the centre settled;"
            " or leave a phone number to be served free once the line is back",
        ),
    )
