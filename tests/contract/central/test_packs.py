"""Old packs go after a week; what the newest release names stays, however old it is."""

from pathlib import Path

from central.actions import packs, publish, records
from central.actions.centre import operator
from sync.packs.release import open_release
from tests.contract.central.stage import Stage
from tests.contract.central.test_records import sample

SYSTEM = operator("system")
DAY_MS = 86_400_000


def held(stage: Stage) -> set[str]:
    return {path.name for path in (stage.centre.data / "packs").iterdir()}


async def named(stage: Stage) -> set[str]:
    """What the newest releases name."""
    rows = await stage.rows("SELECT DISTINCT ON (scope) signed FROM release ORDER BY scope, version DESC")
    opened = [open_release(row["signed"], stage.centre.keys.signing.public) for row in rows]
    packs = {pack.digest.hex() for release in opened for pack in release.packs}
    return packs | {release.state_root.hex() for release in opened}


async def test_packs_of_older_releases_stay_a_week_and_then_go(stage: Stage, tmp_path: Path) -> None:
    await stage.node()
    for seed in range(1, 6):
        await records.import_file(stage.centre, SYSTEM, sample(tmp_path, people=30, seed=seed))
        await publish.publish(stage.centre, SYSTEM)
    before, newest = held(stage), await named(stage)
    assert newest < before
    assert await packs.forget(stage.centre) == 0, "a stick may still name them"
    assert held(stage) == before
    stage.clock.pass_ms(8 * DAY_MS)
    assert await packs.forget(stage.centre) == len(before - newest)
    assert held(stage) == newest
    assert await packs.forget(stage.centre) == 0
    await records.import_file(stage.centre, SYSTEM, sample(tmp_path, people=30, seed=9))
    await publish.publish(stage.centre, SYSTEM)  # deltas still build on what is kept
    assert await named(stage) <= held(stage)


async def test_what_a_broken_publishing_left_goes_too(stage: Stage, tmp_path: Path) -> None:
    await stage.node()
    await records.import_file(stage.centre, SYSTEM, sample(tmp_path, people=5))
    await publish.publish(stage.centre, SYSTEM)
    folder = stage.centre.data / "packs"
    for name in ("a" * 64, f"{'b' * 64}.part"):
        (folder / name).write_bytes(b"left over")
    assert await packs.forget(stage.centre) == 2
    assert held(stage) == await named(stage)
