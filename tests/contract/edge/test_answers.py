"""The query: online, cached, deferred, refused, denied; each durable before it is said."""

from datetime import date
from typing import Any

import msgspec

from edge.actions.answer import answer
from edge.actions.cases import list_cases, tasks
from edge.actions.close_day import close
from edge.actions.exchange import exchange
from edge.actions.node import Node, Session
from edge.actions.status import status
from edge.actions.views import Answer, CardRead, Deferral, Query, ReportRef
from edge.errors import LedgerUnavailable
from matters.model import Letter, Material, Party, Refusal
from sync.ledger.entry import parse_leaf
from sync.messages.registry import decode_detail
from tests.contract.edge.conftest import Opener, ToldTime, lay, signed_in
from tests.contract.edge.small_centre import SmallCentre, number_of

OWN = (Material(kind="resident-id", original=True, copy=True),)


def own(read_id: str | None, matter: str = "public-credit.self", **more: Any) -> Query:
    return Query(matter=matter, read_id=read_id, materials=OWN, purpose="self", **more)


async def entries(node: Node) -> list[tuple[Any, dict[str, Any]]]:
    rows = await node.store.read(lambda db: db.query("SELECT leaf, detail FROM entry ORDER BY idx"))
    return [(parse_leaf(leaf)[0], decode_detail(parse_leaf(leaf)[0].kind, detail)) for leaf, detail in rows]


async def count(node: Node, table: str) -> int:
    return int((await node.store.read(lambda db: db.query(f"SELECT count(*) FROM {table}")))[0][0])


async def answered(node: Node, clerk: Session, query: Query) -> tuple[Answer, ReportRef]:
    given = await answer(node, clerk, query)
    assert isinstance(given, Answer), given
    assert given.report is not None
    return given, given.report


async def test_g06_an_online_answer_issues_a_final_report_with_its_entries_before_it_returns(
    node: Node, clerk: Session, centre: SmallCentre
) -> None:
    read = await lay(node, centre)
    given, report = await answered(node, clerk, own(read.read_id))
    assert (given.mode, report.status) == ("online", "final")
    found = {entry.index: (entry, detail) for entry, detail in await entries(node)}
    access, detail = found[given.entry.index]
    assert access.kind == 10
    assert access.object == detail["request_id"] == centre.disclosed[0]["request_id"]
    assert [entry.kind for entry, _ in list(found.values())[given.entry.index :]] == [10, 30, 20]
    assert report.serial == "330102-2026-L-00001"


async def test_g01_with_the_cable_out_the_same_query_is_answered_from_cache_and_marked_provisional(
    node: Node, clerk: Session, centre: SmallCentre, told: ToldTime
) -> None:
    told.pass_ms(78 * 60_000)
    centre.down = True
    read = await lay(node, centre)
    given, report = await answered(node, clerk, own(read.read_id))
    assert (given.mode, report.status) == ("cached", "provisional")
    assert given.age_s == 78 * 60
    assert given.band == "fresh"
    assert any(group.count for group in given.groups)
    assert (await node.store.read(lambda db: db.query("SELECT max(used) FROM lease")))[0][0] == 1


async def test_g04_after_one_failure_the_breaker_answers_at_once_and_an_exchange_closes_it(
    node: Node, clerk: Session, centre: SmallCentre
) -> None:
    centre.down = True
    read = await lay(node, centre)
    await answer(node, clerk, own(read.read_id))
    centre.down = False
    given = await answer(node, clerk, own(read.read_id))
    assert isinstance(given, Answer)
    assert given.mode == "cached", "the breaker is still open"
    await exchange(node)
    again = await answer(node, clerk, own(read.read_id))
    assert isinstance(again, Answer)
    assert again.mode == "online"


async def test_f010_what_may_not_be_cached_becomes_a_promise_with_case_task_and_slip(
    node: Node, clerk: Session, centre: SmallCentre
) -> None:
    centre.down = True
    read = await lay(node, centre)
    given = await answer(node, clerk, own(read.read_id, "credit-bureau.self", phone="057188886666"))
    assert isinstance(given, Deferral), given
    assert given.due_ms > node.now_ms()
    (task,) = await tasks(node)
    assert (task.case, task.kind, task.owner, task.phone) == (
        given.case,
        "deferral",
        "li.min",
        "057188886666",
    )
    (case,) = await list_cases(node, clerk, "deferred")
    assert case.number == given.case
    assert not case.uploaded
    assert [entry.kind for entry, _ in await entries(node)][-2:] == [12, 30]


