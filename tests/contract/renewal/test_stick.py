"""Everything also travels by stick: enrolment, incarnations, report files, another node's batches; in words, and checked."""

import contextlib
import hashlib
from pathlib import Path
from typing import Any

import pytest

from central.actions import courier as post
from central.actions import files as there
from central.actions import nodes
from central.actions.centre import operator
from central.actions.views import NodeCreated
from central.errors import Refused as CentreRefusedIt
from edge.actions import courier, enrol, files, incarnation, succession
from edge.actions.check import check
from edge.actions.examiner import Examiner
from edge.actions.node import Node
from edge.actions.stick import StickFile
from edge.errors import CourierRefused, LedgerUnavailable, NotEnrolled, Refused
from edge.settings import load
from edge.store.draft import Draft
from edge.store.store import open_store
from edge.store.transaction import Transaction
from matters.model import Refusal
from sync.exchange.centre import CARRIED
from sync.ledger.entry import parse_leaf
from sync.messages import introduction
from sync.messages.blob import CHUNK_BYTES
from tests.contract.edge.test_answers import count
from tests.contract.renewal.place import Place
from tests.contract.renewal.test_files import SERIAL, listed, pdf

SYSTEM = operator("system")


async def made(place: Place, name: str, region: str, kind: str = "hall") -> NodeCreated:
    route = (region,) if kind == "bus" else ()
    done = await nodes.create(place.stage.centre, SYSTEM, name=name, region=region, kind=kind, route=route)
    assert isinstance(done, NodeCreated), done
    return done


def for_the_centre(folder: Path) -> list[Path]:
    return [path for path in folder.glob("*.yz[be]") if not path.name.startswith("centre-")]


async def taken(place: Place, folder: Path) -> list[post.FileTaken]:
    return list(await post.import_files(place.stage.centre, SYSTEM, for_the_centre(folder)))


async def back(place: Place, node: str, folder: Path) -> list[Path]:
    done = await post.export(place.stage.centre, SYSTEM, node, folder)
    return [folder / name for name in done.files]


async def lying(usb: Path, origin: str = "") -> tuple[StickFile, ...]:
    """What a stick says of itself to the node of that origin."""
    return (await Examiner().look(usb, origin)).files


async def test_a_node_enrols_with_two_files_and_no_line_at_all(place: Place, tmp_path: Path) -> None:
    created = await made(place, "清源县市民之家", "330104")
    data, usb = tmp_path / "new", tmp_path / "usb"
    asked = await enrol.request(data, created.code, usb, clock=place.clock())
    assert asked.fingerprint in asked.file
    assert "可以拔下介质" in asked.next.zh
    (path,) = for_the_centre(usb)
    assert created.code.replace("-", "")[4:].encode() not in path.read_bytes().replace(b"-", b"")
    (row,) = await lying(usb)
    assert row.kind == "request"
    assert f"登记码 {created.code[:4]}-…" in row.words.zh
    (came,) = await taken(place, usb)
    assert came.code == ""
    (answer,) = await back(place, created.node, usb)
    assert (await back(place, created.node, usb)) == [answer], "asked for twice, answered twice"
    done = await enrol.accept(data, answer, clock=place.clock())
    assert done.origin.endswith(f"/{created.node}/i1")
    assert done.leases == 4
    with pytest.raises(Refused):
        await enrol.accept(data, answer, clock=place.clock())
    store = await open_store(data, load(data), clock=place.clock())
    await store.close()


