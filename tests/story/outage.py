"""Steps 5–6: the line hangs; the hall answers, defers, refuses and denies; the bus works and fills a stick."""

from typing import Any

from tests.story import outside
from tests.story.clients import Clerk
from tests.story.memory import Memory, asking, verified
from tests.story.world import Place, World
from tests.waiting import until

CACHED_MS = 2_000
PHONE = "13800000000"


async def cut_off(world: World, memory: Memory) -> str:
    """Step 5: every connection hangs. Cached answers, a deferral, a refusal with its article, a denial."""
    world.hall.line.stall()
    world.bus.line.stall()
    clerk = world.hall.clerk
    took_ms = _answered_from_cache(world, memory, clerk)
    _deferred(world, memory, clerk)
    _refused(memory, clerk)
    _denied(world, memory)
    kinds = {row[0] for row in outside.node_rows(world.hall, "SELECT DISTINCT kind FROM entry")}
    assert {10, 11, 12, 20, 30} <= kinds, f"not all of it is on the ledger: {sorted(kinds)}"
    assert memory.answers["cached"]["entry"]["index"] < clerk.status()["ledger"]["size"]
    return f"cached answer in {took_ms:.0f} ms (limit {CACHED_MS}), marked provisional; one deferred, two refused"


def _answered_from_cache(world: World, memory: Memory, clerk: Clerk) -> float:
    """The same query for two other citizens; the first one waits for the line's deadline, the second does not."""
    slowest = 0.0
    for who in ("cached", "changed"):
        answer, took_ms = asking(clerk, memory, who, "public-credit.self")
        assert took_ms <= CACHED_MS, f"cached answer took {took_ms:.0f} ms"
        assert answer["mode"] == "cached"
        assert answer["age_s"] >= 0
        assert answer["band"] in {"fresh", "ageing"}
        assert answer["report"]["status"] == "provisional"
        for group in answer["fields"]:
            assert group["source"]
            assert group["as_of_ms"]
            assert group["band"]
        text = memory.keep_report(world, clerk, answer["report"]["serial"], "provisional")
        assert "临时" in text, "a provisional report must say so"
        memory.answers[who] = answer
        slowest = max(slowest, took_ms)
    spoilt = world.folder / "reports" / "altered.pdf"
    genuine = (world.folder / "reports" / f"{answer['report']['serial']}.pdf").read_bytes()
    middle = len(genuine) // 2
    spoilt.write_bytes(genuine[:middle] + bytes([genuine[middle] ^ 1]) + genuine[middle + 1 :])
    verified(world, spoilt, expect=1)
    return slowest


def _deferred(world: World, memory: Memory, clerk: Clerk) -> None:
    """A credit-bureau query may not be cached: case, task and slip instead of an answer."""
    deferral, _ = asking(clerk, memory, "bureau", "credit-bureau.self", expect=202, phone=PHONE)
    assert deferral["case"]
    assert deferral["due"]
    memory.answers["bureau"] = deferral
    until(lambda: any(deferral["case"] in paper for paper in world.hall.papers()), "the deferral's slip", 10)


def _refused(memory: Memory, clerk: Clerk) -> None:
    """No presence and no letter: the article, and what to bring, all at once."""
    citizen = memory.citizens["other"]
    subject = {
        "kind": "natural",
        "name": citizen["name"],
        "document": "resident-id",
        "number": citizen["number"],
    }
    asks = memory.citizens["unpermitted"]
    requester = subject | {"name": asks["name"], "number": asks["number"]}
    reply, _ = clerk.ask("public-credit.authorised", subject=subject, requester=requester)
    assert reply.status_code == 403, reply.text
    refusal: dict[str, Any] = reply.json()
    assert "第" in str(refusal["rule"])
    assert "条" in str(refusal["rule"])
    assert len(refusal["missing"]) >= 2, f"everything that is missing is told at once: {refusal}"
    assert refusal["next"]


def _denied(world: World, memory: Memory) -> None:
    """A clerk without the permit is denied, and that too is an entry."""
    other = Clerk(world.hall.url, world.hall.reader)
    other.sign_in("sun.tao", world.passwords["sun.tao"], "2").raise_for_status()
    before = outside.node_rows(world.hall, "SELECT count(*) FROM entry WHERE kind = 11")[0][0]
    read, _ = other.lay(outside.card_of(memory.citizens["unpermitted"]))
    reply, _ = other.ask("public-credit.self", read)
    other.lift()
    assert reply.status_code == 403, reply.text
    after = outside.node_rows(world.hall, "SELECT count(*) FROM entry WHERE kind = 11")[0][0]
    assert after == before + 1, "the denial is not on the ledger"


async def bus_by_stick(world: World, memory: Memory) -> str:
    """Step 6: the bus works offline; its sealed batch goes to the centre on a stick, the answer comes back on it."""
    bus = world.bus
    bus.serve()
    bus.clerk.sign_in("zhao.qin", world.passwords["zhao.qin"]).raise_for_status()
    until(lambda: _reader_open(bus), "the bus's reader is open", 15)
    answer, _ = asking(bus.clerk, memory, "bus", "public-credit.self")
    assert answer["mode"] == "cached"
    memory.answers["bus"] = answer
    memory.keep_report(world, bus.clerk, answer["report"]["serial"], "provisional")
    stick = world.folder / "stick"
    stick.mkdir()
    out = bus.edge("export", str(stick))
    assert bus.clerk.status()["ledger"]["countersigned_size"] < bus.clerk.status()["ledger"]["size"]
    files = sorted(str(path) for path in stick.iterdir())
    assert not outside.planted(stick, [memory.citizens["bus"]["number"], memory.citizens["bus"]["name"]])
    first = world.central("import", *files)
    again = world.central("import", *files)
    back = world.folder / "stick" / "back"
    back.mkdir()
    world.central("export", "--node", bus.node, str(back))
    bus.edge("import", *sorted(str(path) for path in back.iterdir()))
    status = bus.clerk.status()
    assert status["ledger"]["countersigned_size"] > answer["entry"]["index"], (
        "the stick brought no countersignature"
    )
    held = await outside.centre_rows(
        world, "SELECT count(*) AS n, count(DISTINCT idx) AS d FROM entry WHERE origin = $1", status["origin"]
    )
    assert held[0]["n"] == held[0]["d"] >= status["ledger"]["countersigned_size"]
    return f"{len(files)} sealed file(s) carried, countersigned to {status['ledger']['countersigned_size']} ({out and first and again and 'repeat harmless'})"


def _reader_open(place: Place) -> bool:
    states = {device["kind"]: device["state"] for device in place.clerk.status()["devices"]}
    return states.get("id_reader") == "ok"