async def test_f013_a_clerk_without_the_permit_is_denied_and_the_denial_is_an_entry(
    node: Node, centre: SmallCentre
) -> None:
    other = await signed_in(node, "sun.tao", "2")
    read = await lay(node, centre)
    no = await answer(node, other, own(read.read_id))
    assert isinstance(no, Refusal)
    assert no.code == "no-permit"
    entry, detail = (await entries(node))[-1]
    assert (entry.kind, entry.outcome, entry.actor) == (11, "no-permit", "sun.tao")
    assert detail["subject_number"] == read.number
    assert not centre.disclosed


async def test_f002_an_expired_card_starts_no_query_and_says_to_replace_it_first(
    node: Node, clerk: Session, centre: SmallCentre
) -> None:
    read = await lay(node, centre, valid_to=date(2024, 1, 1))
    assert read.refusal is not None
    no = await answer(node, clerk, own(read.read_id))
    assert isinstance(no, Refusal)
    assert no.code == "card-expired"
    assert "换领" in no.next.zh
    assert (await entries(node))[-1][0].outcome == "card-expired"


async def test_a_card_whose_number_has_a_wrong_check_digit_is_refused(
    node: Node, clerk: Session, centre: SmallCentre
) -> None:
    good = number_of(0)
    wrong = good[:-1] + ("1" if good[-1] != "1" else "2")
    read = await lay(node, centre, number=wrong)
    no = await answer(node, clerk, own(read.read_id))
    assert isinstance(no, Refusal)
    assert no.code == "id-check-digit"


async def test_a_typed_subject_number_with_a_wrong_check_digit_is_refused_before_anything_is_looked_up(
    node: Node, clerk: Session, centre: SmallCentre
) -> None:
    query = whole_letter(await lay(node, centre, 1), centre)
    assert query.subject is not None
    good = query.subject.number
    wrong = msgspec.structs.replace(query.subject, number=good[:-1] + ("1" if good[-1] != "1" else "2"))
    no = await answer(node, clerk, msgspec.structs.replace(query, subject=wrong))
    assert isinstance(no, Refusal)
    assert no.code == "id-check-digit"
    assert "校验位" in no.message.zh
    assert not centre.disclosed


async def test_f037_without_presence_and_letter_the_refusal_names_the_article_and_everything_to_bring(
    node: Node, clerk: Session
) -> None:
    subject = Party(name="陈某0", number=number_of(0))
    query = Query(
        matter="public-credit.authorised", subject=subject, requester=Party(name="某人", number=number_of(1))
    )
    no = await answer(node, clerk, query)
    assert isinstance(no, Refusal)
    assert "条" in no.rule
    assert len(no.missing) >= 2
    jobs = await node.store.read(lambda db: db.query("SELECT kind, paper FROM print_job"))
    assert len(jobs) == 1
    assert "一次性告知单" in bytes(jobs[0][1]).decode()


async def test_an_authorised_query_with_its_whole_letter_is_answered(
    node: Node, clerk: Session, centre: SmallCentre
) -> None:
    read = await lay(node, centre, 1)
    given = await answer(node, clerk, whole_letter(read, centre))
    assert isinstance(given, Answer), given
    access, detail = next((e, d) for e, d in await entries(node) if e.kind == 10)
    assert access.purpose == "authorised", "the clerk's words stay out of the leaf"
    assert access.basis == "AUTHORISED"
    assert detail["requester_name"] == read.name


def whole_letter(read: CardRead, centre: SmallCentre) -> Query:
    """The visitor asks about the first resident with a letter that says everything and every paper."""
    people = list(centre.people.values())
    giver = Party(
        name=people[0].subject.name, document="resident-id", number=people[0].subject.number, phone="1"
    )
    taker = Party(name=read.name, document="resident-id", number=read.number, phone="1", employer="某公司")
    letter = Letter(
        authoriser=giver,
        authorised=taker,
        matter="查询公共信用信息",
        scope="全部",
        valid_from=date(2026, 1, 1),
        valid_to=date(2027, 1, 1),
        purpose="贷款",
        signature=True,
        original=True,
    )
    materials = (
        Material(kind="resident-id", original=True, copy=True),
        Material(kind="letter", original=True),
        Material(kind="agent-id", original=True, copy=True),
    )
    return Query(
        matter="public-credit.authorised",
        read_id=read.read_id,
        subject=giver,
        requester=taker,
        materials=materials,
        letter=letter,
        undertaking=True,
        purpose="贷款审批用",
    )