async def test_an_answer_that_is_not_ours_changes_nothing_and_says_why(place: Place, tmp_path: Path) -> None:
    created, other = (
        await made(place, "清源县市民之家", "330104"),
        await made(place, "清泉县市民之家", "330105"),
    )
    data, usb, theirs = tmp_path / "new", tmp_path / "usb", tmp_path / "theirs"
    with pytest.raises(NotEnrolled):
        await enrol.accept(data, usb / "none", clock=place.clock())
    await enrol.request(data, created.code, usb, clock=place.clock())
    await enrol.request(tmp_path / "other", other.code, theirs, clock=place.clock())
    await taken(place, usb)
    await taken(place, theirs)
    (answer,), (foreign,) = await back(place, created.node, usb), await back(place, other.node, theirs)
    whole = answer.read_bytes()
    wrong = usb / "centre-wrong.yze"
    for content, words in (
        (foreign.read_bytes(), "登记（换代）批复"),
        (whole[:-1] + bytes([whole[-1] ^ 1]), "登记（换代）批复"),
        (whole[: len(whole) // 2], "批复"),
        (whole[:20], "不完整"),
        (whole[:4] + b"\x09" + whole[5:], "更新版本"),
        (next(usb.glob("enrol-*.yze")).read_bytes(), "申请"),
        (b"%PDF", "不完整"),
        (b"", "不完整"),
    ):
        wrong.write_bytes(content)
        with pytest.raises(CourierRefused) as caught:
            await enrol.accept(data, wrong, clock=place.clock())
        assert words in caught.value.message.zh
        assert "未作任何改动" in caught.value.message.zh
    assert (await enrol.accept(data, answer, clock=place.clock())).origin.endswith("/i1")


async def test_a_request_whose_keys_were_changed_on_the_way_buys_nothing(
    place: Place, tmp_path: Path
) -> None:
    created = await made(place, "清源县市民之家", "330104")
    usb = tmp_path / "usb"
    await enrol.request(tmp_path / "new", created.code, usb, clock=place.clock())
    (path,) = usb.iterdir()
    whole = path.read_bytes()
    await enrol.request(
        tmp_path / "thief", f"{created.code[:4]}-AAAA-BBBB-CCCC", tmp_path / "t", clock=place.clock()
    )
    (forged,) = (tmp_path / "t").iterdir()
    for content, code in (
        (whole[:-40] + bytes([whole[-40] ^ 1]) + whole[-39:], "bad-signature"),
        (forged.read_bytes(), "bad-signature"),
        (whole[:30], "malformed"),
        (whole[:4] + b"\x02" + whole[5:], "unknown-version"),
    ):
        path.write_bytes(content)
        (no,) = await taken(place, usb)
        assert no.code == code, no
        assert no.next
    assert await place.stage.rows("SELECT 1 FROM identity WHERE node = '330104'") == []
    path.write_bytes(whole)
    assert (await taken(place, usb))[0].code == ""


async def test_a_new_incarnation_is_asked_for_approved_and_begun_by_stick(
    place: Place, tmp_path: Path
) -> None:
    given = (await place.offline(await place.clerk()))[0]
    place.line.down = True
    usb = tmp_path / "usb"
    with pytest.raises(Refused):
        await incarnation.request(place.node, "boredom", usb)
    asked = await incarnation.request(place.node, "planned", usb)
    (no,) = await taken(place, usb)
    assert no.code == "incarnation-waiting"
    assert asked.fingerprint in no.next
    with pytest.raises(CentreRefusedIt):
        await back(place, place.name, usb)
    await place.approve("security")
    answer = next(path for path in await back(place, place.name, usb) if path.suffix == introduction.SUFFIX)
    done = await incarnation.accept(place.node, answer)
    assert done.origin.endswith("/i2")
    with pytest.raises(Refused):
        await incarnation.accept(place.node, answer)
    for old in usb.iterdir():
        old.unlink()
    await courier.export(place.node, usb)
    assert {one.code for one in await taken(place, usb)} == {""}
    replies = await back(place, place.name, usb)
    summary = await courier.import_files(place.node, replies)
    assert summary.pending <= 3, "what the courier itself wrote since"
    rows = await place.stage.rows("SELECT case_no FROM access WHERE case_no <> ''")
    assert [row["case_no"] for row in rows] == [given.case]


async def test_report_files_go_with_their_entries_and_missing_ones_are_asked_for(
    place: Place, tmp_path: Path
) -> None:
    content = pdf(2 * CHUNK_BYTES + 5)
    await put(place.node, content)
    place.line.down = True
    usb = tmp_path / "usb"
    done = await courier.export(place.node, usb)
    assert sum(name.endswith("-0.yzb") for name in done["files"]) == 0, (
        "this file belongs to no report yet known"
    )
    await taken(place, usb)
    assert await listed(place) == [(SERIAL, 0)]
    asked = await back(place, place.name, usb)
    assert any(path.name.endswith("-files.yzb") for path in asked)
    await courier.import_files(place.node, asked)
    for old in usb.iterdir():
        old.unlink()
    await courier.export(place.node, usb)
    chunks = sorted(path for path in usb.iterdir() if "-file-" in path.name)
    assert len(chunks) == 3
    assert {row.words.zh for row in await lying(usb, place.node.identity.origin) if row.kind == "files"} == {
        f"节点 {place.name} 的报告文件"
    }
    chunks[0].unlink()
    assert {one.code for one in await taken(place, usb)} == {""}
    assert await listed(place) == [(SERIAL, 2)], "resumed with the next stick"
    await courier.import_files(place.node, await back(place, place.name, usb))
    await courier.export(place.node, usb)
    assert {one.code for one in await taken(place, usb)} == {""}
    assert await listed(place) == []
    origin, digest = place.node.identity.origin, hashlib.sha256(content).digest()
    assert await there.read(place.stage.centre, operator("audit"), origin, digest) == content


async def put(node: Node, content: bytes) -> None:
    digest = hashlib.sha256(content).digest()
    detail: dict[str, Any] = {"serial": SERIAL, "sheet": "", "file_digest": digest, "reason": ""}

    def write(tx: Any) -> None:
        tx.execute("INSERT OR REPLACE INTO report_file VALUES (?,?,?,?)", (SERIAL, 1, content, digest))
        tx.append(Draft(kind="report.printed", object=SERIAL, detail=detail))

    await node.store.transact(write)


async def test_the_files_of_reports_not_yet_countersigned_go_along_unasked(
    place: Place, tmp_path: Path
) -> None:
    given = (await place.offline(await place.clerk()))[0]
    assert given.report is not None
    serial, content = given.report.serial, pdf(100)
    row = (serial, 1, content, hashlib.sha256(content).digest())
    await place.node.store.transact(
        lambda tx: tx.execute("INSERT OR REPLACE INTO report_file VALUES (?,?,?,?)", row)
    )
    assert await files.to_stick(place.node, tmp_path, 1 << 20) == [], "no entry names this paper yet"
    detail: dict[str, Any] = {"serial": serial, "sheet": "", "file_digest": row[3], "reason": ""}

    def printed(tx: Any) -> None:
        tx.execute(
            "UPDATE print_job SET state = 'clerk-confirmed' WHERE serial = ? AND kind = 'report'", (serial,)
        )
        tx.append(Draft(kind="report.printed", object=serial, detail=detail))

    await place.node.store.transact(printed)
    done = await courier.export(place.node, tmp_path)
    assert sum("-file-" in name for name in done["files"]) == 1
    assert {one.code for one in await taken(place, tmp_path)} == {""}
    assert await listed(place) == []
    await place.exchange()
    assert await files.to_stick(place.node, tmp_path, 1 << 20) == []


async def test_a_hall_with_a_line_hands_on_a_buss_batch_unopened(place: Place, tmp_path: Path) -> None:
    created = await made(place, "清河一号车", "330102", "bus")
    bus, usb = tmp_path / "bus", tmp_path / "usb"
    await enrol.enrol(bus, "http://centre.test", created.code, clock=place.clock(), transport=place.line)
    hall, hall_data = place.node.identity.origin, place.data
    await place.start(bus)
    await courier.export(place.node, usb)
    await place.start(hall_data)
    (row,) = (one for one in await lying(usb, hall) if one.kind == "entries")
    assert (row.node, row.ours) == (created.node, False)
    sealed = [usb / row.name]
    place.line.down = True
    with pytest.raises(CourierRefused) as caught:
        await courier.import_files(place.node, sealed)
    assert "没有转交" in caught.value.message.zh
    place.line.down = False
    before = await count(place.node, "checkpoint WHERE counter IS NOT NULL")
    done = await courier.import_files(place.node, sealed)
    assert "随车带回" in done.notes[0].zh
    assert await count(place.node, "checkpoint WHERE counter IS NOT NULL") == before
    await place.start(bus)
    place.line.down = True
    summary = await courier.import_files(place.node, [usb / f"centre-{created.node}.yzb"])
    assert summary.acknowledged > 0
    assert summary.notes == ()


async def test_what_lies_on_a_stick_is_said_in_words_and_a_wrong_file_changes_nothing(
    place: Place, tmp_path: Path
) -> None:
    await place.offline(await place.clerk())
    usb = tmp_path / "usb"
    done = await courier.export(place.node, usb)
    (row,) = done["stick"]
    assert row.words.zh.startswith(f"节点 {place.name} 的台账第 ")
    assert f"共 {done['entries']} 条" in row.words.zh
    await taken(place, usb)
    (answer, *_) = [
        path for path in await back(place, place.name, usb) if path.name == f"centre-{place.name}.yzb"
    ]
    whole = answer.read_bytes()
    before = await count(place.node, "entry")
    for name, content, kind, words in (
        ("centre-x.part", whole[:100], "half", "拔早了"),
        ("half.yzb", whole[: len(whole) // 2], "broken", "不完整"),
        ("newer.yzb", b"YZB9" + whole[4:], "broken", "不完整"),
        ("strange.yzb", b"%PDF", "broken", "不完整"),
    ):
        path = usb / name
        path.write_bytes(content)
        found = next(one for one in await lying(usb, place.node.identity.origin) if one.name == name)
        assert found.kind == kind
        assert not found.ours
        assert words in found.words.zh
        with pytest.raises(CourierRefused) as caught:
            await courier.import_files(place.node, [path])
        assert name in caught.value.message.zh
        assert "未作任何改动" in caught.value.message.zh
        path.unlink()
    own = next(usb.glob("node-*.yzb"))
    with pytest.raises(CourierRefused):
        await courier.import_files(place.node, [own])
    assert await count(place.node, "entry") == before
    (usb / "readme.txt").write_text("not ours")
    assert "readme.txt" not in {one.name for one in await lying(usb)}
    summary = await courier.import_files(place.node, [answer, own])
    assert summary.acknowledged == done["size"]
    assert not isinstance(summary, Refusal)


@pytest.mark.parametrize("commits", [0, 1, 2, 3, 4])
async def test_a_carry_over_that_ends_after_any_of_its_commits_goes_on_at_the_next_start(
    place: Place, tmp_path: Path, commits: int
) -> None:
    """Rule 4.6: the process dies right after a commit; every entry is carried over once all the same."""
    given = (await place.offline(await place.clerk()))[0]
    await place.node.store.transact(marks)
    old = (await place.node.store.read(lambda db: db.query("SELECT size FROM ledger_head")))[0][0]
    usb = tmp_path / "usb"
    await incarnation.request(place.node, "planned", usb)
    await taken(place, usb)
    await place.approve("security")
    answer = next(path for path in await back(place, place.name, usb) if path.suffix == introduction.SUFFIX)
    left = iter(range(commits))

    def die() -> None:
        if next(left, None) is None:
            place.node.store.abandon()

    place.node.store.on_commit(die)
    with contextlib.suppress(LedgerUnavailable):
        await incarnation.accept(place.node, answer)
    node = await place.start()
    assert node.identity.origin.endswith("/i2")
    rows = await node.store.read(lambda db: db.query("SELECT CAST(leaf AS BLOB) FROM entry ORDER BY idx"))
    places = [mark for (leaf,) in rows for mark in parse_leaf(leaf)[0].ext if mark and mark[0] == CARRIED]
    assert len(places) == len(set(places))
    assert len(places) >= old - 20, "all but what the centre had countersigned"
    await place.exchange()
    found = await place.stage.rows("SELECT case_no FROM access WHERE case_no <> ''")
    assert [row["case_no"] for row in found] == [given.case]
    assert await place.stage.rows("SELECT 1 FROM evidence") == []
    assert (await check(place.data, load(place.data))).broken_at is None


def marks(tx: Transaction) -> None:
    for number in range(2 * succession.STEP + 10):
        tx.append(Draft(kind="mark", outcome="test", object=f"filler-{number}"))


async def test_a_node_writes_what_a_centre_that_forgot_it_knows_it_by(place: Place, tmp_path: Path) -> None:
    usb = tmp_path / "usb"
    made = await courier.export(place.node, usb, certificate=True)
    (shown,) = (row for row in await lying(usb, place.node.identity.origin) if row.name.endswith(".yze"))
    assert shown.name in made["files"]
    assert shown.words.zh == f"节点 {place.name} 的证书，请带到中心"
    (came,) = await post.import_files(place.stage.centre, SYSTEM, [usb / shown.name])
    assert came.code == "bad-signature", "this centre knows it"
    plain = await courier.export(place.node, tmp_path / "plain")
    assert not [name for name in plain["files"] if name.endswith(".yze")]
