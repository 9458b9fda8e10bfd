"""Two views shown to two nodes are found: by whoever compares, and by the centre that was put back."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from central.actions import chores, witness
from central.actions.centre import operator
from central.actions.own_ledger import Draft, act
from central.errors import NotPermitted
from edge.actions.witness import Compared, Witness, compared
from edge.actions.witness import witness as seen_here
from edge.errors import CentreUnreachable, CourierRefused
from sync.ledger.tree import MemoryTiles, append, root
from sync.signing.keys import SigningKey
from sync.signing.notes import checkpoint_text, cosign, sign_note
from tests.contract.renewal.place import Place

OTHER = "qingzhou.example/node/330104/i1"


def forged(place: Place, size: int, salt: bytes) -> Witness:
    """Another node's view: a history of `size` entries that this centre signed and never showed here."""
    tiles = MemoryTiles()
    _, changed = append(tiles, 0, [bytes([n % 256]).ljust(32, salt) for n in range(size)])
    tiles.update(changed)
    centre = place.stage.centre
    text = checkpoint_text(centre.origin, size, root(tiles, size))
    note = cosign(sign_note(text, centre.origin, centre.keys.signing), OTHER, SigningKey.generate())
    return Witness(holder=OTHER, centre=centre.origin, size=size, root="", seen_ms=0, note=note.decode())


def written(place: Place, view: Any, name: str = "other.json") -> Path:
    path = place.folder / name
    path.write_bytes(msgspec.json.encode(view))
    return path


async def busy(place: Place, entries: int) -> None:
    for place_no in range(entries):
        await act(place.stage.centre, Draft(kind="admin.changed", actor="system", object=f"act {place_no}"))


async def test_two_nodes_that_saw_one_history_agree_whatever_their_sizes(place: Place) -> None:
    first = await seen_here(place.node)
    path = written(place, msgspec.structs.replace(first, holder=OTHER))
    await busy(place, 5)
    await place.exchange()
    later = await seen_here(place.node)
    assert later.size > first.size
    done = await compared(place.node, [path])
    assert done == Compared(holders=2, largest=later.size, splits=())


@pytest.mark.parametrize("apart", [0, -2, 3])
async def test_a_history_shown_to_another_node_only_is_found(place: Place, apart: int) -> None:
    await busy(place, 5)
    await place.exchange()
    mine = await seen_here(place.node)
    await busy(place, 9)  # the centre has proofs for these sizes, of its own history
    done = await compared(place.node, [written(place, forged(place, mine.size + apart, b"x"))])
    (split,) = done.splits
    assert set(split.holders) == {mine.holder, OTHER}
    assert set(split.sizes) == {mine.size, mine.size + apart}


async def test_a_centre_that_gives_no_proof_is_a_contradiction(place: Place) -> None:
    mine = await seen_here(place.node)
    done = await compared(place.node, [written(place, forged(place, mine.size + 50, b"x"))])
    assert [split.reason for split in done.splits] == ["the centre gives no proof"]


async def test_a_note_the_centre_never_signed_and_a_file_that_is_none_are_named(place: Place) -> None:
    mine = await seen_here(place.node)
    text = checkpoint_text(mine.centre, 3, bytes(32))
    unsigned = sign_note(text, mine.centre, SigningKey.generate()).decode()
    strange = msgspec.structs.replace(mine, holder=OTHER, note=unsigned)
    done = await compared(place.node, [written(place, strange)])
    assert [split.holders for split in done.splits] == [(OTHER,)]
    path = place.folder / "bad.json"
    for content, words in ((b"{}", "不是节点"), (b"\xff", "不是节点"), (b"x" * 20_000, "过大")):
        path.write_bytes(content)
        with pytest.raises(CourierRefused) as refused:
            await compared(place.node, [path])
        assert words in refused.value.message.zh
    with pytest.raises(CourierRefused) as refused:
        await compared(place.node, [place.folder / "absent.json"])
    assert "读不到文件 absent.json" in refused.value.message.zh


async def test_without_a_line_nothing_is_claimed_about_other_sizes(place: Place) -> None:
    first = await seen_here(place.node)
    await busy(place, 2)
    await place.exchange()
    place.line.down = True
    with pytest.raises(CentreUnreachable):
        await compared(place.node, [written(place, msgspec.structs.replace(first, holder=OTHER))])


async def test_a_centre_put_back_learns_from_what_nodes_signed(place: Place) -> None:
    await busy(place, 3)
    for _ in range(2):  # then it has our signature under its newest head
        place.stage.clock.pass_ms(60_000)
        await place.exchange()
    centre = place.stage.centre
    (row,) = await witness.witnesses(centre, operator("audit"))
    assert (row.reason, row.node) == (None, place.name)
    assert row.size > 0
    place.stage.clock.pass_ms(30 * 86_400_000)
    await chores.contacts_kept(centre)
    assert len(await witness.witnesses(centre, operator("audit"))) == 1, "kept however old it is"
    with pytest.raises(NotPermitted):
        await witness.witnesses(centre, operator("system"))
    await place.stage.thief("UPDATE ledger_head SET size = 1 WHERE origin = $1", centre.origin)
    (row,) = await witness.witnesses(centre, operator("audit"))
    assert row.reason is not None
    assert "中心只有 1 条" in row.reason.zh


async def test_a_proof_for_sizes_we_never_had_is_refused(place: Place) -> None:
    async with place.stage.client() as http:
        for old, new in ((0, 1), (2, 1), (1, 10**6)):
            reply = await http.get(f"/api/consistency/{old}/{new}")
            assert reply.status_code == 404
            assert reply.json()["next"]["zh"]
