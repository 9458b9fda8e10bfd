"""Every article a refusal or rule cites was read somewhere: here is where. A citation from memory fails."""

import re
from pathlib import Path

import matters
from matters.rules.shanghai import RULES_NAME

READ_IN = {
    "征信业管理条例 第十六条": "domain.md 5.2",
    "征信业管理条例 第十七条": "domain.md 5.2",
    "征信业管理条例 第十八条": "domain.md 5.2",
    "征信业管理条例 第二十二条": "domain.md 5.2: graded rights, access records",
    "征信业管理条例 第二十五条": "domain.md 5.2",
    "征信业管理条例 第二十六条": "domain.md 5.2",
    "网络安全法 第二十一条": "domain.md 6.1, before 2026",
    "网络安全法 第二十三条": "domain.md 6.1, since 2026",
    "个人信息保护法 第五十六条": "domain.md 6.1",
    "个人信息保护法 第六条": "text of the law: collection for a stated purpose",
    "个人信息保护法 第四十五条": "text of the law: a person may inspect and copy what is held about them",
    "居民身份证法 第十一条": "text of the law, amended 2011: a card past its time is exchanged",
    "居民身份证法 第十七条": "text of the law, amended 2011: using another's card",
}
"""Citation → where it was read (2026-11-22)."""

HOUSE = Path(matters.__file__).parents[1]
ARTICLE = re.compile(
    r"(征信业管理条例|网络安全法|个人信息保护法|居民身份证法) (第[一二三四五六七八九十百]+条)"
)
FILES = [
    path
    for folder in ("matters", "edge", "central", "ui")
    for ending in ("*.py", "*.toml", "*.html", "*.typ")
    for path in sorted((HOUSE / folder).rglob(ending))
    if "node_modules" not in path.parts
]


def test_every_cited_article_of_a_law_was_read():
    found = {" ".join(hit): path.name for path in FILES for hit in ARTICLE.findall(path.read_text("utf-8"))}
    assert len(found) > 5, "the pattern still fits the code"
    assert {cited: where for cited, where in found.items() if cited not in READ_IN} == {}
    assert [cited for cited in READ_IN if cited not in found] == [], "read, and cited no more"


def test_no_rule_cites_a_shanghai_article_beyond_the_known_text():
    """The copies break off in Art 24 (F050); what is cited must stand before."""
    words = "一二三四五六七八九十"
    cited = {
        hit
        for path in FILES
        for hit in re.findall(RULES_NAME + r" 第([一二三四五六七八九十]+)条", path.read_text("utf-8"))
    }
    assert all(number(text, words) <= 23 for text in cited)


def number(text: str, words: str) -> int:
    """二十三 → 23."""
    tens, ten, ones = text.rpartition("十")
    if not ten:
        return words.index(text) + 1
    return 10 * (words.index(tens) + 1 if tens else 1) + (words.index(ones) + 1 if ones else 0)
