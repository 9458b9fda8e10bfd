"""A batch from bytes to a countersignature (protocol sections 4 and 8)."""

import asyncio
import contextlib

import pytest

from central.actions import findings, ingest
from sync.errors import BadSignature, Fork, Malformed, Revoked, SyncError, WrongDestination
from sync.exchange.centre import carried
from sync.exchange.steps import Finished, StoreAcknowledgement
from sync.signing.notes import open_note
from tests.contract.central.halls import Hall
from tests.contract.central.stage import Stage

NUMBER = "330102199001011234"


async def handed(stage: Stage, hall: Hall, batch: bytes | None = None) -> None:
    async def in_process(data: bytes) -> bytes:
        return await ingest.exchange(stage.centre, data, "network")

    await hall.exchange(in_process)


async def counts(stage: Stage, origin: str) -> dict[str, int]:
    found = await stage.rows(
        "SELECT (SELECT count(*) FROM entry WHERE origin = $1) AS entries,"
        " (SELECT count(*) FROM entry_body WHERE origin = $1) AS bodies,"
        " (SELECT count(*) FROM access WHERE origin = $1) AS accesses,"
        " (SELECT count(*) FROM tile WHERE origin = $1) AS tiles,"
        " (SELECT count(*) FROM checkpoint WHERE origin = $1) AS checkpoints",
        origin,
    )
    return dict(found[0])


async def test_g07_offline_reads_reach_the_centre_complete_and_countersigned(stage: Stage) -> None:
    hall = await stage.hall()
    for place in range(700):
        hall.access(NUMBER, case=f"330102-2026-C-{place:05d}")
    await handed(stage, hall)
    assert await counts(stage, hall.origin) == {
        "entries": 700,
        "bodies": 700,
        "accesses": 700,
        "tiles": 2,
        "checkpoints": 1,
    }
    note = open_note(
        hall.countersignature, {hall.origin: hall.signing_key.public, hall.centre.origin: hall.centre.signing}
    )
    assert (note.size, note.root) == (700, hall.root_at(700))
    assert set(note.signers) == {hall.origin, hall.centre.origin}
    head = await stage.rows(
        "SELECT size, root, countersigned FROM ledger_head WHERE origin = $1", hall.origin
    )
    assert tuple(head[0]) == (700, hall.root_at(700), 700)


async def test_a_repeated_batch_has_its_effect_once_and_gives_the_same_countersignature(stage: Stage) -> None:
    hall = await stage.hall()
    for _ in range(300):
        hall.access(NUMBER)
    batch = hall.batch()
    first = hall.opened(await ingest.exchange(stage.centre, batch, "network"))
    before = await counts(stage, hall.origin)
    again = hall.opened(await ingest.exchange(stage.centre, batch, "courier"))
    assert again.note == first.note
    assert await counts(stage, hall.origin) == before
    own = await stage.rows("SELECT count(*) AS n FROM centre_entry WHERE kind = 220")
    assert own[0]["n"] == 1, "one accepted checkpoint, one entry on the centre's ledger"


async def test_rule_10_1_growth_in_many_small_exchanges_ends_with_the_same_root(stage: Stage) -> None:
    hall = await stage.hall()
    for size in (1, 2, 253, 1, 1, 300):
        for _ in range(size):
            hall.access(NUMBER)
        await handed(stage, hall)
        head = await stage.rows("SELECT size, root FROM ledger_head WHERE origin = $1", hall.origin)
        assert tuple(head[0]) == (hall.size, hall.root_at(hall.size))
    assert hall.countersigned[0] == hall.size == 558


async def test_overlapping_batches_are_compared_and_skipped(stage: Stage) -> None:
    hall = await stage.hall()
    for _ in range(400):
        hall.access(NUMBER)
    await ingest.exchange(stage.centre, hall.batch(0, 300), "courier")
    answer = hall.opened(await ingest.exchange(stage.centre, hall.batch(0, 400), "network"))
    assert (answer.next, answer.size) == (400, 400)
    assert (await counts(stage, hall.origin))["entries"] == 400


async def test_a_gap_is_asked_for_and_nothing_is_stored(stage: Stage) -> None:
    hall = await stage.hall()
    for _ in range(600):
        hall.access(NUMBER)
    await ingest.exchange(stage.centre, hall.batch(0, 256), "network")
    late = hall.batch(0, 256)
    hall.countersigned = (512, hall.root_at(512))  # as a node restored to a wrong belief would offer
    answer = hall.opened(await ingest.exchange(stage.centre, hall.batch(512, 600), "network"))
    assert (answer.next, answer.note) == (256, b"")
    assert (await counts(stage, hall.origin))["entries"] == 256
    assert late


