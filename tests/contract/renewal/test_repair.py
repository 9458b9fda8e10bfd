"""A cache that is not what the centre signed: only the parts that differ are set aside and fetched again."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from central.actions import courier as post
from central.actions import publish, records
from central.actions.centre import operator
from edge.actions import courier, downlink
from edge.actions.status import status
from edge.actions.views import Answer, Deferral
from sync.errors import PackRefused
from sync.exchange.steps import ApplyRelease
from sync.ids import subject_ref
from sync.messages.registry import kind
from sync.packs.pack import PackRow, build, open_pack, row_digest
from sync.packs.release import PackRef, open_release, sign_release
from tests.contract.central.test_records import sample
from tests.contract.edge.test_answers import entries
from tests.contract.renewal.place import NUMBER, Place

SYSTEM = operator("system")
SCOPE = "330102/detail"
LIE = b'{"subject":{},"records":[]}'


async def deliver(place: Place, seed: int) -> None:
    """More people reach the centre and are published."""
    centre = place.stage.centre
    await records.import_file(centre, SYSTEM, sample(place.folder, people=40, seed=seed))
    await publish.publish(centre, SYSTEM)


async def damage(place: Place, sql: str, *bound: Any) -> None:
    """Change the cache behind the program's back, as a restored page or a hand with the key would."""
    await place.node.store.transact(lambda tx: tx.execute(sql, bound))


async def held(place: Place) -> tuple[int, int, bytes]:
    """Rows, version and what is lacking of the county's set."""
    rows = await place.node.store.read(
        lambda db: db.query("SELECT rows, version, lacking FROM release_held WHERE scope = ?", (SCOPE,))
    )
    return rows[0][0], rows[0][1], rows[0][2]


def ref_of(place: Place) -> bytes:
    return subject_ref(place.node.identity.subject_key, NUMBER)


async def offline(place: Place) -> Any:
    clerk = await place.clerk()
    place.line.down = True
    try:
        return await place.asked(clerk)
    finally:
        place.line.down = False


async def outcomes(place: Place) -> list[str]:
    """What the ledger says of data sets: outcomes in order."""
    applied = kind("pack.applied").number
    found = await entries(place.node)
    return [entry.outcome for entry, _ in found if entry.kind == applied and entry.object == SCOPE]


async def test_rule_5_a_lost_row_is_found_by_the_next_release_and_only_its_bucket_is_fetched(
    place: Place,
) -> None:
    await deliver(place, 1)
    await place.exchange()
    rows, version, _ = await held(place)
    ref = ref_of(place)
    await damage(place, "DELETE FROM subject_cache WHERE ref = ?", ref)
    await deliver(place, 2)
    down = place.node.uplink.bytes_down
    done = await place.exchange()
    assert done.alarms == ("state-differs",)
    assert (await held(place))[1:] == (version + 1, ref[:1])
    assert isinstance(await offline(place), Deferral), "what is set aside is not answered from"
    assert any("256" in words.zh for words in (await status(place.node)).warnings)
    whole = place.node.uplink.bytes_down - down
    down = place.node.uplink.bytes_down
    done = await place.exchange()
    assert done.alarms == ()
    assert place.node.uplink.bytes_down - down < whole / 2, "one bucket, not the set"
    rows_now, version_now, lacking = await held(place)
    assert (rows_now > rows, version_now, lacking) == (True, version + 1, b"")
    assert isinstance(await offline(place), Answer)
    assert (await outcomes(place))[-2:] == [f"version-{version + 1}"] * 2
    assert not any("256" in words.zh for words in (await status(place.node)).warnings)


