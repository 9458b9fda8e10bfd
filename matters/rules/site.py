"""What this place offers and can do: one flag for window, hotline and web (F018), one for printing (F019)."""

from matters.model import AccessRequest, Matter, SitePolicy, Words
from matters.rules.findings import Finding

_SITE_RULE = "站点服务目录"
_ELSEWHERE = Words(
    zh="请拨打12345或查看政务服务网，到已开通的服务点办理。",
    en="Call 12345 or see the service website for a place that offers it.",
)
_CITY = Words(
    zh="请到市级或区级政务服务中心打印报告，或改用电子邮箱接收。",
    en="Go to the city or district centre for a printed report, or choose e-mail.",
)


def offer_words(matter: Matter, site: SitePolicy) -> Words:
    """The one answer to "can I do this here?", for the hotline, the web page and the window alike (F018)."""
    title = matter.title
    if matter.code not in site.offers:
        return Words(zh=f"本服务点未开通：{title.zh}", en=f"Not offered here: {title.en}")
    if matter.report is not None and not site.prints:
        return Words(zh=f"本服务点仅核验、不打印：{title.zh}", en=f"Check only, no printing: {title.en}")
    return Words(zh=f"本服务点可办理：{title.zh}", en=f"Offered here: {title.en}")


def site_findings(matter: Matter, request: AccessRequest, site: SitePolicy) -> list[Finding]:
    """Why this place cannot serve the request, whoever asks; empty when it can."""
    if matter.code not in site.offers:
        words = offer_words(matter, site)
        return [Finding(code="not-offered", message=words, rule=_SITE_RULE, next=_ELSEWHERE)]
    if matter.report is not None and request.delivery == "print" and not site.prints:
        words = Words(
            zh="本服务点仅提供基础信息核验，不具备打印功能。",
            en="This place checks basic facts only and cannot print reports.",
        )
        return [Finding(code="no-printing", message=words, rule=_SITE_RULE, next=_CITY)]
    return []