async def test_two_histories_are_kept_as_evidence_and_the_ledger_is_frozen(stage: Stage) -> None:
    hall = await stage.hall()
    for _ in range(10):
        hall.access(NUMBER)
    twin = await clone(stage, hall, upto=10)
    hall.access(NUMBER)
    twin.access("330102198505051235")
    await handed(stage, hall)
    with pytest.raises(Fork):
        await ingest.exchange(stage.centre, twin.batch(0), "network")
    evidence = await stage.rows("SELECT kind, held FROM evidence WHERE origin = $1", hall.origin)
    assert [row["kind"] for row in evidence] == ["fork"]
    assert twin.note_at(twin.size) in evidence[0]["held"]
    found = await findings.findings(stage.centre)
    assert [(one.code, one.object) for one in found] == [("fork", "size 11")]
    hall.access(NUMBER)
    with pytest.raises(Fork):
        await ingest.exchange(stage.centre, hall.batch(), "network")
    assert (await counts(stage, hall.origin))["entries"] == 11, (
        "nothing more is accepted until somebody looked"
    )


async def clone(stage: Stage, hall: Hall, upto: int) -> Hall:
    """The same node from a copied image: same keys, same history up to then."""
    twin = object.__new__(Hall)
    twin.__dict__.update(hall.__dict__)
    rows = hall.kept[:upto]
    from sync.ledger.tree import MemoryTiles

    twin.kept, twin.leaves, twin.size = [], MemoryTiles(), 0
    twin.add(rows)
    twin.countersigned = hall.countersigned
    return twin


async def test_a_bad_entry_is_stored_as_evidence_and_the_node_is_told(stage: Stage) -> None:
    hall = await stage.hall()
    hall.access(NUMBER)
    bad = hall.write(
        "access.answered", {"subject_number": NUMBER, "matter": "public-credit.self"}, subject_ref=b"x" * 16
    )
    hall.access(NUMBER)
    await handed(stage, hall)
    assert (await counts(stage, hall.origin))["entries"] == 3
    assert (await counts(stage, hall.origin))["accesses"] == 2
    assert [index for index, _ in hall.replies[-1].rejected] == [bad]
    assert "subject-reference" in hall.replies[-1].rejected[0][1]


async def test_a_serial_issued_twice_is_one_report_and_one_rejection(stage: Stage) -> None:
    hall = await stage.hall()
    for _ in range(2):
        hall.write(
            "report.issued",
            {
                "serial": "330102-2026-L-00001",
                "subject_number": NUMBER,
                "status": "final",
                "as_of": 1,
                "facts": b"",
                "facts_digest": b"\0" * 32,
            },
            object="330102-2026-C-00001",
        )
    await handed(stage, hall)
    reports = await stage.rows("SELECT idx FROM report WHERE origin = $1", hall.origin)
    assert [row["idx"] for row in reports] == [0]
    assert [index for index, _ in hall.replies[-1].rejected] == [1]


