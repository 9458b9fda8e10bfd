"""The six-case matrix of source 001, article by article."""

from datetime import date

import msgspec
import pytest

from matters.authority import STEP_WORDS, decide
from matters.catalogue.load import builtin
from matters.deadlines import DEADLINES
from matters.model import CASE_NAMES, AccessRequest, Grant, Material, Party, Presence, Refusal
from matters.rules.shanghai import CASES, LAST_WHOLE_ARTICLE, TEXT_ENDS, article
from tests.unit.matters.figures import (
    HENGDA,
    LI,
    MATTERS,
    SITE,
    SUN,
    TODAY,
    WANG,
    card,
    granted,
    letter,
    missing,
    refused,
    relaid,
    whole,
    without,
)

AUTHORISED = ("natural-natural", "natural-legal", "legal-natural", "legal-legal")
replace = msgspec.structs.replace


def judged(request: AccessRequest, today: date = TODAY) -> Grant | Refusal:
    return decide(MATTERS[request.matter], request, SITE, today)


def lacks(request: AccessRequest) -> str:
    return missing(judged(request))


@pytest.mark.parametrize("case", CASE_NAMES)
def test_every_case_is_granted_when_nothing_is_missing(case):
    grant = granted(judged(whole(case)))
    assert grant.case == case
    assert grant.basis == ("SELF" if case.startswith("self") else "AUTHORISED")


@pytest.mark.parametrize(
    ("case", "count"),
    [
        ("self-natural", 1),
        ("self-legal", 4),
        ("natural-natural", 3),
        ("natural-legal", 5),
        ("legal-natural", 4),
        ("legal-legal", 4),
    ],
)
def test_every_case_has_as_many_items_as_its_article_lists(case, count):
    assert len(CASES[case].papers) == count


@pytest.mark.parametrize("case", CASE_NAMES)
def test_every_single_item_of_every_case_is_missed_when_it_is_absent(case):
    for paper in CASES[case].papers:
        request = without(whole(case, presence=Presence(), letter=whole(case).letter), paper.kind)
        assert paper.words.zh in lacks(request)


@pytest.mark.parametrize("case", CASE_NAMES)
def test_everything_missing_is_told_at_once(case):
    empty = whole(case, presence=Presence(), materials=(), letter=None, agent_letter=None, undertaking=False)
    told = lacks(empty)
    assert all(paper.words.zh in told for paper in CASES[case].papers)
    assert refused(judged(empty)).code == "no-presence-no-letter"


@pytest.mark.parametrize("case", CASE_NAMES)
def test_a_refusal_speaks_both_languages_cites_an_article_and_says_what_to_do(case):
    refusal = refused(judged(whole(case, materials=(), presence=Presence())))
    assert refusal.message.zh
    assert refusal.message.en
    assert "公共信用信息查询管理暂行办法 第" in refusal.rule
    assert refusal.next.zh
    assert refusal.next.en
    assert all(words.zh and words.en for words in refusal.missing)


def test_f026_own_data_needs_no_authorisation_another_persons_does_and_open_data_neither():
    assert granted(judged(whole("self-natural"))).basis == "SELF"
    assert granted(judged(whole("natural-natural"))).basis == "AUTHORISED"
    searched = AccessRequest(
        matter="public-credit.open",
        subject=Party(name="恒达"),
        requester=Party(number=LI.number),
        account="limin",
    )
    assert granted(judged(searched)).basis == "OPEN"
    other = whole("natural-natural", matter="public-credit.self")
    refusal = refused(judged(other))
    assert refusal.code == "case-not-served"
    assert "取得信息主体的授权" in refusal.message.zh
    assert "第三条" in refusal.rule


def test_f026_without_presence_and_without_letter_nobody_may_ask():
    for matter in ("public-credit.self", "public-credit.authorised"):
        case = "self-natural" if matter.endswith("self") else "natural-natural"
        request = whole(case, matter=matter, presence=Presence(), materials=(), letter=None)
        refusal = refused(judged(request))
        assert refusal.code == "no-presence-no-letter"
        assert "第三条" in refusal.rule
        assert "身份证原件" in refusal.next.zh