async def test_rule_5_an_older_row_in_the_place_of_a_newer_one_does_not_open_and_is_replaced(
    place: Place,
) -> None:
    ref = ref_of(place)
    (old,) = await place.node.store.read(
        lambda db: db.query("SELECT sealed, open_part, digest FROM subject_cache WHERE ref = ?", (ref,))
    )
    await records.change(place.stage.centre, SYSTEM, NUMBER)
    await publish.publish(place.stage.centre, SYSTEM)
    await place.exchange()
    await damage(
        place, "UPDATE subject_cache SET sealed = ?, open_part = ? WHERE ref = ?", old[0], old[1], ref
    )
    assert isinstance(await offline(place), Deferral), "authenticated, but of another version"
    assert await downlink.settle_doubts(place.node) == 1
    assert await downlink.settle_doubts(place.node) == 0, "asked once"
    await place.exchange()
    assert (await held(place))[2] == b""
    assert isinstance(await offline(place), Answer)


async def test_the_nightly_look_finds_an_old_row_with_its_old_digest_without_the_line(place: Place) -> None:
    ref = ref_of(place)
    (old,) = await place.node.store.read(
        lambda db: db.query("SELECT sealed, open_part, digest FROM subject_cache WHERE ref = ?", (ref,))
    )
    await records.change(place.stage.centre, SYSTEM, NUMBER)
    await publish.publish(place.stage.centre, SYSTEM)
    await place.exchange()
    assert await downlink.look_over(place.node) == 0
    sql = "UPDATE subject_cache SET sealed = ?, open_part = ?, digest = ? WHERE ref = ?"
    await damage(place, sql, *old, ref)
    assert isinstance(await offline(place), Answer), "it opens: nobody can tell by the row alone"
    place.line.down = True
    assert await downlink.look_over(place.node) == 1
    place.line.down = False
    assert (await held(place))[2] == ref[:1]
    assert (await outcomes(place))[-1] == "differs"
    await place.exchange()
    assert (await held(place))[2] == b""


async def test_a_pack_built_wrong_is_set_aside_where_it_is_wrong_and_repaired_from_the_records(
    place: Place, tmp_path: Path
) -> None:
    """The publisher's root is right and its file is not: one row of it is another subject's."""
    centre = place.stage.centre
    await deliver(place, 3)
    (scope,) = await place.stage.rows("SELECT * FROM scope WHERE scope = $1", SCOPE)
    key = centre.keys.unseal("scope-key", SCOPE.encode(), scope["key_sealed"])
    row = (await place.stage.rows("SELECT * FROM pack WHERE scope = $1 ORDER BY to_version DESC", SCOPE))[0]
    path = centre.data / "packs" / row["digest"].hex()
    rows = list(open_pack(path.read_bytes(), key, row["digest"]))
    wrong = {one.ref: one.blob for one in rows} | {rows[0].ref: rows[1].blob}
    sealed = publish.build_file(path.parent, SCOPE, row["kind"], wrong, key)
    await place.stage.thief("UPDATE pack SET digest = $1 WHERE digest = $2", sealed.digest, row["digest"])
    (kept,) = await place.stage.rows(
        "SELECT signed FROM release WHERE scope = $1 ORDER BY version DESC LIMIT 1", SCOPE
    )
    release = open_release(kept["signed"], centre.keys.signing.public)
    packs = tuple(
        msgspec.structs.replace(one, digest=sealed.digest, size=len(sealed.data))
        if one.digest == row["digest"]
        else one
        for one in release.packs
    )
    signed = sign_release(msgspec.structs.replace(release, packs=packs), centre.keys.signing)
    await place.stage.thief("UPDATE release SET signed = $1 WHERE signed = $2", signed, kept["signed"])
    done = await place.exchange()
    assert done.alarms == ("state-differs",)
    assert (await held(place))[2] == rows[0].ref[:1]
    await place.exchange()
    assert (await held(place))[2] == b""
    stands = await place.node.store.read(
        lambda db: db.query("SELECT digest FROM subject_cache WHERE ref = ?", (rows[0].ref,))
    )
    assert stands[0][0] == row_digest(rows[0].ref, rows[0].blob or b"")


