"""Who stands at the window: the card, its validity, its holder (source 000; F001, F002, F004)."""

from datetime import date

from matters.ids import plain, region_name
from matters.model import Party, Presence, SitePolicy, Words
from matters.records import SubjectRecord
from matters.rules.findings import Finding

RULE_REPLACE = "居民身份证法 第十一条"
"""A card whose time is over must be exchanged for a new one."""

RULE_FALSE = "居民身份证法 第十七条"
"""Using the card of another person is an offence."""

REPLACE = Words(
    zh="请先到公安机关补办或换领新证，再来办理查询。",
    en="Have the card replaced by the police first, then come back for the query.",
)
COMPARE = Words(
    zh="请核对来人与证件；确有疑问请请值班主管处理，不得代刷他人证件。",
    en="Compare the person with the card; when in doubt call the supervisor. Never lay another's card.",
)
CARD_WORDS = {
    "citizen": Words(zh="居民身份证", en="resident ID card"),
    "J": Words(zh="港澳台居民居住证", en="residence permit for Hong Kong, Macao or Taiwan residents"),
    "I": Words(zh="外国人永久居留身份证", en="foreigner's permanent residence card"),
    "Y": Words(zh="外国人永久居留身份证（2023版）", en="foreigner's permanent residence card (2023)"),
}


def card_findings(
    presence: Presence, visitor: Party, who: Words, site: SitePolicy, today: date, rule: str
) -> list[Finding]:
    """Everything wrong with the card of the person who must be present; empty when it proves them.

    `who` names the role of the visitor in the case, `rule` the article that asks for the card; it is cited
    where no other law says more. An expired or absent card forbids the query, whatever else was brought
    (F002).
    """
    if presence.kind == "none":
        return [_absent(who, rule)]
    checks = [
        _card_type(presence, site, rule),
        _expired(presence, today),
        _not_yet_valid(presence, today, rule),
        _same_person(presence, visitor, who, rule),
    ]
    return [finding for finding in checks if finding is not None]


def residence_findings(presence: Presence, site: SitePolicy) -> list[Finding]:
    """跨省通办 (F022): with it closed at this site, only the site's own province is served."""
    if site.residence_open or presence.kind == "none" or presence.number[:2] == site.region[:2]:
        return []
    here = region_name(site.region) or site.region
    return [
        Finding(
            code="not-local",
            message=Words(
                zh="本服务点尚未开通跨省通办，暂不能为外地居民办理。",
                en="This place does not yet serve residents of other provinces.",
            ),
            rule="站点规定：跨省通办未开通",
            next=Words(
                zh=f"请到户籍所在省份或已开通跨省通办的服务点办理（本点服务范围：{here}）。",
                en="Please go to your own province or to a place that serves all provinces.",
            ),
        )
    ]


def result_findings(presence: Presence, subject: SubjectRecord) -> tuple[Words, ...]:
    """What in the result does not agree with the card, to be mended before the citizen leaves (F069)."""
    differs = []
    if presence.name != subject.name:
        differs.append(
            Words(
                zh="结果中的姓名与身份证不一致，请当场更正。",
                en="The name in the result differs from the card.",
            )
        )
    if plain(presence.number) != plain(subject.number):
        differs.append(
            Words(
                zh="结果中的证件号码与身份证不一致，请当场更正。",
                en="The number in the result differs from the card.",
            )
        )
    return tuple(differs)


def _absent(who: Words, rule: str) -> Finding:
    return Finding(
        code="presence-missing",
        message=Words(
            zh=f"未读到{who.zh}的有效身份证，不能开始查询。",
            en=f"No valid ID card of {who.en} was read, so no query may start.",
        ),
        rule=rule,
        missing=Words(
            zh=f"{who.zh}到场并出示居民身份证原件", en=f"{who.en} in person, with the original ID card"
        ),
        next=Words(
            zh=f"请{who.zh}携带本人居民身份证原件到窗口读卡；身份证遗失的，请先到公安机关补领。",
            en=f"{who.en[0].upper()}{who.en[1:]} must come with the original card; replace a lost one first.",
        ),
    )


def _card_type(presence: Presence, site: SitePolicy, rule: str) -> Finding | None:
    if presence.record in site.cards:
        return None
    card = CARD_WORDS.get(presence.record, Words(zh="该类证件", en="this kind of card"))
    wanted = CARD_WORDS["citizen"]
    return Finding(
        code="card-type",
        message=Words(
            zh=f"本服务点不能以{card.zh}办理此项查询。",
            en=f"This place cannot serve this query on a {card.en}.",
        ),
        rule=rule,
        missing=wanted,
        next=Words(
            zh="请出示居民身份证，或到市级、区级政务服务中心人工核验。",
            en="Show a resident ID card, or go to the city or district centre for a check by hand.",
        ),
    )


def _expired(presence: Presence, today: date) -> Finding | None:
    if presence.valid_to is None or presence.valid_to >= today:
        return None
    day = presence.valid_to.isoformat()
    return Finding(
        code="card-expired",
        message=Words(
            zh=f"身份证已于{day}过期，应先换领新证，不能开始查询。",
            en=f"The ID card expired on {day}; it must be replaced first and no query may start.",
        ),
        rule=RULE_REPLACE,
        missing=Words(zh="有效期内的居民身份证", en="an ID card that has not expired"),
        next=REPLACE,
    )


def _not_yet_valid(presence: Presence, today: date, rule: str) -> Finding | None:
    if presence.valid_from is None or presence.valid_from <= today:
        return None
    day = presence.valid_from.isoformat()
    return Finding(
        code="card-not-yet-valid",
        message=Words(zh=f"身份证自{day}起才有效。", en=f"The ID card is valid only from {day}."),
        rule=rule,
        missing=Words(zh="有效期内的居民身份证", en="an ID card that is valid today"),
        next=Words(
            zh="请核对证件有效期与本机日期。", en="Compare the card's dates with the date of this machine."
        ),
    )


def _same_person(presence: Presence, visitor: Party, who: Words, rule: str) -> Finding | None:
    if not presence.holder:
        code, zh, en = (
            "card-not-holder",
            "持证人与身份证照片不是同一人",
            "the person present is not the one on the card",
        )
    elif plain(presence.number) != plain(visitor.number):
        code, zh, en = (
            "card-number-mismatch",
            f"身份证号码与{who.zh}不一致",
            f"the card's number is not that of {who.en}",
        )
    elif presence.name != visitor.name:
        code, zh, en = (
            "card-name-mismatch",
            f"身份证姓名与{who.zh}不一致",
            f"the card's name is not that of {who.en}",
        )
    else:
        return None
    return Finding(
        code=code,
        message=Words(zh=f"{zh}，不能开始查询。", en=f"{en[0].upper()}{en[1:]}; no query may start."),
        rule=RULE_FALSE if code == "card-not-holder" else rule,
        missing=Words(zh=f"{who.zh}的身份证", en=f"the ID card of {who.en}"),
        next=COMPARE,
    )
