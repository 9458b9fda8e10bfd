"""Letters about rights spent without contact: the fee is corrected once, and the person is called."""

from edge.actions.cases import tasks
from edge.actions.exchange import exchange
from edge.actions.node import Node, Session
from sync.messages.directives import whose
from tests.contract.edge.small_centre import SmallCentre
from tests.contract.edge.test_answers import entries
from tests.contract.edge.test_exchange import offline_answer


async def spent(node: Node, entry: int, fee_cents: int = 0) -> None:
    await node.store.transact(
        lambda tx: tx.execute(
            "INSERT INTO quota_spent (entry, ref, matter, year, units, fee_cents, office_case)"
            " SELECT ?, subject_ref, matter, 2026, 1, ?, number FROM office_case WHERE entry = ?",
            (entry + 1, fee_cents, entry),
        )
    )


async def fees(node: Node) -> list[int]:
    rows = await node.store.read(lambda db: db.query("SELECT fee_cents FROM quota_spent ORDER BY entry"))
    return [row[0] for row in rows]


async def test_f017_a_fee_due_is_put_on_the_call_list_with_its_case(
    node: Node, clerk: Session, centre: SmallCentre
) -> None:
    given = await offline_answer(node, clerk, centre, phone="13800000000")
    await spent(node, given.entry.index)
    body = {"origin": centre.origin, "index": given.entry.index + 1, "fee_cents": 500, "note": "已在别处用完"}
    centre.write("quota.settled", body)
    await exchange(node)
    await exchange(node)
    assert await fees(node) == [500]
    (task,) = await tasks(node)
    assert (task.case, task.phone) == (given.case, "13800000000")
    assert "应补收 5 元" in task.words.zh
    assert "已在别处用完" in task.words.zh
    marks = [detail for entry, detail in await entries(node) if entry.outcome == "quota-settled"]
    assert marks == [{"note": "500 cents"}]


async def test_f017_a_fee_to_give_back_never_goes_below_nothing(
    node: Node, clerk: Session, centre: SmallCentre
) -> None:
    given = await offline_answer(node, clerk, centre)
    await spent(node, given.entry.index, fee_cents=300)
    body = {"origin": centre.origin, "index": given.entry.index + 1, "fee_cents": -500, "note": "仍属免费"}
    centre.write("quota.settled", body)
    await exchange(node)
    assert await fees(node) == [0]
    (task,) = await tasks(node)
    assert "应退还" in task.words.zh


async def test_a_settlement_calls_the_person_whose_case_it_was_not_the_one_served_next_to_it(
    node: Node, clerk: Session, centre: SmallCentre
) -> None:
    given = [await offline_answer(node, clerk, centre, phone=f"1380000000{n}") for n in range(3)]
    await spent(node, given[1].entry.index)
    body = {"origin": centre.origin, "index": given[1].entry.index + 1, "fee_cents": 500, "note": "已用完"}
    centre.write("quota.settled", body)
    await exchange(node)
    assert [(task.case, task.phone) for task in await tasks(node)] == [(given[1].case, "13800000001")]


async def test_a_settlement_of_another_persons_right_of_the_same_number_changes_nothing(
    node: Node, clerk: Session, centre: SmallCentre
) -> None:
    given = await offline_answer(node, clerk, centre)
    await spent(node, given.entry.index)
    (ref,) = (await node.store.read(lambda db: db.query("SELECT ref FROM quota_spent")))[0]
    body = {"origin": centre.origin, "index": given.entry.index + 1, "fee_cents": 500, "note": ""}
    centre.write("quota.settled", {**body, "whose": "00" * 8})
    await exchange(node)
    assert await fees(node) == [0]
    assert not await tasks(node)
    centre.write("quota.settled", {**body, "whose": whose(ref)})
    await exchange(node)
    assert await fees(node) == [500]


async def test_a_settlement_of_nothing_we_spent_is_noted_and_blocks_nothing(
    node: Node, clerk: Session, centre: SmallCentre
) -> None:
    given = await offline_answer(node, clerk, centre)
    await spent(node, given.entry.index)
    other = centre.origin.replace("330102", "330104")
    for origin, index in ((centre.origin, 9999), (other, given.entry.index + 1), ("no origin", 1)):
        centre.write("quota.settled", {"origin": origin, "index": index, "fee_cents": 500, "note": ""})
    centre.write("recount", {"note": "深度核对"})
    await exchange(node)
    assert await fees(node) == [0]
    objections = await node.store.read(lambda db: db.query("SELECT objection FROM directive ORDER BY number"))
    assert [bool(one) for (one,) in objections[-4:]] == [True, True, True, False]
