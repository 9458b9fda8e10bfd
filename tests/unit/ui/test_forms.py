"""From typed forms to questions, judged by the real rules: a form filled in whole is granted in every case."""

from datetime import date

import msgspec
import pytest

from edge.actions.reads import presence_of
from edge.pages import choices, forms, papers, serving
from edge.pages.desk import Desk
from matters.authority import decide
from matters.model import AccessRequest, Grant, Party, Refusal, SitePolicy
from matters.rules.shanghai import CASES
from tests.unit.ui import samples
from tests.unit.ui.sample_pages import CATALOGUE

TODAY = date(2026, 11, 21)
SITE = SitePolicy(jurisdiction="310000", region="330102", offers=tuple(CATALOGUE))


def company(seed: str) -> str:
    """A unified code with a right check character, from its first 17."""
    from matters.ids import uscc

    return next(
        seed + mark
        for mark in "0123456789ABCDEFGHJKLMNPQRTUWXY"
        if not isinstance(uscc(seed + mark), Refusal)
    )


def resident(seed: str) -> str:
    from matters.ids import resident_number

    return next(
        seed + mark for mark in "0123456789X" if not isinstance(resident_number(seed + mark, TODAY), Refusal)
    )


VISITOR = msgspec.structs.replace(samples.card(), number=resident("33010219620307451"))
AUTHORISER = msgspec.structs.replace(
    samples.card(), read_id="r-2", name="周桂兰", number=resident("33010219900307002")
)
NUMBERS = {"subject": company("91330102MA27AAAA0"), "requester": company("91330102MA28BBBB1")}


def whole(matter: str, case: str) -> Desk:
    """A desk with every field of the form filled, every paper ticked, and the cards read."""
    desk = Desk(matter=matter, case=case, reads={"visitor": VISITOR, "subject": AUTHORISER})
    for part in papers.parts(CATALOGUE[matter], desk):
        for field in part.fields:
            role, _, kind = field.name.partition("_")
            day = "2026-01-01" if field.name.endswith("_from") else "2027年1月31日"
            value = {"tick": "yes", "day": day}.get(field.kind, f"{field.label.zh}一")
            if kind == "number":
                value = NUMBERS[role]
            desk.form[field.name] = "13800004412" if kind == "phone" else value
    for tick in papers.ticks(CATALOGUE[matter], desk):
        desk.form[tick.field] = "yes"
    desk.form |= {"undertaking": "yes", "letter_matter": "查询个人信用报告", "letter_purpose": "贷款"}
    desk.errors = forms.errors(desk, desk.form, TODAY)
    return desk


def judged(matter: str, desk: Desk) -> Grant | Refusal:
    """What the rules say of the question, as the action puts it to them."""
    asked = forms.query(CATALOGUE[matter], desk)
    visitor = desk.reads.get("visitor")
    request = AccessRequest(
        matter=matter,
        subject=asked.subject or Party(),
        requester=asked.requester or Party(),
        agent=asked.agent,
        materials=asked.materials,
        letter=asked.letter,
        agent_letter=asked.agent_letter,
        undertaking=asked.undertaking,
        delivery="email" if asked.delivery == "email" else "print",
        email=asked.email,
        email_code=asked.email_code,
        purpose=asked.purpose,
    )
    if visitor is not None:
        request = msgspec.structs.replace(request, presence=presence_of(visitor, samples.NOW))
    return decide(CATALOGUE[matter], request, SITE, TODAY)


EVERY = [
    *(("public-credit.self", case) for case in ("self-natural", "self-legal")),
    *(("public-credit.authorised", case) for case in CASES if not case.startswith("self")),
    ("credit-bureau.self", "self-natural"),
    ("credit-bureau.self", "natural-natural"),
]


@pytest.mark.parametrize(("matter", "case"), EVERY)
def test_f034_a_form_filled_in_whole_is_granted_in_every_case(matter, case):
    desk = whole(matter, case)
    assert desk.errors == ()
    verdict = judged(matter, desk)
    assert isinstance(verdict, Grant), verdict
    assert verdict.case == case


