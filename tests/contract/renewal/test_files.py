"""Report files arrive after their entries: asked for by digest, in chunks, resumed, never holding anything back."""

import hashlib
from typing import Any

import msgspec
import pytest

from central.actions import files as there
from central.actions.centre import operator
from central.errors import NotFound, NotPermitted
from edge.actions import files
from edge.errors import CentreRefused, CentreUnreachable
from edge.store.draft import Draft
from sync.batch.file import build_sealed
from sync.errors import SyncError
from sync.messages.blob import CHUNK_BYTES, FILE_BYTES_MAX, Chunk, chunk, count, decode, encode
from tests.contract.renewal.place import Place

SERIAL = "330102-2026-L-00001"


def pdf(size: int, salt: int = 1) -> bytes:
    return bytes((n * 7 + salt) % 251 for n in range(1000)) * (size // 1000 + 1)


async def printed(place: Place, content: bytes, serial: str = SERIAL) -> bytes:
    """A printed report whose file lies at the hall, its entry at the centre; the file's digest."""
    digest = hashlib.sha256(content).digest()
    detail: dict[str, Any] = {"serial": serial, "sheet": "", "file_digest": digest, "reason": ""}

    def write(tx: Any) -> None:
        tx.execute("INSERT OR REPLACE INTO report_file VALUES (?,?,?,?)", (serial, 1, content, digest))
        tx.append(Draft(kind="report.printed", object=serial, detail=detail))

    await place.node.store.transact(write)
    await place.exchange()
    return digest


async def listed(place: Place) -> list[tuple[str, int]]:
    rows = await there.lacking(place.stage.centre, operator("audit"), place.name)
    return [(row.serial, row.have) for row in rows]


async def test_rule_10_5_a_file_the_centre_lacks_is_listed_by_serial_brought_and_read_back(
    place: Place,
) -> None:
    content = pdf(2 * CHUNK_BYTES + 5)
    digest = await printed(place, content)
    assert await listed(place) == [(SERIAL, 0)]
    await files.when_idle(place.node)
    assert await listed(place) == []
    centre = place.stage.centre
    assert await there.read(centre, operator("audit"), place.node.identity.origin, digest) == content
    raw = b"".join(path.read_bytes() for path in (centre.data / "files").rglob("*-*"))
    assert content[:64] not in raw, "sealed at rest"
    again = await files.send(place.node)
    assert (again.files, again.chunks) == (0, 0)


async def test_a_broken_run_goes_on_with_the_chunk_that_is_missing(place: Place) -> None:
    await printed(place, pdf(3 * CHUNK_BYTES))
    first = await files.send(place.node, bytes_max=1)
    assert (first.files, first.chunks) == (0, 1)
    assert await listed(place) == [(SERIAL, 1)]
    place.line.down = True
    with pytest.raises(CentreUnreachable):
        await files.send(place.node)
    place.line.down = False
    rest = await files.send(place.node)
    assert (rest.files, rest.chunks) == (1, count(len(pdf(3 * CHUNK_BYTES))) - 1)
    assert await listed(place) == []


async def test_rule_10_5_chunks_that_are_gone_from_the_centres_disk_are_brought_again(place: Place) -> None:
    content = pdf(3 * CHUNK_BYTES + 5)
    digest = await printed(place, content)
    await files.send(place.node, bytes_max=1)
    assert await listed(place) == [(SERIAL, 1)]
    (kept,) = (place.stage.centre.data / "files").rglob("*-*")
    kept.unlink()
    assert await listed(place) == [(SERIAL, 0)], "a row is no file"
    await files.send(place.node)
    assert await listed(place) == []
    origin = place.node.identity.origin
    assert await there.read(place.stage.centre, operator("audit"), origin, digest) == content


@pytest.mark.parametrize("how", ["gone", "changed", "sealed for another"])
async def test_rule_10_5_a_whole_file_that_is_lost_on_the_centres_disk_is_noticed_and_brought_again(
    place: Place, how: str
) -> None:
    centre, audit, origin = place.stage.centre, operator("audit"), place.node.identity.origin
    contents = {serial: pdf(CHUNK_BYTES + 5, number) for number, serial in enumerate(("L-1", "L-2"))}
    digests = [await printed(place, content, serial) for serial, content in contents.items()]
    await files.send(place.node)
    chunks = sorted((centre.data / "files").rglob(f"{digests[0].hex()}-*"))
    if how == "gone":
        chunks[1].unlink()
    elif how == "changed":
        chunks[1].write_bytes(chunks[1].read_bytes()[:-1] + b"?")
    else:
        chunks[1].write_bytes(chunks[0].read_bytes())
    assert await listed(place) == [], "nobody has looked yet"
    found = 0
    for _ in range(there.PARTS):
        place.stage.clock.pass_ms(86_400_000)
        found += await there.look_over(centre)
    assert found == 1
    assert await listed(place) == [("L-1", 0)]
    with pytest.raises(NotFound):
        await there.read(centre, audit, origin, digests[0])
    await files.send(place.node)
    assert await listed(place) == []
    assert [await there.read(centre, audit, origin, one) for one in digests] == list(contents.values())


async def test_who_reads_a_file_that_is_lost_is_told_so_and_it_is_asked_for_again(place: Place) -> None:
    centre, digest = place.stage.centre, await printed(place, pdf(10))
    await files.send(place.node)
    (kept,) = (centre.data / "files").rglob("*-*")
    kept.unlink()
    with pytest.raises(NotFound) as caught:
        await there.read(centre, operator("audit"), place.node.identity.origin, digest)
    assert "不完整" in caught.value.words.zh
    assert await listed(place) == [(SERIAL, 0)]


@pytest.mark.parametrize("who", ["reader", "night"])
async def test_a_lost_file_whose_folder_was_put_back_is_there_again_without_its_node(
    place: Place, who: str
) -> None:
    centre, origin = place.stage.centre, place.node.identity.origin
    digest = await printed(place, pdf(10))
    await files.send(place.node)
    (kept,) = (centre.data / "files").rglob("*-*")
    backup = kept.read_bytes()
    kept.unlink()
    with pytest.raises(NotFound):
        await there.read(centre, operator("audit"), origin, digest)
    kept.write_bytes(backup)
    if who == "reader":
        assert await there.read(centre, operator("audit"), origin, digest) == pdf(10)
    else:
        for _ in range(there.PARTS):
            place.stage.clock.pass_ms(86_400_000)
            assert await there.look_over(centre) == 0
    assert await listed(place) == []


async def test_entries_go_before_files_and_a_pruned_file_is_named_not_waited_for(place: Place) -> None:
    await printed(place, pdf(10))
    await place.node.store.transact(lambda tx: tx.append(Draft(kind="mark")))
    await files.when_idle(place.node)
    assert await listed(place) == [(SERIAL, 0)], "an entry waits: the line is its own"
    await place.exchange()
    await place.node.store.transact(lambda tx: tx.execute("DELETE FROM report_file"))
    done = await files.send(place.node)
    assert done.absent == (SERIAL,)
    await printed(place, pdf(20, 2), "330102-2026-L-00002")
    await files.send(place.node)
    assert await listed(place) == [(SERIAL, 0)]


async def test_however_many_files_are_gone_the_next_one_is_reached(place: Place) -> None:
    for number in range(there.WANTED_MAX + 2):
        await printed(place, pdf(10, number), f"gone-{number:03}")
    await place.node.store.transact(lambda tx: tx.execute("DELETE FROM report_file"))
    await printed(place, pdf(20, 100), "here")
    done = await files.send(place.node)
    assert (done.files, len(done.absent)) == (1, there.WANTED_MAX + 2)
    assert "here" not in [serial for serial, _ in await listed(place)]


async def test_a_file_of_an_ended_incarnation_still_follows(place: Place) -> None:
    from edge.actions import incarnation

    await printed(place, pdf(10))
    with pytest.raises(CentreRefused):
        await incarnation.renew(place.node, "planned")
    await place.approve("security")
    await incarnation.renew(place.node, "planned")
    await files.send(place.node)
    assert await listed(place) == []


async def handed(place: Place, one: Chunk, **other: Any) -> None:
    identity = place.node.identity
    sealed = build_sealed(
        other.get("kind", "blob"),
        encode(one),
        origin=identity.origin,
        destination=other.get("destination", identity.centre.origin),
        key=identity.signing,
        recipients=(identity.centre.sealing,),
        now_ms=0,
    )
    await place.node.uplink.file_chunk(identity, sealed)


async def test_what_no_paper_names_or_is_no_chunk_is_refused_and_leaves_nothing(place: Place) -> None:
    await printed(place, pdf(10))
    stranger = chunk(b"a file nobody printed", SERIAL, 0)
    with pytest.raises(CentreRefused):
        await handed(place, stranger)
    with pytest.raises(CentreRefused):
        await handed(place, chunk(pdf(10), SERIAL, 0), kind="down")
    with pytest.raises(CentreRefused):
        await handed(place, chunk(pdf(10), SERIAL, 0), destination="qingzhou.example/centre/other/i1")
    with pytest.raises(CentreRefused):
        await place.node.uplink.file_chunk(place.node.identity, b"YZB1 rubbish")
    assert not (place.stage.centre.data / "files").exists()
    assert await listed(place) == [(SERIAL, 0)]


async def test_chunks_that_together_are_another_file_are_begun_again(place: Place) -> None:
    content = pdf(10)
    digest = await printed(place, content)
    bad = Chunk(digest=digest, serial=SERIAL, size=len(content), number=0, body=content[:-1] + b"!")
    with pytest.raises(CentreRefused):
        await handed(place, bad)
    assert await listed(place) == [(SERIAL, 0)]
    await files.send(place.node)
    assert await listed(place) == []


async def test_only_the_auditor_lists_and_reads_files(place: Place) -> None:
    digest = await printed(place, pdf(10))
    centre, origin = place.stage.centre, place.node.identity.origin
    with pytest.raises(NotPermitted):
        await there.lacking(centre, operator("system"))
    with pytest.raises(NotPermitted):
        await there.read(centre, operator("security"), origin, digest)
    with pytest.raises(NotFound):
        await there.read(centre, operator("audit"), origin, digest)


@pytest.mark.parametrize(
    "spoilt",
    [
        Chunk(digest=b"short", serial="", size=10, number=0, body=bytes(10)),
        Chunk(digest=bytes(32), serial="", size=10, number=1, body=bytes(10)),
        Chunk(digest=bytes(32), serial="", size=10, number=0, body=bytes(9)),
        Chunk(digest=bytes(32), serial="", size=0, number=0, body=b""),
        Chunk(digest=bytes(32), serial="", size=FILE_BYTES_MAX + 1, number=0, body=bytes(CHUNK_BYTES)),
        Chunk(digest=bytes(32), serial="", size=10, number=-1, body=bytes(10)),
    ],
)
def test_a_chunk_that_cannot_be_is_refused(spoilt: Chunk):
    with pytest.raises(SyncError):
        decode(encode(spoilt))
    with pytest.raises(SyncError):
        decode(encode(spoilt)[:-1])


async def test_g08_an_idle_job_asks_for_files_only_after_a_new_one_or_an_hour(place: Place) -> None:
    def asked() -> int:
        return sum(path.startswith("/api/files/") for path in place.line.paths)

    def pass_ms(many: int) -> None:
        place.stage.clock.pass_ms(many)
        place.boot_ms += many

    await place.exchange()
    await files.when_idle(place.node)
    first = asked()
    assert first == 1, "the program has just begun"
    for _ in range(30):
        pass_ms(110_000)
        await files.when_idle(place.node)
    assert asked() == first, "thirty runs with nothing new cost no request"
    await printed(place, pdf(100))
    assert await place.node.store.read(files.waiting) == (1, 1000)
    await files.when_idle(place.node)
    assert asked() > first
    assert await place.node.store.read(files.waiting) == (0, 0)
    once = asked()
    pass_ms(files.ASK_AGAIN_MS)
    await files.when_idle(place.node)
    await files.when_idle(place.node)
    assert asked() == once + 1, "and once an hour"


async def test_g08_files_wait_for_tomorrow_while_the_budget_of_the_day_is_used_up(place: Place) -> None:
    node = place.node
    await printed(place, pdf(100))
    node.settings = msgspec.structs.replace(node.settings, link="metered", link_day_mb=1)
    day = node.day_of(node.now_ms())
    await node.store.transact(lambda tx: tx.execute("INSERT INTO line_used VALUES (?,9,?)", (day, 1 << 20)))
    await files.when_idle(node)
    assert await listed(place) == [(SERIAL, 0)]
    place.stage.clock.pass_ms(86_400_000)
    place.boot_ms += 86_400_000
    await files.when_idle(node)
    assert await listed(place) == []
