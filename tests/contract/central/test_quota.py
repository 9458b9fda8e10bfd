"""Two free a year are a person's, over all halls: settled when they arrive, corrected by letter, counted once."""

from pathlib import Path

import msgspec
import pytest

from central.actions import ingest, publish, records
from central.actions import quota as settling
from central.actions.centre import operator
from central.store.quota import Spent
from matters import sample
from matters.importing import write_row
from matters.quota import UnitsSpent
from sync.exchange.centre import carried
from tests.contract.central.clock import NOW_MS
from tests.contract.central.halls import Hall
from tests.contract.central.stage import Stage, person
from tests.contract.central.test_records import opened, write

NUMBER, OTHER = "330102199001011234", "330102198505050027"
MATTER = "credit-bureau.self"


def spend(
    hall: Hall, number: str = NUMBER, outcome: str = "free", kind: str = "quota.spent", **leaf: object
) -> int:
    detail = {"subject_number": number, "matter": MATTER, "units": 1, "year": 2026}
    return hall.write(kind, detail, outcome=outcome, object=MATTER, **leaf)


async def sent(stage: Stage, hall: Hall) -> list[dict[str, object]]:
    """The corrections that came back."""
    await hall.exchange(lambda batch: ingest.exchange(stage.centre, batch, "network"))
    await hall.exchange(lambda batch: ingest.exchange(stage.centre, batch, "network"))
    letters = [one for one in hall.replies[-1].directives if one.kind == "quota.settled"]
    hall.obeyed = max((one.number for one in hall.replies[-1].directives), default=hall.obeyed)
    return [one.body for one in letters]


async def free_units(stage: Stage) -> int:
    from matters.calendar import china_day
    from matters.quota import spend as verdict

    rule = stage.centre.catalogue[MATTER].quota
    assert rule is not None
    day, used = china_day(NOW_MS), 0
    while verdict(rule, used, day).free:
        used += 1
    return used


async def test_f017_what_two_halls_gave_away_too_much_is_corrected_at_the_later_one(stage: Stage) -> None:
    free = await free_units(stage)
    first, second = await stage.hall(), await stage.hall(name="东关分厅")
    for _ in range(free):
        spend(first)
    places = [spend(second) for _ in range(2)]
    spend(second, OTHER)
    assert await sent(stage, first) == [], "the first to arrive keeps its word"
    corrections = await sent(stage, second)
    rule = stage.centre.catalogue[MATTER].quota
    assert rule is not None
    assert [(one["index"], one["fee_cents"]) for one in corrections] == [
        (at, rule.fee_cents) for at in places
    ]
    assert all(one["origin"] == second.origin for one in corrections)
    assert await sent(stage, second) == [], "a correction is written once"
    rows = await stage.rows("SELECT sum(units) AS units, sum(fee_cents) AS due FROM quota_spent")
    assert (rows[0]["units"], rows[0]["due"]) == (free + 3, 2 * rule.fee_cents)


async def test_a_fee_taken_for_what_was_free_is_given_back(stage: Stage) -> None:
    hall = await stage.hall()
    place = spend(hall, outcome="fee")
    (correction,) = await sent(stage, hall)
    rule = stage.centre.catalogue[MATTER].quota
    assert rule is not None
    assert (correction["index"], correction["fee_cents"]) == (place, -rule.fee_cents)


async def test_a_returned_unit_is_free_again(stage: Stage) -> None:
    free = await free_units(stage)
    hall = await stage.hall()
    for _ in range(free):
        spend(hall)
    spend(hall, kind="quota.returned")
    spend(hall)
    assert await sent(stage, hall) == []


async def test_a_spending_carried_over_counts_once(stage: Stage) -> None:
    hall = await stage.hall()
    place = spend(hall)
    await sent(stage, hall)
    new = await stage.again(hall)
    spend(new, ext=(carried(hall.origin, place),))
    await sent(stage, new)
    rows = await stage.rows("SELECT origin FROM quota_spent")
    assert [row["origin"] for row in rows] == [hall.origin]


@pytest.mark.parametrize(
    "spoilt",
    [
        {"matter": "no-such"},
        {"matter": "public-credit.self"},
        {"units": 0},
        {"units": 10**6},
        {"subject_number": "x"},
    ],
)
async def test_a_spending_that_cannot_be_is_kept_as_evidence_and_settles_nothing(
    stage: Stage, spoilt: dict[str, object]
) -> None:
    hall = await stage.hall()
    detail = {"subject_number": NUMBER, "matter": MATTER, "units": 1, "year": 2026} | spoilt
    if "subject_number" in spoilt:
        hall.write("quota.spent", detail, outcome="free", subject_ref=b"other person ref")
    else:
        hall.write("quota.spent", detail, outcome="free")
    assert await sent(stage, hall) == []
    assert await stage.rows("SELECT 1 FROM quota_spent") == []
    assert len(await stage.rows("SELECT 1 FROM effect_rejected")) == 1


class Rights(msgspec.Struct):
    """What a pack says of one person's rights."""

    spent: tuple[UnitsSpent, ...] = ()


async def units_in_packs(stage: Stage, number: str) -> int:
    """Units of this person that the newest release of the county knows of."""
    _, rows, _ = await opened(stage, "330102/detail")
    blob = rows[stage.centre.keys.ref(number)]
    return sum(one.units for one in msgspec.json.decode(blob or b"", type=Rights).spent)


async def test_f017_a_publication_during_an_exchange_forgets_nobody_whose_units_were_spent(
    stage: Stage, tmp_path: Path
) -> None:
    hall, path = await stage.hall(), tmp_path / "two.csv"
    other = next(sample.people(2, 1, "330102", as_of_ms=NOW_MS))
    write(path, [write_row(person()), write_row(other)])
    system = operator("system")
    await records.import_file(stage.centre, system, path)
    await publish.publish(stage.centre, system)
    one = Spent(
        origin=hall.origin,
        idx=1,
        node=hall.node,
        subject_ref=stage.centre.keys.ref(NUMBER),
        matter=MATTER,
        year=2026,
        units=1,
        said_free=True,
        fee_cents=0,
        occurred_ms=NOW_MS,
        settled_ms=NOW_MS,
    )
    async with stage.centre.store.transaction() as exchange:
        await settling.settle(stage.centre, exchange, [one])
        await records.change(stage.centre, system, other.number)
        await publish.publish(stage.centre, system)
        assert await units_in_packs(stage, NUMBER) == 0, "not committed yet"
    await publish.publish(stage.centre, system)
    assert await units_in_packs(stage, NUMBER) == 1
    assert await stage.rows("SELECT 1 FROM subject_touched") == []
    assert all(done.changed == 0 for done in await publish.publish(stage.centre, system)), "once"
