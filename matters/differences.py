"""What to do about a difference that reconciliation found, in words, by its code: for both sides' screens."""

from matters.model import Words


def next_step(code: str) -> Words:
    """Who has to do what about a finding of this code; the general step for a code of a newer program."""
    return _STEPS.get(code, _ANY)


_ANY = Words(zh="查明情况，写明说明。", en="Find out what happened and say so.")
_STEPS = {
    "day-missing": Words(zh="请大厅值班长补做当日日结。", en="The hall's shift leader closes that day."),
    "day-count": Words(
        zh="请大厅核对后重新日结；仍不一致的，由中心发起深度核对（central recount）。",
        en="The hall checks and closes the day again; if it stays, the centre runs `central recount`.",
    ),
    "after-close": Words(zh="请大厅把当日重新日结一次。", en="The hall closes the day again."),
    "report-without-access": Words(
        zh="请大厅说明这份报告依据哪次查询签发。", en="The hall says from which access the report was made."
    ),
    "sheet-spoiled": Words(
        zh="请大厅补打交付，或说明申请人不再需要。",
        en="The hall prints it again and hands it over, or says why nobody needs it.",
    ),
    "never-printed": Words(
        zh="请大厅打印交付，或说明申请人为何未取。",
        en="The hall prints it and hands it over, or says why it was not taken.",
    ),
    "printed-twice": Words(
        zh="请大厅查清两张纸的去向，收回多出的一张；再打用“补打”。",
        en="The hall finds both sheets and takes one back; a further copy is a reprint.",
    ),
    "handed-over-twice": Words(
        zh="请大厅查清交给了谁，收回多出的一张。", en="The hall finds out who has it and takes one back."
    ),
    "not-handed-over": Words(
        zh="请大厅通知申请人来取并记交付，无人取的作废这张纸。",
        en="The hall calls the person and records the hand-over, or spoils the sheet.",
    ),
    "paper-without-report": Words(
        zh="请大厅查清这张纸打的是什么。", en="The hall finds out what was printed on that sheet."
    ),
    "paper-of-refused": Words(
        zh="请大厅收回已交付的纸张并说明。", en="The hall takes the paper back and says what happened."
    ),
    "disclosed-not-shown": Words(
        zh="大厅条目报来后自行消除；已报齐仍在的，请大厅说明。",
        en="It ends by itself when the hall's entries arrive; if it stays, the hall says why.",
    ),
    "shown-not-disclosed": Words(
        zh="请查中心是否恢复过备份；没有的，请大厅说明答复从何而来。",
        en="See whether the centre was restored; if not, the hall says where the answer came from.",
    ),
    "access-without-purpose": Words(
        zh="请大厅说明这次查询的目的和依据。", en="The hall says for what and on what basis it was asked."
    ),
    "sheet-used-twice": Words(
        zh="请大厅找出用同一编号的纸张，收回错的一张。", en="The hall finds both sheets and takes one back."
    ),
    "sheet-unaccounted": Words(
        zh="请大厅找到这张纸，或登记作废并说明。", en="The hall finds the sheet, or records it as void."
    ),
    "sheet-of-no-block": Words(
        zh="请大厅核对编号，补记领用的号段。", en="The hall checks the number and records the block."
    ),
    "sheets-returned-short": Words(
        zh="请大厅清点交回的空白纸张，缺的登记作废并说明。",
        en="The hall counts the blanks again and records what is missing as void.",
    ),
    "silent-node": Words(
        zh="请联系该节点：接通网络，或用信使带回数据包。",
        en="Call the node: connect its line, or fetch its work by courier.",
    ),
    "copies-differ": Words(
        zh="不要改动现场：先在不符的一方运行 check（central check、edge check），按恢复手册处理。",
        en="Change nothing: run `check` where the copy does not hold, then follow the runbook.",
    ),
    "fork": Words(
        zh="该台账已停收：请安全管理员在“换代”页核对并审批。",
        en="The ledger is stopped: the security administrator decides under incarnations.",
    ),
    "incarnation": Words(
        zh="请安全管理员在“换代”页核对。", en="The security administrator looks under incarnations."
    ),
    "grant-misused": Words(
        zh="请大厅说明；必要时在“离线额度”页下调份数。",
        en="The hall says why; lower its level under offline units if need be.",
    ),
    "grant-forgotten": Words(
        zh="与大厅核对签发日期后关闭。", en="Compare with the hall when it was given, then close."
    ),
    "centre-restored": Words(
        zh="须两名管理员在“换代”页批准中心换代。", en="Two officers approve the centre's new incarnation."
    ),
}
