"""Deep check: an altered entry on either side is found by descent, over the line and from a stick."""

import functools
from pathlib import Path

import msgspec
import pytest

from central.actions import chores, findings
from central.actions import recount as there
from central.actions.centre import operator
from central.errors import NotFound, NotPermitted
from edge.actions import courier, incarnation, recount
from edge.errors import CentreRefused, CourierRefused
from edge.store import cipher, slots
from edge.store.draft import Draft
from edge.store.transaction import Transaction
from sync.errors import InconsistentProof
from sync.ledger.descent import Ask
from tests.contract.edge.test_answers import entries
from tests.contract.renewal.place import Place

MANY = 600


async def busy(place: Place) -> None:
    """A few hundred entries, all countersigned."""
    for _ in range(3):
        await place.node.store.transact(
            lambda tx: [tx.append(Draft(kind="mark", object=f"n-{n}")) for n in range(MANY // 3)]
        )
    await place.exchange()


async def altered_here(place: Place, index: int) -> None:
    """A thief with root changes a stored leaf of the hall."""
    await place.close()
    connection = cipher.connect(place.data / "node.db", slots.unlock(place.data), writer=True)
    connection.execute("UPDATE entry SET leaf = CAST(leaf || x'00' AS BLOB) WHERE idx = ?", (index,))
    connection.close()


async def altered_there(place: Place, index: int) -> None:
    await place.stage.thief(
        "UPDATE entry_body SET leaf = leaf || '\\x00'::bytea WHERE origin = $1 AND idx = $2",
        place.node.identity.origin,
        index,
    )


async def test_equal_copies_need_one_question_and_the_result_is_an_entry(place: Place) -> None:
    await busy(place)
    found = await recount.recount(place.node)
    assert (found.differs_at, found.rounds) == (None, 1)
    assert found.size >= MANY
    last, _ = (await entries(place.node))[-1]
    assert (last.outcome, last.object) == ("recount-same", f"size-{found.size}")


@pytest.mark.parametrize("index", [3, 300, 599])
async def test_an_altered_body_at_the_centre_is_found_after_it_hashed_again(place: Place, index: int) -> None:
    await busy(place)
    await altered_there(place, index)
    asked = await there.recount(place.stage.centre, operator("audit"), place.name)
    assert asked.size >= MANY
    await place.exchange()  # brings the letter
    assert await place.node.store.read(lambda db: db.query("SELECT 1 FROM fact WHERE name = 'recount_due'"))
    await recount.when_asked(place.node)
    last = [entry for entry, _ in await entries(place.node) if entry.outcome.startswith("recount")][-1]
    assert (last.outcome, last.object) == ("recount-differs", f"entry-{index}")
    found = await recount.recount(place.node)
    assert (found.differs_at, found.in_tile, found.exact) == (index, 1, True)
    assert found.rounds <= 2
    assert found.bytes <= 35_000
    await recount.when_asked(place.node)  # nothing is due any more
    assert (
        await place.node.store.read(lambda db: db.query("SELECT 1 FROM fact WHERE name = 'recount_due'"))
        == []
    )


async def test_an_altered_entry_at_the_right_edge_of_the_hall_is_found(place: Place) -> None:
    await busy(place)
    await altered_here(place, MANY)
    with pytest.raises(Exception, match="not the one that was hashed"):
        await place.start()  # the tail is checked at every start


async def test_the_same_from_a_stick_names_the_tile(place: Place) -> None:
    await busy(place)
    await altered_there(place, 300)
    stick = place.folder / "usb"
    asked = await there.recount(place.stage.centre, operator("audit"), place.name, stick)
    (name,) = asked.files
    found = await recount.from_stick(place.node, Path(name))
    assert (found.differs_at, found.exact) == (256, False)
    last, _ = (await entries(place.node))[-1]
    assert last.outcome == "recount-differs"


@pytest.mark.parametrize(
    ("index", "said"),
    [
        (None, "完全相同"),
        (300, "第 256–511 条不符，已记入台账。不要改动现场"),
        (MANY + 2, f"第 {MANY + 2} 条不符"),
    ],
)
async def test_a_recount_file_among_what_is_taken_in_is_compared_and_said_in_words(
    place: Place, index: int | None, said: str
) -> None:
    await busy(place)
    if index is not None:
        await altered_there(place, index)
    asked = await there.recount(place.stage.centre, operator("audit"), place.name, place.folder / "usb")
    (path,) = map(Path, asked.files)
    (lies,) = (await place.node.examiner.look(path.parent, place.node.identity.origin)).files
    assert lies.words.zh == f"中心给节点 {place.name} 的台账核对数据"
    (note,) = (await courier.import_files(place.node, [path])).notes
    assert note.zh.startswith(f"{path.name}：与中心存下的副本核对了前 {asked.size} 条，{said}")
    outcomes = [one.outcome for one, _ in (await entries(place.node))[-2:]]
    assert outcomes == ["recount-same" if index is None else "recount-differs", "ok"]


async def test_rule_10_4_a_stick_speaks_for_the_last_entries_too_and_ends_only_what_it_compared(
    place: Place,
) -> None:
    await busy(place)
    audit, stick = operator("audit"), place.folder / "usb"
    size = (await recount.recount(place.node)).size
    await altered_there(place, size - 2)
    (name,) = (await there.recount(place.stage.centre, audit, place.name, stick)).files
    found = await recount.from_stick(place.node, Path(name))
    assert (found.differs_at, found.exact) == (size - 2, True)
    await place.exchange()
    (one,) = await findings.findings(place.stage.centre)
    assert (one.code, one.object, one.state) == ("copies-differ", f"entry-{size - 2}", "open")
    for upto, state in ((size - 2, "open"), (size, "closed")):
        same = Draft(kind="mark", outcome="recount-same", object=f"size-{upto}")
        await place.node.store.transact(functools.partial(Transaction.append, draft=same))
        await place.exchange()
        assert [one.state for one in await findings.findings(place.stage.centre)] == [state]


async def test_a_file_for_another_node_or_of_rubbish_is_refused_and_nothing_is_written(place: Place) -> None:
    await busy(place)
    before = len(await entries(place.node))
    stick = place.folder / "usb"
    await there.recount(place.stage.centre, operator("audit"), place.name, stick)
    whole = (stick / f"recount-{place.name}.yzb").read_bytes()
    for number, content in enumerate((b"", b"YZB1", whole[:-1], whole[:200] + b"\x00" + whole[201:])):
        path = stick / f"bad-{number}"
        path.write_bytes(content)
        with pytest.raises(CourierRefused):
            await recount.from_stick(place.node, path)
    with pytest.raises(CourierRefused) as refused:
        await recount.from_stick(place.node, stick / "absent")
    assert "读不到文件 absent" in refused.value.message.zh
    assert len(await entries(place.node)) == before


async def test_questions_nobody_may_ask_are_refused(place: Place) -> None:
    await busy(place)
    node, uplink = place.node, place.node.uplink
    for ask in (
        Ask(size=10**6, level=0, index=0),
        Ask(size=0, level=0, index=0),
        Ask(size=300, level=5, index=0),
        Ask(size=300, level=0, index=9),
        Ask(size=300, level=-1, index=-4),
    ):
        with pytest.raises(CentreRefused):
            await uplink.tile(node.identity, ask)
    async with place.stage.client() as http:
        unsigned = await http.post("/api/recount", content=msgspec.json.encode(Ask(size=1, level=0, index=0)))
    assert unsigned.status_code in {400, 401}
    with pytest.raises(NotPermitted):
        await there.recount(place.stage.centre, operator("system"), place.name)
    with pytest.raises(NotFound):
        await there.recount(place.stage.centre, operator("audit"), "330999")


async def test_a_centre_that_contradicts_itself_on_the_way_down_is_caught(place: Place) -> None:
    await busy(place)
    origin = place.node.identity.origin
    await place.stage.thief("UPDATE tile SET folded = sha256(folded) WHERE origin = $1 AND idx = 1", origin)
    with pytest.raises(InconsistentProof):
        await recount.recount(place.node)


async def found_at_the_centre(place: Place) -> list[tuple[str, str, str, str]]:
    await place.exchange()
    rows = await findings.findings(place.stage.centre)
    return [(row.code, row.object, row.owner, row.state) for row in rows]


async def test_rule_10_4_a_difference_is_a_finding_at_the_centre_with_its_entry_and_its_owner(
    place: Place,
) -> None:
    await busy(place)
    await altered_there(place, 300)
    await there.recount(place.stage.centre, operator("audit"), place.name)
    await place.exchange()
    await recount.when_asked(place.node)
    assert await found_at_the_centre(place) == [("copies-differ", "entry-300", "centre", "open")]
    (row,) = await place.stage.rows("SELECT reason, outcome FROM deep_check")
    assert (row["reason"], row["outcome"]) == ("demand", "recount-differs")
    origin = place.node.identity.origin
    await place.stage.thief(
        "UPDATE entry_body SET leaf = substring(leaf FOR length(leaf) - 1) WHERE origin = $1 AND idx = 300",
        origin,
    )
    await there.recount(place.stage.centre, operator("audit"), place.name)
    await recount.recount(place.node)
    assert await found_at_the_centre(place) == [("copies-differ", "entry-300", "centre", "closed")]
    told = await place.node.store.read(lambda db: db.query("SELECT state FROM finding ORDER BY raised_ms"))
    assert told
    await place.exchange()
    told = await place.node.store.read(lambda db: db.query("SELECT state FROM finding"))
    assert told == [("closed",)]


async def test_rule_10_the_halls_own_altered_copy_is_the_halls_finding(place: Place) -> None:
    await busy(place)
    await place.node.store.transact(
        lambda tx: tx.execute("UPDATE entry SET leaf = CAST(leaf || x'00' AS BLOB) WHERE idx = 560")
    )
    await recount.recount(place.node)
    assert await found_at_the_centre(place) == [("copies-differ", "entry-560", "hall", "open")]


async def test_rule_10_a_deep_check_is_due_every_month_and_after_a_new_incarnation_by_what_is_stored(
    place: Place,
) -> None:
    centre, clock = place.stage.centre, place.stage.clock
    assert await chores.deep_checks(centre) == 0, "a new ledger is not a month old"
    clock.pass_ms(there.EVERY_MS + 1)
    assert await chores.deep_checks(centre) == 1
    assert await chores.deep_checks(centre) == 0, "asked once, though nobody answered yet"
    await place.exchange()
    await recount.when_asked(place.node)
    await place.exchange()
    with pytest.raises(CentreRefused):
        await incarnation.renew(place.node, "planned")
    await place.approve("security", "system")
    await incarnation.renew(place.node, "planned")
    assert await chores.deep_checks(centre) == 1
    rows = await place.stage.rows("SELECT reason, outcome FROM deep_check ORDER BY asked_ms, origin")
    assert [(row["reason"], row["outcome"]) for row in rows] == [("monthly", "recount-same"), ("restore", "")]


async def test_what_a_node_says_of_a_recount_in_another_form_stops_nothing(place: Place) -> None:
    for about in ("entry-", "entry-x", "entry-" + "9" * 40, "size-3"):
        draft = Draft(kind="mark", outcome="recount-differs", object=about)
        await place.node.store.transact(functools.partial(Transaction.append, draft=draft))
    assert len(await found_at_the_centre(place)) == 4
