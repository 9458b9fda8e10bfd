"""Personal credit reports by an agent (source 000; 征信业管理条例)."""

import msgspec

from matters.authority import decide
from matters.model import Material
from tests.unit.matters.figures import (
    LI,
    MATTERS,
    SITE,
    TODAY,
    WANG,
    card,
    granted,
    letter,
    missing,
    refused,
    whole,
)

BUREAU = MATTERS["credit-bureau.self"]
replace = msgspec.structs.replace


def agent(**changes):
    request = whole("natural-natural", matter="credit-bureau.self", undertaking=False)
    return replace(request, **changes)


def judged(request, site=SITE):
    return decide(BUREAU, request, site, TODAY)


def test_the_person_with_the_card_needs_no_other_paper():
    grant = granted(judged(whole("self-natural", matter="credit-bureau.self", materials=())))
    assert grant.rule == "征信业管理条例 第十七条"
    assert grant.sign_for


def test_f005_an_agent_needs_the_notarised_original_letter_and_both_cards_with_copies():
    grant = granted(judged(agent()))
    assert grant.basis == "AUTHORISED"
    assert grant.purpose == "贷款审批"
    assert grant.keep_receipt
    told = missing(judged(agent(materials=(), letter=letter(WANG, LI, notarised=False, original=False))))
    assert told == (
        "授权委托书原件；授权委托书的公证；授权人身份证原件；授权人身份证复印件；被授权人身份证复印件"
    )
    without_letter = agent(letter=None, materials=(Material(kind="kinship"), *agent().materials))
    assert refused(judged(without_letter)).code == "letter-missing", (
        "kinship does not stand in for the letter"
    )


def test_f005_the_letter_names_the_credit_report_and_its_use():
    assert "查询个人信用报告" in missing(judged(agent(letter=letter(WANG, LI, matter="办理社保"))))
    assert "约定的用途" in missing(judged(agent(letter=letter(WANG, LI, purpose=""))))
    assert granted(judged(agent(letter=letter(WANG, LI, matter="代办", scope="个人征信"))))


def test_f006_a_site_may_ask_agents_to_prove_kinship():
    strict = replace(SITE, kinship_required=True)
    refusal = refused(judged(agent(), strict))
    assert refusal.code == "kinship-missing"
    assert "亲属关系证明" in missing(refusal)
    proven = agent(materials=(Material(kind="kinship", original=True), *agent().materials))
    assert granted(judged(proven, strict))
    assert granted(judged(agent())), "elsewhere the notarised letter is enough"


def test_f007_a_third_party_without_kinship_or_letter_is_not_accepted_and_the_reason_is_said():
    refusal = refused(judged(agent(letter=None)))
    assert refusal.code == "agent-not-accepted"
    assert "非直系亲属或无法律依据" in refusal.message.zh
    assert "公证" in refusal.next.zh
    assert "征信业管理条例 第十八条" in refusal.rule


def test_an_agent_without_own_card_is_refused_before_anything_else():
    stranger = replace(agent(letter=None), presence=replace(card(LI), kind="none"))
    assert refused(judged(stranger)).code == "no-presence-no-letter"


def test_an_expired_letter_and_a_letter_of_others_do_not_serve_an_agent():
    assert (
        refused(judged(agent(letter=letter(WANG, LI, valid_to=TODAY.replace(year=2025))))).code
        == "letter-expired"
    )
    assert refused(judged(agent(letter=letter(LI, LI)))).code == "letter-authoriser-mismatch"
