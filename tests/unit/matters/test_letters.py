"""What letters of authorisation must say: Art 14 and Art 20."""

from datetime import date

import msgspec
import pytest

from matters.authority import decide
from matters.model import Letter, Party
from tests.unit.matters.figures import (
    HENGDA,
    LI,
    MATTERS,
    SITE,
    SUN,
    TODAY,
    WANG,
    XINYUAN,
    granted,
    letter,
    missing,
    refused,
    whole,
)

replace = msgspec.structs.replace


def judged(case, **changes):
    request = whole(case)
    changed = replace(letter(request.subject, request.requester), **changes)
    return decide(MATTERS[request.matter], replace(request, letter=changed), SITE, TODAY)


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ("name", "授权人名称"),
        ("document", "授权人证件类型"),
        ("number", "授权人证件号码"),
        ("phone", "授权人联系电话"),
    ],
)
@pytest.mark.parametrize("case", ["natural-natural", "natural-legal", "legal-natural", "legal-legal"])
def test_f040_the_letter_states_the_authorisers_name_document_number_and_phone(case, part, said):
    authoriser = whole(case).subject
    refusal = refused(judged(case, authoriser=replace(authoriser, **{part: ""})))
    assert missing(refusal) == f"授权委托书：{said}（一）"
    assert ("第十四条" if case.startswith("natural") else "第二十条") in refusal.rule


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ("name", "被授权人名称"),
        ("document", "被授权人证件类型"),
        ("number", "被授权人证件号码"),
        ("employer", "被授权人工作单位"),
        ("phone", "被授权人联系电话"),
    ],
)
def test_f041_the_letter_states_the_authorised_partys_name_document_number_employer_and_phone(part, said):
    assert (
        missing(judged("natural-natural", authorised=replace(LI, **{part: ""})))
        == f"授权委托书：{said}（二）"
    )


def test_f041_an_authorised_company_is_its_own_employer():
    assert not XINYUAN.employer
    assert granted(judged("natural-legal"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"matter": ""}, "授权事项"),
        ({"scope": ""}, "授权查询范围"),
        ({"valid_to": None}, "授权有效期限"),
        ({"purpose": ""}, "约定使用用途"),
    ],
)
def test_f042_the_letter_states_matter_scope_period_and_agreed_use(changes, said):
    assert missing(judged("natural-natural", **changes)) == f"授权委托书：{said}（三）"


def test_f042_an_expired_letter_is_refused_and_its_last_day_still_counts():
    refusal = refused(judged("natural-natural", valid_to=date(2026, 11, 20)))
    assert refusal.code == "letter-expired"
    assert "2026-11-20" in refusal.message.zh
    assert granted(judged("natural-natural", valid_to=TODAY))
    assert refused(judged("natural-natural", valid_from=date(2026, 11, 22))).code == "letter-not-yet-valid"
    assert granted(judged("natural-natural", valid_from=None))
    assert granted(judged("natural-natural", valid_from=TODAY))


def test_f043_a_persons_letter_needs_a_signature_or_a_seal():
    assert granted(judged("natural-natural", signature=True, seal=False))
    assert granted(judged("natural-natural", signature=False, seal=True))
    refusal = refused(judged("natural-natural", signature=False, seal=False))
    assert missing(refusal) == "授权委托书：授权人签名或盖章（四）"


def test_f048_an_organisations_letter_needs_the_company_seal_and_the_legal_representatives_signature():
    for case in ("legal-natural", "legal-legal"):
        assert missing(judged(case, seal=False)) == "授权委托书：授权法人盖章（四）"
        told = missing(judged(case, legal_representative_signature=False))
        assert told == "授权委托书：法定代表人签字（四）"
        both = missing(judged(case, seal=False, legal_representative_signature=False, signature=True))
        assert both.count("（四）") == 2


def test_an_empty_letter_is_told_everything_it_lacks_at_once():
    request = whole("natural-natural", letter=Letter())
    told = missing(decide(MATTERS[request.matter], request, SITE, TODAY))
    assert told.count("授权委托书：") == 4 + 5 + 4 + 1


def test_a_letter_for_other_people_does_not_fit_the_request():
    stranger = Party(
        name="赵六", document="居民身份证", number="330104199511113014", phone="1", employer="某单位"
    )
    assert refused(judged("natural-natural", authoriser=stranger)).code == "letter-authoriser-mismatch"
    assert refused(judged("natural-natural", authorised=stranger)).code == "letter-authorised-party-mismatch"
    lower = whole("natural-natural", letter=letter(replace(WANG, number=f" {WANG.number.lower()} "), LI))
    assert granted(decide(MATTERS[lower.matter], lower, SITE, TODAY))


def test_the_agreed_use_of_the_letter_is_the_purpose_of_the_grant():
    assert granted(judged("legal-natural", purpose="招投标")).purpose == "招投标"
    assert HENGDA.number != SUN.number
