"""The courier page over HTTP: what lies on a stick in words, writing out, taking in, and sticks that are none."""

import asyncio
import hashlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from html import unescape
from pathlib import Path

import httpx
import msgspec
import pytest

from drivers import apart
from edge.actions import courier
from edge.actions.examiner import Begun, Examiner, Found
from edge.actions.node import Node
from edge.errors import Busy, CourierRefused, SettingsInvalid
from edge.settings import parse
from edge.store.files import wait_for_lock
from sync.batch.file import build_sealed
from sync.batch.header import claimed_header, sign_header
from sync.signing.keys import SigningKey
from tests.contract.edge.small_centre import SmallCentre
from tests.contract.edge.test_answers import entries
from tests.contract.edge.test_api import over, sign_in

SAFE = "现在可以取下 U 盘"
MEMORY = Path("/dev/shm")


@pytest.fixture
def mounts(tmp_path: Path) -> Iterator[Path]:
    """Where sticks are mounted: on another file system than the node's data, as sticks are."""
    if not MEMORY.is_dir() or MEMORY.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("this machine has no second file system to stand for a stick")
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        yield Path(folder)


@pytest.fixture
def stick(mounts: Path) -> Path:
    folder = mounts / "KINGSTON"
    folder.mkdir()
    return folder


class Duty:
    """The hall manager's browser at the courier page."""

    def __init__(self, client: httpx.AsyncClient, csrf: str) -> None:
        self.client, self.csrf = client, csrf

    async def look(self, stick: str = "") -> str:
        """The page's text."""
        reply = await self.client.get("/courier", params={"stick": stick} if stick else {})
        assert reply.status_code == 200, reply.text
        return unescape(reply.text)

    async def do(self, act: str, stick: Path | str) -> str:
        """Press a button; the text of the page it leads to."""
        reply = await self.client.post(f"/courier/{act}", data={"csrf": self.csrf, "stick": str(stick)})
        assert reply.status_code == 303, reply.text
        shown = await self.client.get(reply.headers["location"])
        assert shown.status_code == 200
        return unescape(shown.text)


@pytest.fixture
async def duty(node: Node, mounts: Path) -> AsyncIterator[Duty]:
    node.settings = msgspec.structs.replace(node.settings, sticks=(str(mounts),))
    async with over(node) as client:
        yield Duty(client, (await sign_in(client, "wu.yue"))["X-CSRF-Token"])


async def newest(node: Node) -> tuple[int, str]:
    """How many entries there are, and what the newest is about."""
    found = await entries(node)
    return len(found), found[-1][0].object


def for_another(sealed: bytes) -> bytes:
    """The same file, as it would name node 330103: whole, for whoever looks at its header only."""
    body = sealed[:-32].replace(b"node/330102/", b"node/330103/")
    return body + hashlib.sha256(body).digest()


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


async def test_g09_a_stick_goes_out_and_comes_back_by_the_page_in_words(
    node: Node, centre: SmallCentre, duty: Duty, stick: Path
) -> None:
    assert "U 盘上没有驿站的文件" in await duty.look()
    written = await duty.do("export", stick)
    (name,) = files(stick)
    assert f"逐个读回核对无误。{SAFE}" in written
    assert name in written, "what lies on it is said before it is removed"
    assert "节点 330102 的台账第" in written
    assert "带到中心" in written
    assert (await newest(node))[1].startswith("size-")
    (stick / "back.yzb").write_bytes(centre.exchange((stick / name).read_bytes()))
    assert "中心给节点 330102 的回执" in await duty.look()
    taken = await duty.do("import", stick)
    assert f"已取入：中心已会签至第 {len(centre.hashes)} 条" in taken
    assert SAFE in taken
    assert f"{name}：节点 330102 的台账第" in taken
    assert "要带到中心，本机不取" in taken
    assert (await newest(node))[1] == "files-1"
    assert SAFE not in await duty.look(), "it is said once, of what was just done"


async def test_a_stick_with_nothing_for_this_node_is_said_file_by_file_and_changes_nothing(
    node: Node, duty: Duty, stick: Path
) -> None:
    made = (await courier.export(node, stick))["files"][0]
    (stick / "half.part").write_bytes(b"YZB")
    (stick / "torn.yzb").write_bytes((stick / made).read_bytes()[:-9])
    later = msgspec.structs.replace(claimed_header((stick / made).read_bytes()), version=9)
    (stick / "newer.yzb").write_bytes(sign_header(later, SigningKey.generate()))
    before, ledger = files(stick), await newest(node)
    said = await duty.do("import", stick)
    assert "没有本机可以取入的文件，未作任何改动" in said
    for words in (
        "half.part：写了一半的文件",
        "torn.yzb：不完整或已损坏",
        "newer.yzb：由更新版本的程序写成，请先升级本机",
    ):
        assert words in said
    assert SAFE not in said
    assert (files(stick), await newest(node)) == (before, ledger)


