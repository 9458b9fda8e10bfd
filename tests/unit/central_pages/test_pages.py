"""The small judgements of the pages: what is urgent, what is missing in a form, who is behind."""

from datetime import date

import msgspec
import pytest

from central.pages import account, fleet, papers, reconciliation, releases, screens, verify
from central.pages.doors import Form, cookie_name, session_cookie
from tests.unit.central_pages import figures, gallery
from tests.unit.central_pages.rows import BUS, FLEET, HALL, HOUR_MS, NOW_MS


def form(**texts: str) -> Form:
    return Form(texts=texts, files={})


def fields(errors: tuple[object, ...]) -> list[str]:
    return [getattr(error, "field", "") for error in errors]


def test_silence_open_findings_and_an_ended_lease_need_a_person():
    calm = fleet.line(HALL, NOW_MS)
    assert not fleet.urgent(calm)
    for change in ({"state": "silent"}, {"findings": 1}, {"lease_not_after_ms": NOW_MS - 1}):
        assert fleet.urgent(fleet.line(msgspec.structs.replace(HALL, **change), NOW_MS)), change


@pytest.mark.parametrize("state", ["revoked", "new"])
def test_a_revoked_or_new_node_waits_for_nobody(state: str):
    row = msgspec.structs.replace(BUS, state=state, findings=1)
    assert not fleet.urgent(fleet.line(row, NOW_MS))


def test_a_lease_counts_down_in_seconds_and_none_is_none():
    assert (
        fleet.line(msgspec.structs.replace(HALL, lease_not_after_ms=NOW_MS + HOUR_MS), NOW_MS).lease_left_s
        == 3600
    )
    assert fleet.line(msgspec.structs.replace(HALL, lease_not_after_ms=None), NOW_MS).lease_left_s is None


@pytest.mark.parametrize(
    ("text", "names"),
    [("清河", ["清河县市民之家"]), ("BUS-", ["流动车 07", "流动车 03"]), ("3301", None), ("", None)],
)
def test_a_node_is_found_by_name_number_or_region(text: str, names: list[str] | None):
    found = [row.name for row in fleet.matching(FLEET, text)]
    assert found == (names or [row.name for row in FLEET])


def test_a_new_node_is_told_everything_at_once():
    assert fields(fleet.new_node_errors(form(name="", region="33x"), "bus", ())) == [
        "name",
        "region",
        "route",
    ]
    assert fields(fleet.new_node_errors(form(name="车", region="330104"), "bus", ("33010400", "x"))) == [
        "route"
    ]
    assert fleet.new_node_errors(form(name="车", region="330104"), "bus", ("330104001", "330104002000")) == ()
    assert fleet.new_node_errors(form(name="厅", region="330102"), "hall", ()) == ()


def test_a_password_is_long_and_typed_twice():
    assert fields(account.password_errors("short", "other")) == ["password", "again"]
    assert account.password_errors("x" * 15, "x" * 15) == ()
    assert fields(account.missing(name="", password="")) == ["name", "password"]


def test_a_finding_is_settled_with_a_choice_and_a_note():
    assert fields(reconciliation.settle_errors("gone", "短")) == ["state", "note"]
    assert reconciliation.settle_errors("closed", "查明为卡纸，废页已封存归档") == ()


def test_a_day_that_is_no_day_falls_back_and_says_so():
    other = date(2026, 11, 20)
    assert reconciliation.read_day("", other) == (other, ())
    assert reconciliation.read_day("2026-11-01", other) == (date(2026, 11, 1), ())
    day, errors = reconciliation.read_day("01.11.2026", other)
    assert (day, fields(errors)) == (other, ["day"])


def test_a_scope_is_behind_where_any_node_holds_less():
    behind = msgspec.structs.replace(figures.NODE_VIEW, row=BUS)
    found = {line.scope: line for line in releases.lines([figures.NODE_VIEW, behind])}
    assert found["county/330102"].behind == ()
    assert (found["county/330102"].held, found["county/330102"].nodes) == (2, 2)
    assert found["staff/330102"].behind == (("330102", "清河县市民之家"), ("bus-07", "流动车 07"))


def test_a_report_is_opened_by_its_whole_serial_only():
    serial = figures.REPORTS[1].serial
    assert papers.opened(figures.REPORTS, serial) == figures.REPORTS[1]
    assert papers.opened(figures.REPORTS, serial[:-1]) is None
    assert papers.opened(figures.REPORTS, "") is None


def test_verification_wants_a_text_or_a_file_of_sensible_size():
    assert fields(verify.form_errors(form())) == ["text"]
    assert verify.form_errors(form(text="YZ1.x")) == ()
    big = Form(texts={}, files={"pdf": b"%" * (verify.PDF_BYTES_MAX + 1)})
    assert fields(verify.form_errors(big)) == ["pdf"]


def test_cookies_belong_to_the_host_alone_where_the_line_is_secure():
    session = gallery.visitor("audit", "en").session
    made = session_cookie(session, secure=True)
    assert (made.key, made.secure, made.httponly, made.samesite) == (
        "__Host-yizhan-centre",
        True,
        True,
        "strict",
    )
    assert cookie_name("yizhan-centre", secure=False) == "yizhan-centre"
    assert session_cookie(None, secure=False).max_age == 0


@pytest.mark.parametrize(
    ("value", "shown"),
    [(bytes(range(32)), "0001 0203 … 1c1d 1e1f"), (b"\x01\x02", "0102"), ("abcdef", "abcd ef")],
)
def test_a_hash_is_shown_by_its_two_ends(value: bytes | str, shown: str):
    assert screens.spaced_hex(value) == shown


def test_the_year_is_said_only_when_it_is_another_one():
    assert screens.moment(NOW_MS, NOW_MS) == "11-21 12:26:10"
    assert screens.moment(NOW_MS - 366 * 24 * HOUR_MS, NOW_MS) == "2025-11-20 12:26:10"
