"""Papers under the document camera: into a case, encrypted, by digest, each taking and each look an entry."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from drivers.devices.document_camera.virtual import VirtualCamera, drawn
from edge.actions import devices, photos, prune, reads
from edge.actions.answer import answer
from edge.actions.node import Node, Session
from edge.actions.reads import DeskOfNode
from edge.actions.views import Answer
from edge.errors import NotAllowed, NotThere, WrongMoment
from edge.hall.hall import Hall
from edge.settings import DeviceSetting
from tests.contract.edge.conftest import ToldTime, card, signed_in
from tests.contract.edge.small_centre import SmallCentre
from tests.contract.edge.test_answers import entries, own
from tests.contract.edge.test_devices import comes

SHEET = drawn("authorisation", width=320, height=240)
NAME = "高拍仪 1"


@pytest.fixture
async def camera(tmp_path: Path) -> AsyncIterator[VirtualCamera]:
    twin = VirtualCamera(link=tmp_path / "camera")
    await twin.start()
    yield twin
    await twin.stop()


@contextlib.asynccontextmanager
async def watched(node: Node, twin: VirtualCamera) -> AsyncIterator[Hall]:
    """The hall with a camera at window 1, ready."""
    setting = DeviceSetting(name=NAME, kind="document_camera", address=f"video:{twin.path}", window="1")
    node.devices = (setting,)
    hall = node.hall = Hall(node.devices, DeskOfNode(node))
    async with asyncio.TaskGroup() as group:
        running = group.create_task(hall.run())
        await comes(lambda: hall.status()[0].state == "ok", node)
        try:
            yield hall
        finally:
            running.cancel()


def passed(hall: Hall) -> bool:
    trial = hall.status()[0].trial
    return trial is not None and trial.state == "passed"


async def opened(node: Node, clerk: Session, centre: SmallCentre) -> str:
    """A case of this clerk; its number."""
    held = next(iter(centre.people.values())).subject
    read = await reads.lay(node, "", card(held.number, held.name, birth=held.birth))
    given = await answer(node, clerk, own(read.read_id))
    assert isinstance(given, Answer)
    return given.case


async def test_g17_a_paper_under_the_camera_lies_in_the_case_under_its_digest_which_its_entry_names(
    node: Node, clerk: Session, centre: SmallCentre, camera: VirtualCamera
) -> None:
    number = await opened(node, clerk, centre)
    async with watched(node, camera):
        camera.look(SHEET)
        taken = await photos.take(node, clerk, number)
        again = await photos.take(node, clerk, number)
    digest = hashlib.sha256(SHEET).hexdigest()
    assert (taken.digest, again) == (digest, taken)
    assert await photos.listed(node, number) == (taken,)
    assert await photos.look(node, clerk, number, digest) == SHEET
    outcomes = [entry.outcome for entry, _ in await entries(node)]
    assert outcomes.count("paper-photographed") == 1, "the same picture twice is one"
    assert outcomes[-1] == "photo-seen"
    at_rest = b"".join(path.read_bytes() for path in node.data.rglob("*") if path.is_file())
    assert SHEET[:64] not in at_rest, "nothing of the picture is readable on the disk"


async def test_a_case_of_another_window_is_not_photographed_into_or_looked_at(
    node: Node, clerk: Session, centre: SmallCentre, camera: VirtualCamera
) -> None:
    number = await opened(node, clerk, centre)
    async with watched(node, camera):
        taken = await photos.take(node, clerk, number)
        other = await signed_in(node, "sun.tao", "2")
        with pytest.raises(NotAllowed):
            await photos.look(node, other, number, taken.digest)
        with pytest.raises(NotAllowed):
            await photos.take(node, other, number)
        chief = await signed_in(node, "wu.yue", "3")
        assert await photos.look(node, chief, number, taken.digest)
        with pytest.raises(WrongMoment, match="no-camera"):
            await photos.take(node, chief, number)
    with pytest.raises(NotThere):
        await photos.look(node, chief, number, "00" * 32)
    with pytest.raises(NotThere):
        await photos.look(node, chief, number, "no digest")


async def test_a_pulled_plug_is_said_in_words_with_the_way_round_and_the_camera_comes_back(
    node: Node, clerk: Session, centre: SmallCentre, camera: VirtualCamera
) -> None:
    number = await opened(node, clerk, centre)
    async with watched(node, camera) as hall:
        camera.line.tty.unplug()
        with pytest.raises(WrongMoment) as refused:
            await photos.take(node, clerk, number)
        assert refused.value.message.zh
        await comes(lambda: hall.status()[0].state != "ok", node)
        assert "纸质复印件" in hall.status()[0].by_hand.zh
        camera.line.tty.plug()
        await comes(lambda: hall.status()[0].state == "ok", node)
        assert (await photos.take(node, clerk, number)).size_bytes


async def test_a_test_picture_is_shown_to_who_tests_for_some_minutes_and_kept_in_no_case(
    node: Node, clerk: Session, camera: VirtualCamera, told: ToldTime
) -> None:
    async with watched(node, camera) as hall:
        camera.look(SHEET)
        await devices.try_out(node, clerk, NAME)
        await comes(lambda: passed(hall), node)
        seen = await devices.look(node, clerk)
        assert seen.pictures == (NAME,)
        assert devices.test_picture(node, clerk, NAME) == SHEET
        other = await signed_in(node, "sun.tao", "2")
        with pytest.raises(NotThere):
            devices.test_picture(node, other, NAME)
        told.pass_ms(node.settings.read_keep_s * 1000 + 1)
        assert (await devices.look(node, clerk)).pictures == ()
    assert await node.store.read(lambda db: db.query("SELECT 1 FROM photo")) == []


async def test_photographs_are_dropped_with_the_report_files_once_the_centre_has_their_entries(
    node: Node, clerk: Session, centre: SmallCentre, camera: VirtualCamera, told: ToldTime
) -> None:
    number = await opened(node, clerk, centre)
    async with watched(node, camera):
        await photos.take(node, clerk, number)
    told.pass_ms(prune.RETENTION_MS + 1)
    await prune.prune(node)
    assert len(await photos.listed(node, number)) == 1, "the centre has not countersigned its entry"