async def test_another_nodes_files_are_named_and_left_or_handed_on_by_the_line_only(
    node: Node, centre: SmallCentre, duty: Duty, stick: Path
) -> None:
    (made,) = (await courier.export(node, stick))["files"]
    batch = (stick / made).read_bytes()
    (stick / made).unlink()
    (stick / "back.yzb").write_bytes(for_another(centre.exchange(batch)))
    before, ledger = files(stick), await newest(node)
    assert "给别的节点" in await duty.look()
    said = await duty.do("import", stick)
    assert "back.yzb：中心给节点 330103 的回执，是给另一个节点的，留给它取" in said
    (stick / "bus.yzb").write_bytes(for_another(batch))
    centre.down = True
    assert "节点 330103 的台账没有转交" in await duty.do("import", stick)
    (stick / "bus.yzb").unlink()
    assert files(stick) == before
    assert (await newest(node))[0] == ledger[0]


async def test_no_stick_and_no_setting_are_said_in_words(node: Node, duty: Duty, mounts: Path) -> None:
    assert "没有插入 U 盘" in await duty.look()
    for act in ("import", "export"):
        assert "这个 U 盘不在" in await duty.do(act, "")
    node.settings = msgspec.structs.replace(node.settings, sticks=())
    assert "没有配置 U 盘" in await duty.look()


async def test_a_stick_pulled_out_in_the_middle_is_never_said_to_be_written(
    node: Node, duty: Duty, stick: Path
) -> None:
    async with asyncio.TaskGroup() as group, wait_for_lock(node.data / courier.LOCK, Busy(), 1.0):
        writing = group.create_task(duty.do("export", stick))
        await duty.client.get("/line")
        shutil.rmtree(stick)
    assert SAFE not in writing.result()
    assert "U 盘" in writing.result()


async def test_a_stick_pulled_out_before_is_never_said_to_be_written(
    node: Node, duty: Duty, stick: Path
) -> None:
    assert "KINGSTON" in await duty.look()
    ledger = await newest(node)
    shutil.rmtree(stick)
    for act in ("import", "export"):
        said = await duty.do(act, stick)
        assert "这个 U 盘不在" in said
        assert SAFE not in said
    assert files(stick.parent) == {}, "nothing is written to where a stick was"
    assert await newest(node) == ledger


@pytest.mark.parametrize(
    "name", ["..", "KINGSTON/..", "KINGSTON/../../..", "/", "/etc", "KINGSTON/folder", "link"]
)
async def test_a_folder_that_is_no_stick_is_refused_whatever_is_typed(
    node: Node, duty: Duty, stick: Path, mounts: Path, tmp_path: Path, name: str
) -> None:
    (stick / "folder").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (mounts / "link").symlink_to(tmp_path / "elsewhere")
    asked = str(mounts / name)
    assert f'value="{asked}"' not in await duty.look(asked)
    for act in ("import", "export"):
        assert "这个 U 盘不在" in await duty.do(act, asked)
    assert not files(tmp_path / "elsewhere")
    (stick / "folder").rmdir()  # still empty
    assert files(stick) == {}


async def test_a_folder_on_the_nodes_own_disk_is_no_stick(node: Node, duty: Duty, tmp_path: Path) -> None:
    left = tmp_path / "media" / "left-behind"
    left.mkdir(parents=True)
    node.settings = msgspec.structs.replace(node.settings, sticks=(str(left.parent),))
    assert "没有插入 U 盘" in await duty.look()
    assert "这个 U 盘不在" in await duty.do("export", left)
    assert not files(left)


async def test_a_link_on_a_stick_leads_nowhere(node: Node, duty: Duty, stick: Path, tmp_path: Path) -> None:
    await duty.do("export", stick)
    (made,) = files(stick)
    kept = tmp_path / "kept"
    kept.write_bytes((stick / made).read_bytes())
    (stick / "link.yzb").symlink_to(kept)
    assert "link.yzb" not in await duty.look(), "a link is not looked through"
    stem, _, end = made.removesuffix(".yzb").rpartition("-")
    for size in range(int(end), int(end) + 20):
        (stick / f"{stem}-{size:010d}.part").symlink_to(kept)
    before = kept.read_bytes()
    assert "介质写不进去" in await duty.do("export", stick)
    assert kept.read_bytes() == before, "a link on a stick is never written through"