async def test_a_garbled_batch_is_refused_and_changes_nothing(stage: Stage) -> None:
    hall = await stage.hall()
    for _ in range(20):
        hall.access(NUMBER)
    batch = hall.batch()
    for place in (0, 5, 40, len(batch) // 2, len(batch) - 1):
        broken = bytearray(batch)
        broken[place] ^= 0x20
        with pytest.raises(SyncError):
            await ingest.exchange(stage.centre, bytes(broken), "network")
    with pytest.raises(Malformed):
        await ingest.exchange(stage.centre, batch[: len(batch) // 2], "network")
    assert (await counts(stage, hall.origin))["entries"] == 0


async def test_a_batch_for_another_centre_is_refused(stage: Stage) -> None:
    import msgspec

    hall = await stage.hall()
    hall.access(NUMBER)
    hall.centre = msgspec.structs.replace(hall.centre, origin="anzhou.example/centre/main/i1")
    with pytest.raises(WrongDestination):
        await ingest.exchange(stage.centre, hall.batch(), "courier")
    assert (await counts(stage, hall.origin))["entries"] == 0


async def test_a_batch_of_an_unknown_node_is_refused(stage: Stage) -> None:
    hall = await stage.hall()
    hall.access(NUMBER)
    hall.origin = "qingzhou.example/node/999999/i1"
    with pytest.raises(BadSignature):
        await ingest.exchange(stage.centre, hall.batch(), "network")


async def test_a_revoked_node_is_refused_and_its_batch_kept(stage: Stage) -> None:
    from central.actions import nodes
    from central.actions.centre import operator

    hall = await stage.hall()
    hall.access(NUMBER)
    await nodes.revoke(stage.centre, operator("security"), hall.node, "节点失窃")
    batch = hall.batch()
    with pytest.raises(Revoked):
        await ingest.exchange(stage.centre, batch, "courier")
    kept = await stage.rows("SELECT kind, held FROM evidence")
    assert [(row["kind"], row["held"]) for row in kept] == [("revoked", batch)]
    assert (await counts(stage, hall.origin))["entries"] == 0


async def test_a_restored_centre_countersigns_nothing_until_it_is_level(stage: Stage) -> None:
    hall = await stage.hall()
    hall.access(NUMBER)
    await handed(stage, hall)
    await stage.thief("DELETE FROM checkpoint WHERE origin LIKE '%/centre/%'")
    for table in ("entry", "entry_body"):
        await stage.thief(f"DELETE FROM {table} WHERE origin LIKE '%/centre/%' AND idx >= 2")
    await stage.thief("UPDATE ledger_head SET size = 2, countersigned = 0 WHERE origin LIKE '%/centre/%'")
    hall.access(NUMBER)
    answer = hall.opened(await ingest.exchange(stage.centre, hall.batch(), "network"))
    assert (answer.next, answer.note) == (2, b""), "entries are taken, nothing is signed"
    assert answer.levelling


async def test_the_state_machine_of_the_node_accepts_every_reply(stage: Stage) -> None:
    hall = await stage.hall()

    async def in_process(data: bytes) -> bytes:
        return await ingest.exchange(stage.centre, data, "network")

    for _ in range(3):
        hall.access(NUMBER)
        steps = await hall.exchange(in_process)
        assert any(isinstance(step, StoreAcknowledgement) for step in steps)
        assert [step.outcome for step in steps if isinstance(step, Finished)] == ["level"]
        stage.clock.pass_ms(60_000)
    idle = await hall.exchange(in_process)
    assert [step.outcome for step in idle if isinstance(step, Finished)] == ["level"]


async def test_an_exchange_cut_anywhere_leaves_whole_groups_and_is_done_once_in_the_end(stage: Stage) -> None:
    hall = await stage.hall()
    for place in range(9000):
        hall.access(NUMBER, case=f"c-{place}")
    batch = hall.batch()
    sizes = []
    for cut_ms in (1, 5, 20, 50, 100, 200, 400):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(cut_ms / 1000):
                await ingest.exchange(stage.centre, batch, "network")
        held = await counts(stage, hall.origin)
        head = await stage.rows("SELECT size, root FROM ledger_head WHERE origin = $1", hall.origin)
        assert held["entries"] == held["bodies"] == held["accesses"] == head[0]["size"]
        assert head[0]["root"] == hall.root_at(head[0]["size"])
        sizes.append(head[0]["size"])
    await handed(stage, hall)
    assert sizes == sorted(sizes)
    assert hall.countersigned[0] == (await counts(stage, hall.origin))["accesses"] == 9000


async def test_an_entry_carried_into_a_new_incarnation_has_its_effect_once(stage: Stage) -> None:
    old = await stage.hall()
    old.access(NUMBER, case="c-0")
    await handed(stage, old)
    new = await stage.again(old)
    new.access(NUMBER, case="c-0", ext=(carried(old.origin, 0),))
    new.access(NUMBER, case="c-1", ext=(carried(old.origin, 1),))
    new.access(NUMBER, case="c-1", ext=(carried(old.origin, 1),))
    new.access(NUMBER, case="c-2")
    await handed(stage, new)
    shown = await stage.rows("SELECT origin, idx, case_no FROM access ORDER BY origin, idx")
    assert [(row["origin"], row["case_no"]) for row in shown] == [
        (old.origin, "c-0"),
        (new.origin, "c-1"),
        (new.origin, "c-2"),
    ]
    assert (await counts(stage, new.origin))["entries"] == 4, "evidence is kept all the same"
    with pytest.raises(Revoked):
        await ingest.exchange(stage.centre, old.batch(), "courier")