async def test_f036_a_report_for_e_mail_is_due_in_two_working_days_asks_for_no_sheet_and_is_no_finding(
    node: Node, clerk: Session, centre: SmallCentre
) -> None:
    read = await lay(node, centre)
    query = own(read.read_id, delivery="email", email="limin@mail.example", email_code="240619")
    given, report = await answered(node, clerk, query)
    issued = next(entry for entry, _ in await entries(node) if entry.kind == 20)
    assert issued.outcome == "final-email", "so that the centre misses no sheet either"
    (case,) = await list_cases(node, clerk)
    assert case.number == given.case
    assert node.day_of(case.due_ms) > node.day_of(node.now_ms())
    jobs = await node.store.read(lambda db: db.query("SELECT kind, serial FROM print_job"))
    assert jobs == [("slip", report.serial)]
    chief = await signed_in(node, "wu.yue", "2")
    assert (await close(node, chief, node.day_of(node.now_ms()))).findings == ()


async def test_f017_the_third_personal_credit_query_of_a_year_carries_a_fee(
    node: Node, clerk: Session, centre: SmallCentre
) -> None:
    read = await lay(node, centre)
    given = [await answer(node, clerk, own(read.read_id, "credit-bureau.self")) for _ in range(3)]
    fees = [one.quota.fee_cents for one in given if isinstance(one, Answer) and one.quota]
    assert fees == [0, 0, 1000]
    assert [entry.outcome for entry, _ in await entries(node) if entry.kind == 70] == ["free", "free", "fee"]


async def test_an_unknown_matter_is_refused_and_recorded(node: Node, clerk: Session) -> None:
    no = await answer(node, clerk, Query(matter="no.such"))
    assert isinstance(no, Refusal)
    assert (await entries(node))[-1][0].outcome == "unknown-matter"


async def test_a_subject_that_is_not_cached_is_promised_offline(
    node: Node, clerk: Session, centre: SmallCentre
) -> None:
    read = await lay(node, centre)
    centre.down = True
    await node.store.transact(lambda tx: tx.execute("DELETE FROM subject_cache"))
    given = await answer(node, clerk, own(read.read_id))
    assert isinstance(given, Deferral)
    assert (await entries(node))[-2][0].outcome == "not-cached"


async def test_g06_without_a_ledger_nothing_is_shown_and_nothing_is_left_behind(
    node: Node, centre: SmallCentre, opener: Opener
) -> None:
    size = node.store.database_path().stat().st_size
    full = await opener(store_bytes_max=size, disk_free_min_percent=0)
    clerk, before, error = await signed_in(full, "li.min"), (0, 0), None
    for _ in range(500):
        before = await count(full, "office_case"), await count(full, "report")
        try:
            read = await lay(full, centre)
            await answer(full, clerk, own(read.read_id))
        except LedgerUnavailable as caught:
            error = caught
            break
    assert error is not None
    assert (error.status, bool(error.message.zh)) == (503, True)
    assert (await count(full, "office_case"), await count(full, "report")) == before
    assert not full.store.failed, "a full disk passes; the store goes on"
    roomy = await opener()
    again = await lay(roomy, centre)
    assert isinstance(await answer(roomy, await signed_in(roomy, "li.min"), own(again.read_id)), Answer)


async def test_below_the_reserve_of_the_disk_sensitive_answers_stop_with_words_and_the_no_is_an_entry(
    node: Node, centre: SmallCentre, opener: Opener
) -> None:
    low = await opener(disk_free_min_percent=99)
    clerk = await signed_in(low, "li.min")
    read = await lay(low, centre)
    no = await answer(low, clerk, own(read.read_id))
    assert isinstance(no, Refusal)
    assert no.code == "disk-low"
    assert "取号和受理照常" in no.message.zh
    assert (await entries(low))[-1][0].outcome == "disk-low"
    assert (await status(low)).stopped


async def test_no_leaf_holds_a_name_a_number_or_what_was_typed(
    node: Node, clerk: Session, centre: SmallCentre
) -> None:
    read = await lay(node, centre)
    query = msgspec.structs.replace(own(read.read_id), purpose="替王小明查一下 330102199001010073")
    await answer(node, clerk, query)
    leaves = b"".join(row[0] for row in await node.store.read(lambda db: db.query("SELECT leaf FROM entry")))
    for planted in (read.name, read.number, "王小明", "330102199001010073"):
        assert planted.encode() not in leaves