async def test_f013_sticks_are_for_those_on_duty_and_others_see_no_file(
    node: Node, duty: Duty, stick: Path
) -> None:
    await courier.export(node, stick)
    async with over(node) as client:
        clerk = Duty(client, (await sign_in(client, "li.min"))["X-CSRF-Token"])
        page = await clerk.look(str(stick))
        assert "U 盘传递由值班人员办理" in page
        assert "KINGSTON" not in page
        reply = await client.post("/courier/export", data={"csrf": clerk.csrf, "stick": str(stick)})
        assert reply.status_code == 403
    assert (await entries(node))[-1][0].outcome == "not-allowed"


class Deadly(Examiner):
    """A process that one file kills: it says which it began, and dies."""

    def __init__(self, *lines: Begun) -> None:
        self._lines = lines

    async def told(self, job: bytes) -> tuple[int, bytes]:
        assert job
        return -11, b"".join(msgspec.json.encode(one) + b"\n" for one in self._lines) + b'{"type"'


async def test_a_file_that_kills_the_process_that_looks_is_named_and_changes_nothing(
    node: Node, centre: SmallCentre, duty: Duty, stick: Path
) -> None:
    (name,) = (await courier.export(node, stick))["files"]
    (stick / "back.yzb").write_bytes(centre.exchange((stick / name).read_bytes()))
    before, whole = await newest(node), node.examiner
    node.examiner = Deadly(Begun(name="a.yzb", apart=True), Begun(name="back.yzb", apart=True))
    for page in (await duty.look(), await duty.do("import", stick)):
        assert "查看 U 盘文件的进程中断了（back.yzb），未作任何改动" in page
        assert "请把这个文件移走后再试" in page
    node.examiner = Deadly()
    assert "查看 U 盘文件的进程中断了，未作任何改动" in await duty.look()
    with pytest.raises(CourierRefused) as caught:
        await courier.import_files(node, [stick / "back.yzb"])
    assert caught.value.exit_code == 4
    assert await newest(node) == before
    node.examiner = whole
    assert SAFE in await duty.do("import", stick)


async def test_a_letter_of_the_centre_is_opened_apart_and_one_it_did_not_sign_is_not(
    node: Node, centre: SmallCentre, stick: Path
) -> None:
    (name,) = (await courier.export(node, stick))["files"]
    reply = centre.exchange((stick / name).read_bytes())
    own = node.identity
    sealed = build_sealed(
        "acknowledge", b"", origin=own.centre.origin, destination=own.origin, key=SigningKey.generate(),
        recipients=(own.sealing.public,), now_ms=node.now_ms(),
    )  # fmt: skip
    paths = [stick / "good.yzb", stick / "forged.yzb", stick / "absent.yzb", stick / "notes.txt"]
    for path, content in zip(paths, (reply, sealed, None, b"milk, bread"), strict=True):
        if content is not None:
            path.write_bytes(content)
    good, forged, absent, notes = (await node.examiner.open(paths, own)).found
    assert good.acknowledgement is not None
    assert good.acknowledgement.origin == own.origin
    assert (forged.acknowledgement, forged.code) == (None, "bad-signature")
    assert absent.file is not None
    assert (absent.file.kind, absent.acknowledgement) == ("broken", None)
    assert notes == Found(file=None)


async def test_where_the_kernel_leaves_the_process_its_network_the_page_says_so(
    node: Node, duty: Duty, stick: Path
) -> None:
    (name,) = (await courier.export(node, stick))["files"]
    assert ("与网络隔离" in await duty.look()) is not await apart.possible()
    seen = await node.examiner.look(stick, node.identity.origin)
    assert [one.name for one in seen.files] == [name]
    assert seen.apart is await apart.possible()


@pytest.mark.parametrize("folder", ["media", "/", "//", ""])
def test_sticks_are_full_paths_below_the_root(folder: str) -> None:
    assert parse('sticks = ["/media/yizhan"]').sticks == ("/media/yizhan",)
    with pytest.raises(SettingsInvalid) as caught:
        parse(f'port = 1\nsticks = ["{folder}"]')
    assert caught.value.line == 2
