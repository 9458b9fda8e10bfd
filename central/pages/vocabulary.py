"""Codes that entries carry, as people read them. A code without a row is shown as it came: never hidden."""

from matters.model import Words

MODES = {
    "online": Words(zh="在线", en="online"),
    "cached": Words(zh="离线缓存", en="offline, from cache"),
    "deferred": Words(zh="转待办", en="deferred"),
    "local": Words(zh="本机", en="local"),
    "denied": Words(zh="拒绝", en="refused"),
    "": Words(zh="未注明", en="not stated"),
}
OUTCOMES = {
    "answered": Words(zh="已应答", en="answered"),
    "denied": Words(zh="已拒绝", en="refused"),
    "deferred": Words(zh="转待办", en="deferred"),
    "disclosed": Words(zh="中心已披露", en="disclosed by the centre"),
}
ACTS = {"ok": Words(zh="完成", en="done"), "refused": Words(zh="已拒绝", en="refused")}
BASES = {
    "SELF": Words(zh="本人查询", en="own record"),
    "AUTHORISED": Words(zh="授权查询", en="by authorisation"),
    "OPEN": Words(zh="公开信息", en="public record"),
    "": Words(zh="无依据", en="no basis"),
}
PRESENCES = {
    "resident-id": Words(zh="在场·读卡", en="present, card read"),
    "card/citizen": Words(zh="在场·读卡", en="present, card read"),
    "card/J": Words(zh="在场·读港澳台居民居住证", en="present, residence permit read"),
    "card/I": Words(zh="在场·读外国人永久居留证", en="present, foreigner's card read"),
    "card/Y": Words(zh="在场·读外国人永久居留证", en="present, foreigner's card read"),
    "card/social": Words(zh="读社会保障卡（不作身份凭证）", en="social security card read (proves nobody)"),
    "card/organisation": Words(zh="读单位证件卡", en="organisation's card read"),
    "none": Words(zh="不在场", en="not present"),
    "": Words(zh="不在场", en="not present"),
}
RELATIONSHIPS = {
    "self-natural": Words(zh="自然人查本人", en="person, own record"),
    "self-legal": Words(zh="单位查本单位", en="organisation, own record"),
    "natural-natural": Words(zh="自然人授权自然人", en="person authorised by a person"),
    "natural-legal": Words(zh="自然人授权单位", en="organisation authorised by a person"),
    "legal-natural": Words(zh="单位授权自然人", en="person authorised by an organisation"),
    "legal-legal": Words(zh="单位授权单位", en="organisation authorised by an organisation"),
    "": Words(zh="无号、无卡、无办件", en="no ticket, card or case"),
}
ROLES = {
    "clerk": Words(zh="窗口人员", en="clerk"),
    "supervisor": Words(zh="值班长", en="supervisor"),
    "hall-manager": Words(zh="大厅主管", en="hall manager"),
    "system": Words(zh="系统管理员", en="system administrator"),
    "security": Words(zh="安全管理员", en="security administrator"),
    "audit": Words(zh="审计管理员", en="audit administrator"),
    "centre": Words(zh="中心平台", en="centre"),
}
CLOCKS = {
    "0": Words(zh="时钟可信", en="clock synced"),
    "1": Words(zh="时钟保持中", en="clock in holdover"),
    "2": Words(zh="时钟不可信", en="clock not trusted"),
}
STATES = {
    "ok": Words(zh="正常", en="in order"),
    "away": Words(zh="离线，在常态内", en="away, as usual"),
    "silent": Words(zh="静默超出常态", en="silent beyond its pattern"),
    "revoked": Words(zh="已吊销", en="revoked"),
    "new": Words(zh="待注册", en="not enrolled yet"),
}
PURPOSES = {
    "self": Words(zh="本人查询", en="own record"),
    "authorised": Words(zh="按授权书", en="as authorised"),
    "open": Words(zh="查公开信息", en="public record"),
    "own-trail": Words(zh="本人查看访问记录", en="own list of accesses"),
    "stated": Words(zh="另有说明（密封）", en="stated, sealed"),
}
KINDS = {"hall": Words(zh="大厅", en="hall"), "bus": Words(zh="流动服务车", en="bus")}
VERIFIED = {
    "countersigned": Words(zh="已会签", en="countersigned"),
    "arrived": Words(zh="已到达，未会签", en="arrived, not countersigned"),
    "broken": Words(zh="证明不成立", en="proof does not hold"),
}
PAIRED = {
    "both": Words(zh="两本台账都有", en="on both ledgers"),
    "disclosed only": Words(zh="只有中心记录", en="only on the centre's ledger"),
    "shown only": Words(zh="只有节点记录", en="only on the node's ledger"),
}
FINDINGS = {
    "open": Words(zh="待处理", en="open"),
    "explained": Words(zh="已说明", en="explained"),
    "closed": Words(zh="已关闭", en="closed"),
}
TRIPS = {
    "planned": Words(zh="未开始", en="planned"),
    "open": Words(zh="进行中", en="under way"),
    "ended": Words(zh="已结束", en="ended"),
}
REPORTS = {
    "final": Words(zh="正式", en="final"),
    "provisional": Words(zh="临时", en="provisional"),
    "confirmed": Words(zh="已确认", en="confirmed"),
    "superseded": Words(zh="已被替代", en="superseded"),
}
CELLS = {
    "matched": Words(zh="一致", en="matched"),
    "waiting": Words(zh="已日结，待对账", en="closed, not compared yet"),
    "open": Words(zh="有差异", en="findings"),
    "missing": Words(zh="未日结", en="not closed"),
    "unheard": Words(zh="尚未报来", en="not heard of yet"),
    "": Words(zh="无业务", en="no work"),
}
CARRIERS = {"network": Words(zh="网络", en="line"), "courier": Words(zh="信使", en="courier")}
CAPABILITIES = {
    "public": Words(zh="公开信息", en="public"),
    "points": Words(zh="信用积分", en="points"),
    "summary": Words(zh="摘要", en="summary"),
    "detail": Words(zh="明细", en="detail"),
}