@pytest.mark.parametrize(("matter", "case"), EVERY)
def test_f064_a_form_with_names_only_is_refused_with_every_paper_of_the_list(matter, case):
    desk = Desk(matter=matter, case=case, form={f"{role}_number": number for role, number in NUMBERS.items()})
    first, second = papers.kinds(case)
    if first == "natural":
        desk.form["subject_number"] = AUTHORISER.number
    if second == "natural":
        desk.form["requester_number"] = VISITOR.number
    verdict = judged(matter, desk)
    assert isinstance(verdict, Refusal)
    missing = " ".join(words.zh for words in verdict.missing)
    listed = CASES[case].papers if matter != "credit-bureau.self" else ()
    assert [paper.kind for paper in listed if paper.words.zh not in missing] == []
    assert verdict.next.zh


@pytest.mark.parametrize(
    "tick",
    [f"letter_authoriser_{name}" for name in ("name", "document", "number", "phone")]
    + [f"letter_authorised_{name}" for name in ("name", "document", "number", "employer", "phone")]
    + ["letter_matter", "letter_scope", "letter_to", "letter_purpose", "undertaking", "paper:letter:shown"],
)
def test_f040_f041_f042_every_element_of_the_letter_that_is_not_there_is_missed(tick):
    desk = whole("public-credit.authorised", "natural-natural")
    del desk.form[tick]
    assert isinstance(judged("public-credit.authorised", desk), Refusal)


@pytest.mark.parametrize("kept", ["letter_signature", "letter_seal"])
def test_f043_signature_or_seal_is_enough_in_the_form_of_a_natural_person(kept):
    desk = whole("public-credit.authorised", "natural-natural")
    for name in {"letter_signature", "letter_seal"} - {kept}:
        del desk.form[name]
    assert isinstance(judged("public-credit.authorised", desk), Grant)


@pytest.mark.parametrize("gone", ["letter_representative", "letter_seal"])
def test_f048_seal_and_signature_are_both_asked_of_a_legal_person(gone):
    desk = whole("public-credit.authorised", "legal-natural")
    del desk.form[gone]
    assert isinstance(judged("public-credit.authorised", desk), Refusal)


def test_f047_two_cards_fill_authoriser_and_authorised_person():
    asked = forms.query(
        CATALOGUE["public-credit.authorised"], whole("public-credit.authorised", "natural-natural")
    )
    assert asked.subject is not None
    assert asked.requester is not None
    assert (asked.subject.name, asked.requester.name) == (AUTHORISER.name, VISITOR.name)
    assert asked.read_id == VISITOR.read_id


def test_a_card_on_the_reader_stands_for_its_original_but_never_for_the_copy():
    desk = Desk(matter="public-credit.self", case="self-natural", reads={"visitor": VISITOR})
    ticks = {tick.field: tick.ticked for tick in papers.ticks(CATALOGUE[desk.matter], desk)}
    assert ticks == {"paper:resident-id:original": True, "paper:resident-id:copy": False}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("subject_number", "330102196203074510"),
        ("requester_number", "91330102MA27XXXX0"),
        ("letter_to", "31.12.2026x"),
        ("agent_letter_to", "2026-02-30"),
        ("phone", "call me"),
        ("requester_phone", "138 0000 四四一二"),
        ("email", "li.min"),
        ("email_code", "12345"),
        ("email_code", "12345六"),
    ],
)
def test_what_is_mistyped_is_sent_back_with_its_field(field, value):
    desk = Desk(matter="public-credit.authorised", case="natural-legal", reads={"subject": AUTHORISER})
    found = forms.errors(desk, {"requester_number": NUMBERS["requester"], field: value}, TODAY)
    assert [error.field for error in found] == [field]
    assert found[0].words.zh
    assert found[0].words.en


