"""Age of data: bands, rules of use and words. Age runs from the last report, not the last change."""

from typing import Literal

from matters.model import Matter, Words

Band = Literal["fresh", "ageing", "expired"]
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400

BAND_WORDS: dict[str, Words] = {
    "fresh": Words(zh="新鲜", en="fresh"),
    "ageing": Words(zh="将过期", en="ageing"),
    "expired": Words(zh="已过期", en="expired"),
}


def band(as_of_ms: int, now_ms: int, fresh_s: int, usable_s: int) -> Band:
    """Fresh up to `fresh_s`, ageing up to `usable_s`, then expired; limits in seconds, inclusive."""
    age_ms = now_ms - as_of_ms
    if age_ms <= fresh_s * 1000:
        return "fresh"
    return "ageing" if age_ms <= usable_s * 1000 else "expired"


def limits(matter: Matter, category: str) -> tuple[int, int]:
    """(fresh_s, usable_s) of a category in a matter; the row "*" stands for the rest."""
    fresh = matter.fresh_s.get(category, matter.fresh_s["*"])
    return fresh, matter.usable_s.get(category, matter.usable_s["*"])


def age_words(age_s: int) -> Words:
    """An age as people say it: 3 分钟前, 1 小时 18 分前, 2 天 5 小时前; a negative age counts as none."""
    if age_s < _MINUTE:
        return Words(zh="刚刚", en="just now")
    span = span_words(age_s)
    return Words(zh=f"{span.zh}前", en=f"{span.en} ago")


def span_words(span_s: int) -> Words:
    """A span of at least a minute in its two largest units: 3 分钟, 1 小时 18 分, 2 天 5 小时."""
    days, hours, minutes = span_s // _DAY, span_s % _DAY // _HOUR, span_s % _HOUR // _MINUTE
    if days:
        return _two(days, "天", "d", hours, "小时", "h")
    if hours:
        return _two(hours, "小时", "h", minutes, "分", "min")
    return Words(zh=f"{minutes} 分钟", en=f"{minutes} min")


def use_words(value: Band, usable_s: int) -> Words:
    """The rule of use that stands beside data of this band."""
    if value == "fresh":
        return Words(zh="可以使用", en="may be used")
    if value == "expired":
        return Words(zh="已过期，不可用，请联网查询", en="expired, not shown; ask again with the line up")
    if usable_s < _MINUTE:
        return Words(zh="仅当场有效", en="valid at this moment only")
    span = span_words(usable_s) if usable_s % _DAY else _hours(usable_s)
    return Words(
        zh=f"{span.zh}内可用，联网后由中心确认", en=f"usable within {span.en}, to be confirmed by the centre"
    )


def _two(large: int, zh: str, en: str, small: int, small_zh: str, small_en: str) -> Words:
    if not small:
        return Words(zh=f"{large} {zh}", en=f"{large} {en}")
    return Words(zh=f"{large} {zh} {small} {small_zh}", en=f"{large} {en} {small} {small_en}")


def _hours(span_s: int) -> Words:
    hours = span_s // _HOUR
    return Words(zh=f"{hours} 小时", en=f"{hours} h")
