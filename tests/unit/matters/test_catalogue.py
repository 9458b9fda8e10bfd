"""The catalogue: what is shipped behaves as its golden examples say, and a wrong file is refused with its place."""

import tomllib
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec
import pytest

from matters.authority import FAMILIES, decide
from matters.catalogue.load import builtin, parse
from matters.errors import CatalogueInvalid
from matters.model import AccessRequest, Grant, Refusal, SitePolicy
from matters.records import CATEGORIES
from tests.unit.matters.figures import MATTERS, SITE

GOLDEN = Path(__file__).parent / "golden"
SELF = resources.files("matters.catalogue").joinpath("public-credit.self.toml").read_text("utf-8")
CODE = "public-credit.self"


def merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """`changes` laid over `base`; tables merge, everything else is replaced; the text "-" removes a key."""
    result = dict(base)
    for key, value in changes.items():
        if value == "-":
            result.pop(key)
        else:
            both = isinstance(value, dict) and isinstance(result.get(key), dict)
            result[key] = merged(result[key], value) if both else value
    return result


def examples(side: str) -> list[Any]:
    cases = []
    for file in sorted(GOLDEN.glob("*.toml")):
        golden = tomllib.loads(file.read_text("utf-8"))
        for example in golden[side]:
            request = {"matter": file.stem} | merged(golden["base"], example.get("changes", {}))
            cases.append(pytest.param(file.stem, request, example, id=f"{file.stem}: {example['name']}"))
    return cases


def judged(code: str, request: dict[str, Any], example: dict[str, Any]) -> Grant | Refusal:
    site = msgspec.convert(msgspec.to_builtins(SITE) | example.get("site", {}), SitePolicy)
    day = example.get("today", date(2026, 11, 21))
    return decide(MATTERS[code], msgspec.convert(request, AccessRequest), site, day)


def test_every_shipped_matter_has_a_golden_file_and_no_golden_file_is_left_over():
    assert {file.stem for file in GOLDEN.glob("*.toml")} == set(MATTERS)


@pytest.mark.parametrize(("code", "request_", "example"), examples("accepted"))
def test_an_accepted_example_is_granted(code, request_, example):
    grant = judged(code, request_, example)
    assert isinstance(grant, Grant), grant
    assert grant.basis == example["basis"]
    assert grant.case == example["case"]


@pytest.mark.parametrize(("code", "request_", "example"), examples("refused"))
def test_a_refused_example_is_refused_with_its_code_rule_and_list(code, request_, example):
    refusal = judged(code, request_, example)
    assert isinstance(refusal, Refusal), refusal
    assert refusal.code == example["code"]
    assert example["rule"] in refusal.rule
    assert [words.zh for words in refusal.missing] == example["missing"]
    assert refusal.next.zh


def test_the_shipped_catalogue_holds_the_spine_and_its_offline_rules():
    assert builtin() == MATTERS
    offline = {code: matter.offline for code, matter in MATTERS.items()}
    assert offline["public-credit.self"] == "cached"
    assert offline["public-credit.authorised"] == "cached"
    assert offline["credit-bureau.self"] == "deferred"
    assert offline["access-trail.self"] == "deferred"


def test_every_rule_family_is_used_by_a_shipped_matter():
    assert {matter.authority for matter in MATTERS.values()} == set(FAMILIES)


def changed(old: str, new: str) -> bytes:
    assert old in SELF
    return SELF.replace(old, new, 1).encode()


@pytest.mark.parametrize(
    ("text", "key", "said"),
    [
        (b"\xff\xfe", "file", "not UTF-8"),
        (b"#" * 70_000, "file", "larger than"),
        (changed('code = "', "code = "), "TOML", "at line 2"),
        (b'code = "x', "TOML", "TOML"),
        (changed("policy = 1", "policy = 1\ncolour = 'red'"), "colour", "unknown key"),
        (changed("policy = 1\n", ""), "policy", "missing required field"),
        (changed("policy = 1", "policy = 'one'"), "policy", "Expected `int`"),
        (changed("policy = 1", "policy = 0"), "policy", "1 or more"),
        (changed('offline = "cached"', 'offline = "maybe"'), "offline", "Invalid enum value"),
        (changed('code = "public-credit.self"', 'code = "other"'), "code", "the file is named"),
        (changed('"self-legal"]', '"self-dog"]'), "cases", "allowed"),
        (changed('cases = ["self-natural", "self-legal"]', "cases = []"), "cases", "allowed"),
        (changed('"shanghai-public-credit"', '"beijing"'), "authority", "no such rule family"),
        (changed('"arrears", "other"]', '"rumour"]'), "categories", "allowed"),
        (changed('capability = "summary"', 'capability = "all"'), "capability", "allowed"),
        (changed('permit = "public-credit"', 'permit = ""'), "permit", "must not be empty"),
        (changed("window_s = 900", "window_s = -1"), "window_s", "must not be negative"),
        (changed('"*" = 86_400', "other = 86_400"), "fresh_s", 'needs a row "*"'),
        (changed("judgment = 43_200", "rumour = 43_200"), "fresh_s", "allowed rows"),
        (changed('"*" = 86_400', '"*" = -1'), "fresh_s", "must not be negative"),
        (changed('"*" = 86_400', '"*" = 999_999'), "usable_s", "shorter than fresh_s"),
        (changed("judgment = 172_800", "judgment = 1"), "usable_s", "shorter than fresh_s"),
        (changed('en = "Own public-credit query"', 'en = ""'), "title", "needs zh and en"),
        (changed('zh = "本人公共信用信息查询", ', ""), "title", "missing required field"),
    ],
)
def test_a_wrong_file_is_refused_with_file_key_and_reason(text, key, said):
    with pytest.raises(CatalogueInvalid) as caught:
        parse(CODE, text)
    assert caught.value.file == "public-credit.self.toml"
    assert caught.value.key.split(".")[0] == key
    assert said in str(caught.value)
    assert "public-credit.self.toml" in str(caught.value)


def test_the_line_of_the_wrong_key_is_named():
    with pytest.raises(CatalogueInvalid) as caught:
        parse(CODE, changed("policy = 1", "policy = 0"))
    assert caught.value.line == SELF.splitlines().index("policy = 1") + 1
    with pytest.raises(CatalogueInvalid) as table:
        parse(CODE, changed('"*" = 86_400', '"*" = -1'))
    assert table.value.line == SELF.splitlines().index("[fresh_s]") + 1


def test_a_wrong_quota_is_refused_by_its_key():
    bureau = resources.files("matters.catalogue").joinpath("credit-bureau.self.toml").read_text("utf-8")
    with pytest.raises(CatalogueInvalid, match="quota"):
        parse("credit-bureau.self", bureau.replace("fee_cents", "fee_yuan").encode())


def test_every_category_of_a_matter_has_words_and_ages():
    for matter in MATTERS.values():
        assert set(matter.categories) <= set(CATEGORIES)
        assert "*" in matter.fresh_s
        assert "*" in matter.usable_s