async def test_a_repair_that_cannot_be_had_true_is_not_made_and_the_wish_stays(place: Place) -> None:
    ref = ref_of(place)
    await damage(place, "DELETE FROM subject_cache WHERE ref = ?", ref)
    await downlink.look_over(place.node)
    packs = place.stage.centre.data / "packs"
    before = {path.name for path in packs.iterdir()}
    await place.stage.thief("UPDATE scope_row SET digest = $1 WHERE ref = $2", bytes(32), ref)
    done = await place.exchange()
    assert done.alarms == ()
    assert (await held(place))[2] == ref[:1], "the centre has no row that fits: nothing is taken"
    assert {path.name for path in packs.iterdir()} == before


async def test_a_repair_that_lies_is_undone_whole_and_asked_for_again(place: Place) -> None:
    ref = ref_of(place)
    (row,) = await place.stage.rows("SELECT key_sealed FROM scope WHERE scope = $1", SCOPE)
    key = place.stage.centre.keys.unseal("scope-key", SCOPE.encode(), row["key_sealed"])
    lie = build(SCOPE, "repair", [PackRow(ref=ref, blob=LIE)], key, ref[:1])
    await damage(place, "DELETE FROM subject_cache WHERE ref = ?", ref)
    await downlink.look_over(place.node)
    signed = await place.node.store.read(
        lambda db: db.query("SELECT signed FROM release_held WHERE scope = ?", (SCOPE,))
    )
    release = open_release(signed[0][0], place.stage.centre.keys.signing.public)
    one = PackRef(
        digest=lie.digest,
        kind="repair",
        from_version=release.version,
        to_version=release.version,
        size=len(lie.data),
        rows=lie.rows,
    )
    told = msgspec.structs.replace(release, packs=(*release.packs, one))
    step = ApplyRelease(release=told, signed=signed[0][0], packs=(one,), content_key=key)
    with pytest.raises(PackRefused):
        await downlink.take(place.node, step, {lie.digest: lie.data}, nothing)
    assert (await held(place))[2] == ref[:1]
    await place.exchange()
    assert (await held(place))[2] == b"", "the true one is taken"


async def nothing(_: bytes) -> bytes:
    """Neither stick nor line has the state file."""
    return b""


async def test_rule_5_a_repair_comes_by_stick_in_one_journey(place: Place, tmp_path: Path) -> None:
    ref = ref_of(place)
    await damage(place, "DELETE FROM subject_cache WHERE ref = ?", ref)
    assert await downlink.look_over(place.node) == 1
    place.line.down = True
    stick = tmp_path / "stick"
    await courier.export(place.node, stick)
    await post.import_files(place.stage.centre, SYSTEM, list(stick.glob("*.yzb")))
    await post.export(place.stage.centre, SYSTEM, place.name, stick)
    files = [*stick.glob("centre-*.yzb"), *stick.glob("*.yzp")]
    assert len(files) == 3, "the letter, the repair, the bucket hashes"
    done = await courier.import_files(place.node, files)
    assert done.alarms == ()
    assert (await held(place))[2] == b""
    assert isinstance(await offline(place), Answer)


async def test_a_base_that_differs_by_stick_finds_its_bucket_hashes_on_the_stick(
    place: Place, tmp_path: Path
) -> None:
    ref = ref_of(place)
    await deliver(place, 4)
    await damage(place, "DELETE FROM subject_cache WHERE ref = ?", ref)
    place.line.down = True
    stick = tmp_path / "stick"
    await courier.export(place.node, stick)
    await post.import_files(place.stage.centre, SYSTEM, list(stick.glob("*.yzb")))
    await post.export(place.stage.centre, SYSTEM, place.name, stick)
    done = await courier.import_files(place.node, [*stick.glob("centre-*.yzb"), *stick.glob("*.yzp")])
    assert done.alarms == ("state-differs",)
    assert (await held(place))[2] == ref[:1]