def test_f026_a_stranger_asking_under_own_query_without_card_or_letter_is_refused_the_same_way():
    request = whole(
        "natural-natural", matter="public-credit.self", presence=Presence(), letter=None, materials=()
    )
    refusal = refused(judged(request))
    assert refusal.code == "no-presence-no-letter"
    assert "授权委托书" in missing(refusal)


def test_f030_a_person_needs_the_original_card_and_a_copy():
    assert lacks(relaid(whole("self-natural"), "resident-id", copy=False)) == "本人身份证复印件"
    assert "第七条" in refused(judged(without(whole("self-natural"), "resident-id"))).rule
    read_only = relaid(whole("self-natural"), "resident-id", original=False)
    assert granted(judged(read_only)), "a card on the reader is the original"


def test_f032_an_organisation_about_itself_brings_four_items_with_original_letter():
    request = whole("self-legal")
    assert "法人组织机构代码IC卡" in lacks(without(request, "organisation-carrier"))
    assert lacks(relaid(request, "organisation-certificate", sealed=False)) == "组织机构代码证复印件上的公章"
    assert (
        lacks(relaid(request, "organisation-certificate", copy=False)) == "组织机构代码证复印件（加盖公章）"
    )
    assert lacks(relaid(request, "letter", original=False)) == "授权委托书原件"
    assert lacks(relaid(request, "agent-id", copy=False)) == "代理人身份证复印件"
    assert "第八条" in refused(judged(without(request, "organisation-carrier"))).rule


def test_f032_a_seal_on_one_sheet_does_not_seal_the_copy_on_another():
    request = whole("self-legal")
    bare = without(request, "organisation-certificate")
    sheets = (
        Material(kind="organisation-certificate", copy=True),
        Material(kind="organisation-certificate", sealed=True),
    )
    assert lacks(replace(bare, materials=(*bare.materials, *sheets))) == "组织机构代码证复印件上的公章"


def test_f032_the_letter_of_article_8_may_also_be_entered_but_its_elements_are_not_asked():
    bare = without(whole("self-legal"), "letter")
    entered = replace(bare, letter=letter(Party(), Party(), matter="", purpose="", signature=False))
    assert granted(judged(entered))
    expired = replace(bare, letter=letter(HENGDA, SUN, valid_to=date(2026, 11, 20)))
    assert refused(judged(expired)).code == "letter-expired"


def test_f033_an_organisation_about_itself_takes_two_card_reads_then_the_form_is_signed():
    assert CASES["self-legal"].reads == ("organisation-carrier", "agent-id")
    steps = granted(judged(whole("self-legal"))).steps
    assert steps[:4] == ("read-cards", "load-appointment", "print-form", "check-and-sign")


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"subject": replace(WANG, name="")}, "form-incomplete", "信息主体的姓名或名称"),
        ({"subject": replace(WANG, number="330102196203074513")}, "id-check-digit", "信息主体的正确证件号码"),
        ({"requester": replace(WANG, name="")}, "form-incomplete", "查询申请人的姓名或名称"),
    ],
)
def test_f034_a_form_that_is_not_complete_and_right_is_not_granted(changes, code, said):
    request = whole("self-natural", **changes)
    request = replace(request, presence=card(request.subject))
    if "subject" in changes:
        request = replace(request, requester=request.subject)
    refusal = refused(judged(request))
    assert refusal.code == code
    assert said in missing(refusal)


def test_f034_an_organisation_with_a_wrong_code_or_no_agent_is_not_granted():
    wrong = replace(HENGDA, number="91310000MA1FL1LQ4M")
    assert refused(judged(whole("self-legal", subject=wrong, requester=wrong))).code == "uscc-check-digit"
    told = lacks(whole("self-legal", agent=None))
    assert "代理人的姓名或名称" in told
    assert "代理人的证件号码" in told


def test_f034_an_old_organisation_code_and_another_document_are_taken_as_what_they_are():
    old = replace(HENGDA, number="73650242-5", document="组织机构代码")
    assert granted(judged(whole("self-legal", subject=old, requester=old)))
    passport = replace(WANG, document="护照", number="E12345678")
    assert granted(judged(whole("natural-natural", subject=passport, letter=letter(passport, LI))))


