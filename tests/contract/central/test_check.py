"""`central check`: a thief with the database is found, down to the entry."""

import pytest

from central.actions import check, chores
from central.errors import NotFound
from sync.ledger.entry import leaf_hash
from sync.ledger.proofs import root_of
from tests.contract.central.stage import Stage
from tests.contract.central.test_effects import hand_in

NUMBER = "330102199001011234"


async def checked(stage: Stage) -> dict[str, int | None]:
    return {one.origin: one.broken_at for one in await check.check(stage.centre)}


async def test_check_finds_nothing_where_nothing_was_altered(stage: Stage) -> None:
    hall = await stage.hall()
    for size in (255, 2, 400):
        for _ in range(size):
            hall.access(NUMBER)
        await hand_in(stage, hall)
    found = await check.check(stage.centre)
    assert {one.broken_at for one in found} == {None}
    assert {one.origin: one.size for one in found}[hall.origin] == 657
    assert {one.origin: one.root for one in found}[hall.origin] == hall.root_at(657).hex()


@pytest.mark.parametrize(
    ("statement", "index", "why"),
    [
        ("UPDATE entry_body SET leaf = set_byte(leaf, 25, (get_byte(leaf, 25) + 1) % 256) WHERE origin = $1 AND idx = 417", 417, "存下的条目与其哈希不符"),
        ("UPDATE entry SET leaf_hash = sha256('x') WHERE origin = $1 AND idx = 3", 3, "存下的条目与其哈希不符"),
        ("DELETE FROM entry WHERE origin = $1 AND idx = 300", 300, "缺失"),
        ("DELETE FROM entry_body WHERE origin = $1 AND idx = 299", 299, "存下的条目与其哈希不符"),
        ("UPDATE entry_body SET detail_sealed = set_byte(detail_sealed, 20, (get_byte(detail_sealed, 20) + 1) % 256) WHERE origin = $1 AND idx = 5", 5, "存下的条目读不出来（store-refused）"),
        ("UPDATE entry_body SET salt = sha256('y') WHERE origin = $1 AND idx = 9", 9, "存下的明细与条目的承诺值不符"),
        ("UPDATE entry SET kind = 11 WHERE origin = $1 AND idx = 12", 12, "数据库行与条目内容不符"),
        ("UPDATE tile SET hashes = set_byte(hashes, 40, (get_byte(hashes, 40) + 1) % 256) WHERE origin = $1 AND level = 0 AND idx = 1", 256, "哈希块 0/1 与条目不符"),
        ("UPDATE ledger_head SET root = sha256('z') WHERE origin = $1", 600, "台账头的根与条目不符"),
    ],
)  # fmt: skip
async def test_check_names_the_entry_a_thief_with_the_database_altered(
    stage: Stage, statement: str, index: int, why: str
) -> None:
    hall = await stage.hall()
    for _ in range(600):
        hall.access(NUMBER)
    await hand_in(stage, hall)
    await stage.thief(statement, hall.origin)
    own, found = await check.check(stage.centre)
    assert (own.origin, own.broken_at, own.reason) == (stage.centre.origin, None, None)
    assert (found.origin, found.broken_at) == (hall.origin, index)
    assert found.reason is not None
    assert found.reason.zh == why


async def test_check_finds_a_whole_history_rewritten_consistently(stage: Stage) -> None:
    """A thief who recomputes hashes, tiles and head still lacks the signatures."""
    hall = await stage.hall()
    for _ in range(5):
        hall.access(NUMBER)
    await hand_in(stage, hall)
    rows = await stage.rows("SELECT leaf FROM entry_body WHERE origin = $1 ORDER BY idx", hall.origin)
    leaves = [bytes(row["leaf"]) for row in rows]
    leaves[2] = leaves[2].replace(b"li.min", b"wu.yue")
    hashes = [leaf_hash(one) for one in leaves]
    await stage.thief("UPDATE entry_body SET leaf = $2 WHERE origin = $1 AND idx = 2", hall.origin, leaves[2])
    await stage.thief("UPDATE entry SET leaf_hash = $2 WHERE origin = $1 AND idx = 2", hall.origin, hashes[2])
    await stage.thief("UPDATE ledger_head SET root = $2 WHERE origin = $1", hall.origin, root_of(hashes))
    assert (await checked(stage))[hall.origin] == 0, (
        "the entries under the checkpoint do not lead to its root"
    )


async def test_check_covers_the_centres_own_ledger(stage: Stage) -> None:
    await stage.hall()
    await chores.checkpoint(stage.centre)
    await stage.thief(
        "UPDATE entry_body SET leaf = set_byte(leaf, 25, (get_byte(leaf, 25) + 1) % 256)"
        " WHERE origin = $1 AND idx = 2",
        stage.centre.origin,
    )
    assert (await checked(stage))[stage.centre.origin] == 2
    with pytest.raises(NotFound):
        await check.check(stage.centre, "nobody")
