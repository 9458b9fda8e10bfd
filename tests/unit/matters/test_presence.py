"""Who stands at the window, and what this place offers (source 000)."""

from datetime import date

import msgspec
import pytest

from matters.authority import decide, offer_words
from matters.model import AccessRequest, Party, Presence, SitePolicy
from matters.records import SubjectRecord
from matters.rules.presence import result_findings
from tests.unit.matters.figures import (
    LI,
    MATTERS,
    SITE,
    SUN,
    TODAY,
    WANG,
    card,
    granted,
    missing,
    refused,
    whole,
)

replace = msgspec.structs.replace


def judged(request: AccessRequest, site: SitePolicy = SITE):
    return decide(MATTERS[request.matter], request, site, TODAY)


def with_card(**changes):
    return judged(whole("self-natural", presence=card(WANG, **changes)))


def test_f001_a_valid_resident_card_of_the_person_present_is_accepted():
    assert granted(with_card())
    assert granted(with_card(valid_to=None)), "长期"
    assert granted(with_card(valid_to=TODAY)), "the last day counts"
    assert granted(with_card(valid_from=None))
    assert granted(with_card(valid_from=TODAY)), "the first day counts"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"valid_to": date(2026, 11, 20)}, "card-expired"),
        ({"valid_from": date(2026, 11, 22)}, "card-not-yet-valid"),
        ({"number": LI.number}, "card-number-mismatch"),
        ({"name": "王建华"}, "card-name-mismatch"),
        ({"holder": False}, "card-not-holder"),
        ({"record": "J"}, "card-type"),
        ({"record": "?"}, "card-type"),
    ],
)
def test_f001_the_code_of_a_refusal_says_what_is_wrong_with_the_card(changes, code):
    refusal = refused(with_card(**changes))
    assert refusal.code == code
    assert refusal.missing


def test_f001_another_kind_of_card_is_taken_where_the_site_takes_it():
    resident = replace(WANG, name="陈家明", number="810000199408230021")
    request = whole("self-natural", subject=resident, requester=resident, presence=card(resident, record="J"))
    assert refused(judged(request)).code == "card-type"
    assert granted(judged(request, replace(SITE, cards=("citizen", "J"))))


def test_f002_an_expired_card_starts_no_query_and_is_replaced_first():
    refusal = refused(with_card(valid_to=date(2026, 11, 20)))
    assert "应先换领新证" in refusal.message.zh
    assert "不能开始查询" in refusal.message.zh
    assert "补办或换领新证" in refusal.next.zh
    assert "居民身份证法 第十一条" in refusal.rule


def test_f002_an_expired_card_is_told_together_with_everything_else_that_is_missing():
    expired = card(WANG, valid_to=date(2026, 1, 5))
    told = missing(judged(whole("self-natural", presence=expired, materials=())))
    assert told == "有效期内的居民身份证；本人身份证复印件"


def test_f002_a_lost_card_is_replaced_first():
    refusal = refused(judged(whole("self-natural", presence=Presence())))
    assert "遗失的，请先到公安机关补领" in refusal.next.zh


@pytest.mark.parametrize("matter", ["public-credit.self", "credit-bureau.self", "access-trail.self"])
def test_f004_a_query_about_oneself_is_made_in_person(matter):
    sent = whole("self-natural", matter=matter, presence=card(SUN), agent=SUN)
    refusal = refused(judged(sent))
    assert refusal.code == "card-number-mismatch"
    assert "本人到场" in missing(refusal)
    with_agent = whole("self-natural", matter=matter, agent=SUN)
    assert refused(judged(with_agent)).code == "in-person"


def test_f018_a_site_that_does_not_offer_a_matter_says_so_with_the_same_words_everywhere():
    closed = replace(SITE, offers=("public-credit.self",))
    request = whole("self-natural", matter="credit-bureau.self")
    refusal = refused(judged(request, closed))
    assert refusal.code == "not-offered"
    assert "12345" in refusal.next.zh
    assert refusal.message == offer_words(MATTERS["credit-bureau.self"], closed)
    assert "可办理" in offer_words(MATTERS["credit-bureau.self"], SITE).zh


def test_f019_a_site_without_printing_checks_only_and_refers_to_the_city_or_district_centre():
    small = replace(SITE, prints=False)
    refusal = refused(judged(whole("self-natural"), small))
    assert refusal.code == "no-printing"
    assert "市级或区级" in refusal.next.zh
    assert "不打印" in offer_words(MATTERS["public-credit.self"], small).zh
    by_mail = whole("self-natural", delivery="email", email="wang@example.cn", email_code="204816")
    assert granted(judged(by_mail, small))
    search = AccessRequest(
        matter="public-credit.open", subject=Party(name="恒达"), requester=Party(number="x"), account="limin"
    )
    assert granted(judged(search, small)), "a matter without report needs no printer"


def test_f022_a_resident_of_another_province_is_served_after_the_card_was_verified():
    assert SUN.number.startswith("34")
    visitor = whole("self-natural", subject=SUN, requester=SUN, presence=card(SUN))
    assert granted(judged(visitor))
    closed = replace(SITE, residence_open=False)
    refusal = refused(judged(visitor, closed))
    assert refusal.code == "not-local"
    assert "浙江省" in refusal.next.zh
    assert granted(judged(whole("self-natural"), closed))
    assert refused(judged(whole("self-natural", presence=Presence()), closed)).code == "no-presence-no-letter"


def test_f022_a_closed_site_without_region_names_itself_in_the_words_it_has():
    nowhere = replace(SITE, residence_open=False, region="99")
    assert "服务范围：99" in refused(judged(whole("self-natural"), nowhere)).next.zh


def test_f069_a_result_whose_name_or_number_differs_from_the_card_is_seen_before_the_citizen_leaves():
    subject = SubjectRecord(
        kind="natural",
        number=WANG.number,
        name=WANG.name,
        sex="1",
        birth=date(1962, 3, 7),
        region="330102001001",
        address="",
        as_of_ms=0,
        source="省人口库",
    )
    assert result_findings(card(WANG), subject) == ()
    assert len(result_findings(card(WANG), replace(subject, name="王健国", number=LI.number))) == 2
