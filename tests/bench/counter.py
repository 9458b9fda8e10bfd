"""The clerks and citizens of a serving hall: sessions at every window, cards laid once and used for many queries."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.bench.desk import Desk
from tests.bench.stage import Stage
from tests.bench.timing import took
from tests.story import outside
from tests.story.world import HALL_REGION, Place
from tests.waiting import until

READY_S = 20.0
WORK_S = 120.0


def citizens(stage: Stage, count: int) -> list[dict[str, str]]:
    """Adults of the county, as its file holds them."""
    return outside.people(stage.world, HALL_REGION)[:count]


def desk_at(stage: Stage, place: Place, window: int) -> Desk:
    """A clerk signed in at a window."""
    desk = Desk(place.url)
    desk.sign_in(f"clerk.{window}", stage.password, str(window))
    return desk


def read_ids(stage: Stage, place: Place, people: list[dict[str, str]]) -> list[str]:
    """Lay each card once on the shared reader; its read may be used at every window for five minutes."""
    clerk = place.clerk
    clerk.sign_in("clerk.1", stage.password, "1").raise_for_status()
    until(lambda: reader_open(place), "the reader is open", READY_S)
    found = []
    for person in people:
        read, _ = clerk.lay(outside.card_of(person))
        clerk.lift()
        found.append(str(read["read_id"]))
    return found


def reader_open(place: Place) -> bool:
    """Whether the hall's ID reader is connected."""
    states = {device["kind"]: device["state"] for device in place.clerk.status()["devices"]}
    return states.get("id_reader") == "ok"


def at_all_windows(work: Callable[[int], list[float]], windows: int) -> tuple[list[float], float]:
    """Run `work(window)` at windows 0, 1, … at once; all samples, and the seconds until the last was done."""
    with ThreadPoolExecutor(windows) as pool, took() as whole:
        tasks = [pool.submit(work, number) for number in range(windows)]
        samples = [sample for task in tasks for sample in task.result(WORK_S)]
    return samples, whole.seconds


def letter_query(citizen: dict[str, str], holder: dict[str, str], read_id: str) -> dict[str, Any]:
    """A citizen's record asked for by another person with a letter: any subject, one card."""
    subject = _party(citizen, phone="13800000001")
    requester = _party(holder, phone="13800000002", employer="清河县第一中学")
    letter = {
        "authoriser": subject,
        "authorised": requester,
        "matter": "查询公共信用信息",
        "scope": "全部公共信用信息",
        "valid_from": "2026-01-01",
        "valid_to": "2036-12-31",
        "purpose": "贷款审批",
        "signature": True,
        "seal": True,
        "original": True,
    }
    materials = [{"kind": kind, "original": True, "copy": True} for kind in ("resident-id", "agent-id")]
    return {
        "matter": "public-credit.authorised",
        "presence": {"read_id": read_id},
        "subject": subject,
        "requester": requester,
        "materials": materials,
        "letter": letter,
        "undertaking": True,
        "delivery": "screen",
        "purpose": "loan",
    }


def _party(person: dict[str, str], **more: str) -> dict[str, str]:
    return {
        "kind": "natural",
        "name": person["name"],
        "document": "居民身份证",
        "number": person["number"],
        **more,
    }