def test_f035_own_report_on_the_spot_is_printed_and_signed_for():
    for case in ("self-natural", "self-legal"):
        grant = granted(judged(whole(case)))
        assert grant.sign_for
        assert not grant.keep_receipt
        assert grant.steps[-2:] == ("print-report", "sign-for")
        assert "第九条" in grant.rule
        assert grant.due is None


def test_f036_own_report_by_email_needs_a_six_digit_password_and_comes_in_two_working_days():
    by_mail = whole("self-natural", delivery="email", email="wang@example.cn", email_code="204816")
    grant = granted(judged(by_mail))
    assert grant.due is not None
    assert grant.due.day == date(2026, 11, 24), "Saturday; Monday and Tuesday are the two working days"
    assert not grant.sign_for
    assert grant.steps[-1] == "email-report"


@pytest.mark.parametrize("code", ["", "12345", "1234567", "12345a", "１２３４５６", "١٢٣٤٥٦"])
def test_f036_anything_but_six_digits_is_no_password(code):
    by_mail = whole("self-natural", delivery="email", email="wang@example.cn", email_code=code)
    assert lacks(by_mail) == "预留的6位数字密码"


@pytest.mark.parametrize("address", ["", "wang", "@example.cn", "wang@", "wang@example", "wang@.cn."])
def test_f036_an_email_without_address_is_not_accepted(address):
    by_mail = whole("self-natural", delivery="email", email=address, email_code="204816")
    assert lacks(by_mail) == "接收报告的电子邮箱"


def test_f036_over_the_national_holiday_the_two_working_days_wait_and_2027_is_not_guessed():
    by_mail = whole("self-natural", delivery="email", email="wang@example.cn", email_code="204816")
    before = granted(judged(by_mail, date(2026, 9, 30))).due
    assert before is not None
    assert before.day == date(2026, 10, 9)
    unknown = granted(judged(by_mail, date(2026, 12, 31))).due
    assert unknown is not None
    assert unknown.provisional
    assert unknown.day is None
    assert unknown.latest_known == date(2026, 12, 31)


@pytest.mark.parametrize("case", AUTHORISED)
def test_f037_anothers_data_needs_a_letter_and_the_promise_to_keep_to_its_use(case):
    assert "授权委托书" in lacks(replace(whole(case), letter=None))
    refusal = refused(judged(whole(case, undertaking=False)))
    assert refusal.code == "undertaking-missing"
    assert ("第十条" if case.startswith("natural") else "第十六条") in refusal.rule
    on_paper = whole(case, undertaking=False)
    on_paper = replace(on_paper, materials=(*on_paper.materials, Material(kind="undertaking")))
    assert granted(judged(on_paper)).purpose == "贷款审批"


def test_f038_a_person_for_a_person_brings_three_items():
    told = lacks(whole("natural-natural", materials=(), letter=None))
    assert told == "授权人身份证原件；授权人身份证复印件；授权人出具的授权委托书；被授权人身份证复印件"


def test_f039_a_company_for_a_person_brings_five_items():
    request = whole("natural-legal")
    told = lacks(replace(request, materials=(), letter=None))
    assert "授权人身份证原件" in told
    assert "授权人出具的授权委托书" in told
    assert "被授权法人营业执照复印件（加盖公章）" in told
    assert "被授权法人对代理人出具的授权委托书" in told
    assert "代理人身份证复印件" in told
    entered = replace(without(request, "agent-letter"), agent_letter=letter(SUN, SUN))
    assert granted(judged(entered))
    expired = replace(entered, agent_letter=letter(SUN, SUN, valid_to=date(2026, 1, 1)))
    assert refused(judged(expired)).code == "letter-expired"


@pytest.mark.parametrize("case", AUTHORISED)
def test_f044_authorised_reports_keep_the_acceptance_slip_and_by_email_hand_it_over_first(case):
    on_the_spot = granted(judged(whole(case)))
    assert on_the_spot.keep_receipt
    assert not on_the_spot.sign_for
    assert on_the_spot.steps[-2:] == ("print-report", "keep-slip")
    by_mail = granted(judged(whole(case, delivery="email", email="a@b.cn", email_code="204816")))
    assert by_mail.steps[-2:] == ("give-slip", "email-report")
    assert by_mail.due is not None
    assert by_mail.due.day == date(2026, 11, 24)
    assert ("第十五条" if case.startswith("natural") else "第二十一条") in by_mail.rule


