"""The rules of reconciliation, without a database."""

import msgspec

from central.actions.differences import CODES, Day, differences
from central.store.effects import CaseEvent, Paper, ReportKept
from central.store.reconciling import Pairing, ReportWhole
from matters.differences import next_step
from sync.messages.registry import kind

EMPTY = Day(
    day="2026-11-21",
    said={},
    closed=True,
    recount={},
    late={},
    reports=(),
    stray=(),
    cases={},
    answered=frozenset({"c-1"}),
    shown_only=(),
    disclosed_only=(),
    purposeless=(),
)


def codes(**read: object) -> list[str]:
    return [one.code for one in differences(msgspec.structs.replace(EMPTY, **read))]


def whole(*papers: str, case: str = "c-1") -> ReportWhole:
    report = ReportKept(
        origin="o", serial="S-1", idx=1, node="n", subject_ref=b"", matter="m", status="final", as_of_ms=1,
        issued_ms=1, case_no=case, facts_digest=b"", leaf_hash=b"",
    )  # fmt: skip
    kept = tuple(
        Paper(
            origin="o", idx=place, serial="S-1", kind=kind(f"report.{name}").number, occurred_ms=1, sheet="",
            file_digest=b"", reason="",
        )
        for place, name in enumerate(papers)
    )  # fmt: skip
    return ReportWhole(report=report, papers=kept, verdict="", changes_sealed=b"", settled_ms=None)


def test_g11_a_quiet_day_has_no_differences() -> None:
    assert codes() == []


def test_g11_an_idle_day_need_not_be_closed() -> None:
    assert codes(said=None, closed=False) == []
    assert codes(said=None, closed=False, recount={"session.opened": 3}) == []


def test_g11_a_day_with_work_must_be_closed() -> None:
    work = {"access.answered": 1}
    assert codes(said=None, closed=False, recount=work) == ["day-missing"]
    assert codes(said=None, closed=True, recount=work) == [], "closed by a later incarnation"
    assert codes(said=None, closed=True, recount=work, late=work) == ["after-close"]


def test_g11_counts_that_differ_are_named_by_kind() -> None:
    found = differences(
        msgspec.structs.replace(EMPTY, said={"access.answered": 4, "mark": 9}, recount={"access.answered": 5})
    )
    assert [(one.code, one.about) for one in found] == [("day-count", "2026-11-21 access.answered")]
    assert "4" in found[0].words.zh
    assert "5" in found[0].words.zh


def test_f036_a_report_for_e_mail_has_no_sheet_and_none_is_missed() -> None:
    for papers, expected in {
        (): [],
        ("spoiled",): ["sheet-spoiled"],
        ("printed",): ["not-handed-over"],
        ("printed", "handed_over"): [],
        ("handed_over",): ["handed-over-twice"],
    }.items():
        one = whole(*papers)
        sent = msgspec.structs.replace(one, report=msgspec.structs.replace(one.report, delivery="email"))
        assert codes(reports=(sent,)) == expected, papers


def test_g11_the_four_way_match_by_the_life_of_the_paper() -> None:
    for papers, expected in {
        (): ["never-printed"],
        ("spoiled",): ["sheet-spoiled"],
        ("printed",): ["not-handed-over"],
        ("printed", "handed_over"): [],
        ("spoiled", "reprinted", "handed_over"): [],
        ("printed", "reprinted", "handed_over"): [],
        ("printed", "printed", "handed_over"): ["printed-twice"],
        ("printed", "handed_over", "handed_over"): ["handed-over-twice"],
        ("handed_over",): ["never-printed", "handed-over-twice"],
    }.items():
        assert codes(reports=(whole(*papers),)) == expected, papers


def test_g11_a_report_without_access_and_paper_of_a_refused_case_are_named() -> None:
    assert codes(reports=(whole("printed", "handed_over", case="c-2"),)) == ["report-without-access"]
    refused = CaseEvent(
        origin="o", idx=1, case_no="c-1", occurred_ms=1, kind=31, matter="m", state="refused", subject_ref=b""
    )
    assert codes(reports=(whole("printed", "handed_over"),), cases={"c-1": [refused]}) == ["paper-of-refused"]


def test_g11_one_ledger_without_the_other_is_a_finding_with_its_owner() -> None:
    lonely = Pairing(request_id="r-1", occurred_ms=1, idx=7)
    found = differences(msgspec.structs.replace(EMPTY, disclosed_only=(lonely,), shown_only=(lonely,)))
    assert [(one.code, one.about, one.owner) for one in found] == [
        ("disclosed-not-shown", "r-1", "hall"),
        ("shown-not-disclosed", "r-1", "centre"),
    ]
    assert codes(purposeless=(lonely,)) == ["access-without-purpose"]


def test_rule_10_every_difference_says_what_to_do_about_it() -> None:
    others = {"silent-node", "copies-differ", "fork", "incarnation", "grant-misused", "grant-forgotten"}
    general = next_step("of a newer program")
    assert [code for code in sorted(CODES | others) if next_step(code) == general] == []


def test_rule_10_a_day_that_goes_on_is_not_missing() -> None:
    assert codes(said=None, closed=False, recount={"case.opened": 1}) == ["day-missing"]
    assert codes(said=None, closed=False, recount={"case.opened": 1}, over=False) == []