def test_without_both_numbers_nobody_can_say_which_article_applies():
    blank = Desk(matter="public-credit.authorised", case="natural-natural")
    assert [error.field for error in forms.errors(blank, {}, TODAY)] == ["subject_number", "requester_number"]
    same = Desk(matter="public-credit.authorised", case="natural-natural", reads={"visitor": VISITOR})
    found = forms.errors(same, {"subject_number": VISITOR.number}, TODAY)
    assert [error.field for error in found] == ["requester_number"]


@pytest.mark.parametrize("text", ["2026-12-31", "20261231", "2026.12.31", "2026/12/31", "2026年12月31日"])
def test_a_day_is_taken_as_people_type_it(text):
    assert forms.day_of(text) == date(2026, 12, 31)


def test_a_form_is_kept_within_limits_and_without_its_token():
    kept = forms.tidy({"csrf": "secret", "phone": " 138 ", "empty": " ", "long": "长" * 10_000})
    assert kept == {"phone": "138", "long": "长" * forms.CHARACTERS_MAX}
    assert len(forms.tidy({f"f{n}": "x" for n in range(1000)})) == forms.FIELDS_MAX


def test_every_matter_that_has_a_form_is_offered_and_one_without_permit_is_marked():
    offered = choices.choices(CATALOGUE, ("public-credit",), online=True)
    assert [choice.digit for choice in offered] == [*"1234567890", ""]
    assert offered[0].code == "public-credit.self:self-natural"
    marked = {choice.code for choice in offered if choice.tag.zh == "您无此权限"}
    assert marked == {"credit-bureau.self:self-natural", "credit-bureau.self:natural-natural"}
    assert [choice.code for choice in offered][-2:] == [
        "public-credit.open:natural-natural",
        "public-credit.open:legal-natural",
    ]


@pytest.mark.parametrize("case", ["natural-natural", "legal-natural"])
def test_f049_open_information_asks_for_an_account_and_what_to_search_and_for_no_paper(case: str):
    matter = CATALOGUE["public-credit.open"]
    desk = Desk(matter=matter.code, case=case, reads={"visitor": VISITOR})
    shown = serving.papers_view(matter, desk, samples.side())
    assert [field.name for part in shown.parts for field in part.fields] == [
        "account", "subject_number", "subject_name",
    ]  # fmt: skip
    assert (shown.ticks, shown.undertaking, shown.delivery) == ((), "not asked", "screen")
    assert "第二十三条" in shown.rule
    number = NUMBERS["subject"] if case == "legal-natural" else AUTHORISER.number
    desk.form = {"account": "limin_2024", "subject_number": number.lower()}
    assert forms.errors(desk, desk.form, TODAY, open_search=True) == ()
    asked = forms.query(matter, desk)
    assert (asked.account, asked.read_id, asked.delivery) == ("limin_2024", None, "screen")
    assert asked.subject is not None
    assert (asked.subject.number, asked.subject.kind) == (number, case.partition("-")[0])
    lines = {
        line.label.zh: line.value.zh
        for line in serving.check_view(matter, desk, samples.side(), (), online=True).lines
    }
    assert lines["平台账号"] == "limin_2024"
    assert "材料" not in lines


def test_open_information_with_a_mistyped_number_goes_back_to_its_field():
    desk = Desk(matter="public-credit.open", case="natural-natural")
    found = forms.errors(desk, {"subject_number": "330102199001010074"}, TODAY, open_search=True)
    assert [error.field for error in found] == ["subject_number"]


def test_without_the_line_a_matter_that_needs_it_says_that_it_becomes_a_call():
    offered = choices.choices(CATALOGUE, samples.SESSION.permits, online=False)
    waits = {choice.code for choice in offered if "回电" in choice.tag.zh}
    assert waits == {
        code
        for code in (choice.code for choice in offered)
        if code.startswith(("credit-bureau", "access-trail"))
    }
