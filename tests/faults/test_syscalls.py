"""syscall (quality.md): each write-like call failed or fatal, around append, checkpoint, batch, apply, backup, shredding."""

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from edge.store import cipher, slots
from sync.batch.header import header_length
from tests.faults.ground import Ground, citizens, entries, node_rows
from tests.faults.nursery import Nursery
from tests.faults.syscalls import Ended, Target, Traced, fresh, lines, targets

NODE = "node"
EXPLAINED = {0, 3, 4}
"""Done, trouble in words, refused in words."""


class Act:
    """One act: its words, and what must be true of what it wrote, whatever happened."""

    def __init__(self, words: Callable[[Path], list[str]], judge: Callable[[Path, Ended], None]) -> None:
        self.words, self.judge = words, judge


def _released(folder: Path, ended: Ended) -> None:
    held = dict(entries(folder / NODE))
    stand = {row[0] for row in node_rows(folder / NODE, "SELECT serial FROM report")}
    for line in lines(ended.said):
        if "index" in line:
            assert held.get(int(str(line["index"]))) == bytes.fromhex(str(line["leaf_hash"])), line
            assert not line["serial"] or line["serial"] in stand, line


def _batch_is_whole(folder: Path, ended: Ended) -> None:
    made = sorted((folder / "stick").glob("*.yzb"))
    assert made or ended.code, "done, and nothing is on the stick"
    for path in made:
        content = path.read_bytes()
        assert header_length(content[:8])
        assert hashlib.sha256(content[:-32]).digest() == content[-32:], f"{path.name} looks whole and is not"


def _backup_opens(folder: Path, ended: Ended) -> None:
    copy = folder / "stick" / "copy.db"
    assert copy.exists() or ended.code, "done, and there is no copy"
    if copy.exists():
        assert cipher.integrity_faults(copy, slots.unlock(folder / NODE)) == []


def _nothing_more(folder: Path, ended: Ended) -> None:
    """`edge check` says it all."""


ACTS = {
    "answers": Act(lambda f: ["acting", "answers", str(f / NODE)], _released),
    "shred": Act(lambda f: ["acting", "shred", str(f / NODE)], _nothing_more),
    "export": Act(lambda f: ["edge", "export", "--data", str(f / NODE), str(f / "stick")], _batch_is_whole),
    "backup": Act(
        lambda f: ["edge", "backup", "--data", str(f / NODE), str(f / "stick" / "copy.db")], _backup_opens
    ),
    "import": Act(
        lambda f: ["edge", "import", "--data", str(f / NODE), *map(str, sorted((f / "back").iterdir()))],
        _nothing_more,
    ),
}


@pytest.fixture(scope="module")
def stage(ground: Ground, nursery: Nursery) -> Path:
    """A hall with data, leases, entries not yet sent, and a stick that came back with an acknowledgement and new packs."""
    place = ground.folder / "stage"
    node, stick, back = place / NODE, place / "stick", place / "back"
    place.mkdir()
    name = ground.second_hall(node)
    assert ground.edge("exchange", data=node).code == 0
    (node / "card.json").write_text(json.dumps(_card_record(citizens(ground)[0])), encoding="utf-8")
    ground.cut_off(node)
    log = ground.folder / "stage.log"
    assert nursery.wait(nursery.start(["acting", "answers", str(node)], log), 30) == 0, log.read_text()
    assert ground.edge("export", str(stick), data=node).code == 0
    assert ground.central("import", *map(str, stick.iterdir())).code == 0
    ground.change_data(citizens(ground)[0]["number"])
    assert ground.central("export", "--node", name, str(back)).code == 0
    assert {path.suffix for path in back.iterdir()} == {".yzb", ".yzp"}, "acknowledgement and packs"
    shutil.rmtree(stick)
    stick.mkdir()
    return place


def _card_record(card: dict[str, str]) -> dict[str, str]:
    return {
        name: card[name]
        for name in ("record", "name", "number", "birth", "sex", "address", "valid_from", "valid_to")
    }


@pytest.mark.timeout(36_000)
@pytest.mark.parametrize("act", ACTS)
def test_a_failed_system_call_leaves_a_sound_node_and_the_next_try_goes_through(
    ground: Ground, nursery: Nursery, stage: Path, pytestconfig: pytest.Config, act: str
) -> None:
    place = ground.folder / f"struck-{act}"
    traced = Traced(nursery, place)
    fresh(stage, place)
    whole, counts = traced.calls(ACTS[act].words(place))
    assert whole.code == 0, whole.said
    judge(ground, place, act, whole, "untouched")
    chosen = _chosen(counts, pytestconfig.getoption("--calls"), pytestconfig.getoption("--fault-seed"))
    struck: Counter[str] = Counter()
    for target in chosen:
        fresh(stage, place)
        ended = traced.failed(ACTS[act].words(place), target)
        struck["struck" if ended.struck else "missed"] += 1
        judge(ground, place, act, ended, str(target))
        _again(ground, place, act, str(target))
    print(f"{act}: {sum(counts.values())} calls on {len({path for path, _ in counts})} files, {dict(struck)}")
    assert struck["struck"] > struck["missed"]


def _chosen(counts: Counter[tuple[str, str]], calls: int, seed: int) -> list[Target]:
    """A sample: each (file, call) about as often as any other, so that the few calls that matter are not lost in many."""
    everything = list(targets(counts))
    if not calls:
        return everything
    dice = Random(seed)
    places = sorted(counts)
    wanted = max(1, calls // len(ACTS))
    picked = [dice.choice(places) for _ in range(wanted)]
    return [dice.choice([one for one in everything if (one.path, one.call) == place]) for place in picked]


def judge(ground: Ground, place: Path, act: str, ended: Ended, what: str) -> None:
    """What the process left: no bug, a sound node, nothing shown that is not there, nothing that looks whole and is not."""
    assert "Traceback" not in ended.said, f"{act}, {what}: {ended.said[-2000:]}"
    assert ended.code in EXPLAINED or ended.code == -9, f"{act}, {what}: exit {ended.code}: {ended.said}"
    done = ground.check(place / NODE)
    found = done.document
    assert (done.code, found["store"], found["broken_at"]) == (0, "ok", None), f"{act}, {what}: {found}"
    ACTS[act].judge(place, ended)


def _again(ground: Ground, place: Path, act: str, what: str) -> None:
    """The same act once more, undisturbed: whatever the fault left does not stand in its way."""
    for path in (place / "stick").iterdir():
        path.unlink()
    words = ACTS[act].words(place)
    done = ground.edge(words[1], *words[4:], data=place / NODE) if words[0] == "edge" else ground.act(words)
    assert done.code == 0, f"{act} again after {what}: {done.out} {done.err}"
