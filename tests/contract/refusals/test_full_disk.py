"""A disk that takes no more: the kernel's own answer to a real write, met by the real programs."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from central.actions import courier as centre_courier
from central.actions import records
from central.actions.centre import operator
from central.errors import Trouble
from edge.__main__ import main as edge_main
from tests.contract.central.stage import Stage
from tests.contract.edge.conftest import Prepared
from tests.contract.interfaces.town import called
from tests.contract.refusals.untouched import files

STICK_BYTES = 4096


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Path]:
    """A stick of one page that is nearly full: a real file system of that size."""
    stick = tmp_path / "stick"
    stick.mkdir()
    if os.geteuid() or not shutil.which("mount"):
        pytest.skip("mounting a file system of one page needs root")
    words = ["mount", "-t", "tmpfs", "-o", f"size={STICK_BYTES}", "tmpfs", str(stick)]
    if subprocess.run(words, capture_output=True, check=False, timeout=20).returncode:
        pytest.skip("this machine lets nobody mount")
    (stick / "photo.jpg").write_bytes(bytes(STICK_BYTES))
    yield stick
    subprocess.run(["umount", str(stick)], capture_output=True, check=True, timeout=20)


@pytest.fixture
def folder(prepared: Prepared, tmp_path: Path) -> Path:
    """The prepared node, as files."""
    shutil.copytree(prepared.folder, tmp_path / "node")
    return tmp_path / "node"


@pytest.mark.parametrize("act", ["export", "backup"])
def test_a_full_stick_is_trouble_in_words_and_what_lay_on_it_stays(
    full: Path, folder: Path, act: str
) -> None:
    target = full if act == "export" else full / "copy.db"
    done = called(edge_main, [act, "--data", str(folder), str(target), "--json"])
    assert done.code == 3, done.err
    assert done.document["message"]["zh"]
    assert done.document["next"]["zh"]
    left = {name for name in files(full) if not name.endswith(".part")}
    assert left == {"photo.jpg"}, "no file that looks whole is left on a full stick"
    checked = called(edge_main, ["check", "--data", str(folder), "--json"])
    assert (checked.code, checked.document["broken_at"]) == (0, None), "the node itself is as sound as before"


async def test_a_full_stick_is_trouble_at_the_centre_too(full: Path, stage: Stage, tmp_path: Path) -> None:
    hall = await stage.hall()
    hall.access("330102199001011234")
    batch = tmp_path / "batch.yzb"
    batch.write_bytes(hall.batch())
    await centre_courier.import_files(stage.centre, operator("system"), [batch])
    with pytest.raises(Trouble) as caught:
        await centre_courier.export(stage.centre, operator("system"), hall.node, full)
    assert caught.value.exit_code == 3
    assert caught.value.next.zh
    assert {name for name in files(full) if not name.endswith(".part")} == {"photo.jpg"}


def test_a_sample_written_to_a_full_device_says_so() -> None:
    rows = records.sample_rows(40, 1, "330102", 1_795_000_000_000)
    with pytest.raises(OSError, match="No space left"):
        records.sample_file(Path("/dev/full"), rows, 0)
