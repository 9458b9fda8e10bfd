"""The page of new incarnations in its states: one that waits for a second officer, settled ones, none."""

from central.actions.incarnations import IncarnationRow, VerdictRow
from central.pages import views
from matters.model import Refusal
from sync.messages.incarnation import Claim
from tests.unit.central_pages.rows import NOW_MS, words

ROLLED_BACK = IncarnationRow(
    node="330104",
    origin="qingzhou.example/node/330104/i1",
    fingerprint="ABCD-EFGH-IJKL-MNOP",
    reason="rollback",
    words=words("数据被回退", "rolled back"),
    claim=Claim(size=4711, root="ab" * 32, anchored=4800, countersigned=4700),
    held=4780,
    countersigned=4780,
    lost=20,
    frozen="fork at size 4720",
    wanted=("security", "system"),
    verdicts=(
        VerdictRow(role="security", officer="security", approves=True, note="called", at_ms=NOW_MS - 60_000),
    ),
    state="waiting",
    new_origin="",
    asked_ms=NOW_MS - 3_600_000,
)
BEGUN = IncarnationRow(
    node="330102",
    origin="qingzhou.example/node/330102/i1",
    fingerprint="QRST-UVWX-YZ23-4567",
    reason="planned",
    words=words("计划更换", "planned replacement"),
    claim=Claim(size=900, countersigned=900),
    held=900,
    countersigned=900,
    lost=0,
    frozen="",
    wanted=("security",),
    verdicts=(),
    state="begun",
    new_origin="qingzhou.example/node/330102/i2",
    asked_ms=NOW_MS - 86_400_000,
)
SAME = Refusal(
    code="same-officer",
    message=words("同一人不能批准两次。", "one person cannot approve twice"),
    rule="节点换代",
    next=words("请另一位负责人批准。", "Have the other officer approve."),
)


def shown(role: str, *, empty: bool = False, refusal: Refusal | None = None) -> views.IncarnationsPage:
    """The page for a role."""
    return views.IncarnationsPage(
        waiting=() if empty else (ROLLED_BACK,),
        settled=() if empty else (BEGUN,),
        role=role,
        refusal=refusal,
        now_ms=NOW_MS,
    )