OWNERS = {
    "hall": Words(zh="大厅值班长", en="hall supervisor"),
    "centre": Words(zh="中心平台", en="centre"),
    "audit": Words(zh="审计管理员", en="audit administrator"),
    "system": Words(zh="系统管理员", en="system administrator"),
}
OBJECTS = {
    "trail": Words(zh="访问轨迹", en="trail"),
    "reports": Words(zh="报告清单", en="list of reports"),
    "own password": Words(zh="本人口令", en="own password"),
    "records import": Words(zh="导入信用记录", en="records import"),
    "enrolment": Words(zh="节点注册", en="enrolment"),
}
STATISTICS = {
    "clock": Words(zh="时钟状态（0 可信）", en="clock state (0: synced)"),
    "disk_free_percent": Words(zh="磁盘剩余 %", en="disk free, %"),
    "open_cases": Words(zh="在办办件", en="open cases"),
    "open_tasks": Words(zh="待办任务", en="open tasks"),
    "subjects_held": Words(zh="缓存主体数", en="subjects held"),
    "oldest_waiting_s": Words(zh="最久待上传（秒）", en="oldest waiting, s"),
    "devices_at_fault": Words(zh="故障设备", en="devices at fault"),
    "lease_used_percent": Words(zh="离线授权已用 %", en="leases used, %"),
}

TABLES: dict[str, dict[str, Words]] = {
    "mode": MODES,
    "outcome": OUTCOMES,
    "act": ACTS,
    "basis": BASES,
    "presence": PRESENCES,
    "relationship": RELATIONSHIPS,
    "role": ROLES,
    "clock": CLOCKS,
    "state": STATES,
    "purpose": PURPOSES,
    "kind": KINDS,
    "verified": VERIFIED,
    "paired": PAIRED,
    "finding": FINDINGS,
    "report": REPORTS,
    "trip": TRIPS,
    "cell": CELLS,
    "owner": OWNERS,
    "object": OBJECTS,
    "statistic": STATISTICS,
    "carrier": CARRIERS,
    "capability": CAPABILITIES,
}

TONES = {
    "online": "teal",
    "cached": "ageing",
    "deferred": "ageing",
    "ok": "fresh",
    "away": "ageing",
    "silent": "official",
    "revoked": "expired",
    "new": "",
    "countersigned": "fresh",
    "arrived": "ageing",
    "broken": "official",
    "disclosed only": "official",
    "shown only": "official",
    "open": "official",
    "explained": "ageing",
    "closed": "fresh",
    "final": "fresh",
    "confirmed": "fresh",
    "provisional": "ageing",
    "superseded": "official",
    "matched": "fresh",
    "2": "official",
    "1": "ageing",
}
"""Code → class of its tag; the word beside it says the same, so colour is never alone."""

SHAPES = {"fresh": "●", "ageing": "▲", "expired": "◆", "official": "◆", "teal": "●", "": "○"}


def word(table: str, code: object, lang: str) -> str:
    """A code in words; an unknown code comes back as it is: nothing is hidden. Unknown tables raise."""
    found = TABLES[table].get(str(code))
    if found is None:
        return str(code)
    return found.en if lang == "en" else found.zh


def tone(code: object) -> str:
    """The class of a code's tag, empty for a neutral one."""
    return TONES.get(str(code), "")


def code_of(table: str, text: str) -> str | None:
    """The code that a person's word means (either language, or the code itself), None when nothing does."""
    wanted = text.strip().lower()
    for code, words in TABLES[table].items():
        if code and wanted in {code.lower(), words.zh.lower(), words.en.lower()}:
            return code
    return None