def test_f045_a_person_for_an_organisation_brings_its_carrier_certificate_letter_and_own_card():
    told = lacks(whole("legal-natural", materials=(), letter=None))
    assert "法人组织机构代码IC卡" in told
    assert "组织机构代码证复印件（加盖公章）" in told
    assert "授权人出具的授权委托书" in told
    assert "被授权人身份证复印件" in told


def test_f046_a_company_for_an_organisation_brings_four_items_and_no_carrier_and_no_licence():
    kinds = [paper.kind for paper in CASES["legal-legal"].papers]
    assert kinds == ["organisation-certificate", "letter", "agent-letter", "agent-id"]
    assert "IC卡" not in lacks(whole("legal-legal", materials=(), letter=None))


@pytest.mark.parametrize("case", AUTHORISED)
def test_f047_authorised_cases_read_the_cards_load_the_appointment_and_have_the_form_signed(case):
    steps = granted(judged(whole(case))).steps
    assert steps[:4] == ("read-cards", "load-appointment", "print-form", "check-and-sign")
    assert all(STEP_WORDS[step].zh and STEP_WORDS[step].en for step in steps)
    expected = ("organisation-carrier", "agent-id") if case == "legal-natural" else ("agent-id",)
    assert CASES[case].reads[-len(expected) :] == expected
    assert CASES[case].window_article == (13 if case.startswith("natural") else 19)


def test_f049_open_information_asks_for_a_registered_user_and_search_conditions_only():
    nothing = AccessRequest(matter="public-credit.open", subject=Party(), requester=Party())
    refusal = refused(judged(nothing))
    assert missing(refusal) == "平台注册用户；查询条件（名称或号码）"
    assert "第二十二条、第二十三条" in refusal.rule
    assert MATTERS["public-credit.open"].openness == "public"


def test_f050_the_text_is_cut_off_in_article_24_and_nothing_is_invented_beyond_it():
    assert TEXT_ENDS == "第二十四条 法人可以向上海市公共信用信息服务中心"
    numbers = [
        number
        for case in CASES.values()
        for number in (case.paper_article, case.window_article, case.letter_article, case.delivery_article)
        if number is not None
    ]
    assert max(numbers) <= LAST_WHOLE_ARTICLE
    assert not any("第二十四条" in rule.basis and "查询管理" in rule.basis for rule in DEADLINES)
    assert not any("状态信息" in matter.title.zh for matter in builtin().values())


def test_articles_are_cited_in_chinese_numerals_once_each():
    assert article(3, 7, 9, 9) == "公共信用信息查询管理暂行办法 第三条、第七条、第九条"
    assert article(10, 14, 20, 21) == "公共信用信息查询管理暂行办法 第十条、第十四条、第二十条、第二十一条"


def test_the_trail_of_ones_own_data_is_shown_to_the_person_in_person_only():
    own = whole("self-natural", matter="access-trail.self", materials=())
    grant = granted(judged(own))
    assert grant.rule == "个人信息保护法 第四十五条"
    assert grant.basis == "SELF"
    assert refused(judged(replace(own, presence=Presence()))).code == "no-presence-no-letter"
    other = whole("natural-natural", matter="access-trail.self")
    assert refused(judged(other)).code == "case-not-served"
    company = whole("self-legal", matter="access-trail.self")
    assert "取得信息主体的授权" not in refused(judged(company)).message.zh


def test_a_statute_is_named_once_with_all_its_articles():
    nothing = AccessRequest(matter="public-credit.self", subject=Party(), requester=Party())
    refusal = decide(MATTERS["public-credit.self"], nothing, SITE, TODAY)
    assert isinstance(refusal, Refusal)
    assert refusal.rule.count("公共信用信息查询管理暂行办法") == 1
    assert "第三条、第七条、第九条" in refusal.rule
