"""The hall's devices on the drivers' twins: found, watched, tested from the device page, none in another's way."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest

from drivers.devices.a4_spool.virtual import VirtualSpool
from drivers.devices.caller_keys.virtual import VirtualPads
from drivers.devices.gps.virtual import VirtualReceiver
from drivers.devices.led_screen.virtual import VirtualScreen
from drivers.devices.qr_scanner.virtual import VirtualScanner
from drivers.devices.receipt_printer.virtual import VirtualPrinter
from drivers.devices.resident_id.virtual import VirtualReader
from drivers.ports import Fix
from drivers.registry import DRIVERS
from edge.actions import devices
from edge.actions.node import Node, Session
from edge.actions.reads import DeskOfNode
from edge.errors import NotAllowed, NotThere, WrongMoment
from edge.hall import names, owner
from edge.hall.hall import DeviceStatus, Hall
from edge.hall.serving import SERVES
from edge.hall.states import BY_HAND
from edge.settings import DeviceSetting
from sync.messages.registry import by_number
from tests.contract.edge.conftest import ToldTime, card, signed_in
from tests.contract.edge.small_centre import NUMBERS, SmallCentre
from tests.contract.edge.test_answers import entries
from tests.simulation.hall import PlainTypesetter

WAIT_S = 60.0
HERE = Fix(state="fix", latitude=30.25, longitude=120.16, at_ms=1_795_000_000_000, satellites=9)


@contextlib.asynccontextmanager
async def running(node: Node, *settings: DeviceSetting) -> AsyncIterator[Hall]:
    """A hall with these devices, supervised inside the block."""
    node.devices = settings
    node.hall = hall = Hall(settings, DeskOfNode(node))
    async with asyncio.TaskGroup() as group:
        task = group.create_task(hall.run())
        try:
            yield hall
        finally:
            task.cancel()


async def comes(fact: Callable[[], object], node: Node) -> None:
    """Wait for a fact, looking again at every event of the node, or ten times a second."""
    async with asyncio.timeout(WAIT_S):
        with node.events.subscription() as queue:
            while not fact():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.1):
                        await queue.get()


def of(hall: Hall, name: str) -> DeviceStatus:
    return next(one for one in hall.status() if one.name == name)


async def marks(node: Node, begins: str) -> list[str]:
    return [entry.outcome for entry, _ in await entries(node) if entry.outcome.startswith(begins)]


async def faults(node: Node) -> list[str]:
    return [str(detail["note"]) for entry, detail in await entries(node) if entry.kind == 95]


def reader_at(twin: VirtualReader, window: str = "") -> DeviceSetting:
    return DeviceSetting(
        name="阅读机", kind="id_reader", address=f"serial:{twin.path}?baud=115200", window=window
    )


@pytest.fixture
async def reader(tmp_path: Path) -> AsyncIterator[VirtualReader]:
    twin = VirtualReader(link=tmp_path / "reader")
    await twin.start()
    yield twin
    await twin.stop()


@pytest.fixture
async def printer() -> AsyncIterator[VirtualPrinter]:
    twin = VirtualPrinter()
    await twin.start()
    yield twin
    await twin.stop()


def test_every_kind_of_the_registry_is_served_tested_and_has_its_way_round() -> None:
    kinds = {row.kind for row in DRIVERS}
    for table in (SERVES, devices.TRIALS, BY_HAND):
        assert set(table) <= kinds, "no row for a kind that does not exist"
    assert set(SERVES) == set(devices.TRIALS) == set(BY_HAND)


def test_the_pauses_between_tries_bring_a_device_back_within_three_seconds() -> None:
    assert max(owner.BACKOFF_S) + owner.LOOK_S <= 3.0


async def test_g17_a_device_whose_plug_goes_in_is_opened_at_once_and_keeps_its_last_success(
    node: Node, reader: VirtualReader
) -> None:
    async with running(node, reader_at(reader)) as hall:
        await comes(lambda: of(hall, "阅读机").state == "ok", node)
        reader.unplug()
        await comes(lambda: of(hall, "阅读机").state != "ok", node)
        gone = of(hall, "阅读机")
        assert gone.last_ok
        assert gone.words.zh
        assert gone.next.zh
        assert "手工录入" in gone.by_hand.zh
        reader.plug()
        await comes(lambda: of(hall, "阅读机").state == "ok", node)
        assert "115200" in of(hall, "阅读机").says.zh


async def test_g17_a_printer_that_takes_no_byte_does_not_keep_a_card_from_being_read(
    node: Node, reader: VirtualReader, centre: SmallCentre
) -> None:
    async def swallow(line: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await line.read()

    deaf = await asyncio.start_server(swallow, "127.0.0.1", 0)
    port = deaf.sockets[0].getsockname()[1]
    stuck = DeviceSetting(name="打印机", kind="receipt_printer", address=f"tcp:127.0.0.1:{port}")
    async with deaf, running(node, stuck, reader_at(reader)) as hall:
        await comes(lambda: of(hall, "阅读机").state == "ok", node)
        assert of(hall, "打印机").state == "opening"
        reader.lay(card(NUMBERS[0], "陈某"))
        await comes(lambda: node.reads, node)
        assert of(hall, "打印机").state != "ok"


async def test_a_device_that_comes_and_goes_is_one_fault_entry_a_minute_that_counts_the_rest(
    node: Node, reader: VirtualReader, told: ToldTime
) -> None:
    setting = reader_at(reader)
    async with running(node, setting) as hall:
        await comes(lambda: of(hall, "阅读机").state == "ok", node)
        broken = of(hall, "阅读机")
    for _ in range(4):
        await devices.changed(node, setting, _as_fault(broken))
    assert len(await faults(node)) == 1
    told.pass_ms(61_000)
    await devices.changed(node, setting, _as_fault(broken))
    assert [note.partition("(")[2] for note in await faults(node)] == ["", "4 times)"]


def _as_fault(status: DeviceStatus) -> DeviceStatus:
    return DeviceStatus(
        name=status.name,
        kind=status.kind,
        window=status.window,
        state="fault",
        last_ok=status.last_ok,
        words=status.by_hand,
        next=status.next,
    )


async def test_a_test_card_is_seen_by_nobody_and_fills_no_page(
    node: Node, clerk: Session, reader: VirtualReader
) -> None:
    async with running(node, reader_at(reader)) as hall:
        await comes(lambda: of(hall, "阅读机").state == "ok", node)
        await devices.try_out(node, clerk, "阅读机")
        with pytest.raises(WrongMoment):
            await devices.try_out(node, clerk, "阅读机")
        reader.lay(card(NUMBERS[0], "陈某"))
        await comes(lambda: _ended(hall, "阅读机"), node)
        trial = of(hall, "阅读机").trial
        assert trial is not None
        assert trial.state == "passed"
        assert NUMBERS[0] not in trial.words.zh + trial.words.en
        assert "陈某" not in trial.words.zh
        assert not node.reads
        assert await marks(node, "device-test") == ["device-test-passed"]
        reader.lift()
        reader.heard.clear()
        await comes(lambda: len(reader.heard) > 1, node)  # the driver has found the reader empty
        reader.lay(card(NUMBERS[0], "陈某"))
        await comes(lambda: node.reads, node)


def _ended(hall: Hall, name: str) -> bool:
    trial = of(hall, name).trial
    return trial is not None and trial.state != "running"


async def test_g18_a_test_slip_shows_what_the_printer_can_do_and_paper_out_says_so(
    node: Node, clerk: Session, printer: VirtualPrinter
) -> None:
    setting = DeviceSetting(name="打印机", kind="receipt_printer", address=printer.address)
    async with running(node, setting) as hall:
        await comes(lambda: of(hall, "打印机").state == "ok", node)
        await devices.try_out(node, clerk, "打印机")
        await comes(lambda: _ended(hall, "打印机"), node)
        (paper,) = printer.papers
        assert "打印机测试页" in paper.text
        printer.switches.paper = "out"
        await comes(lambda: of(hall, "打印机").state == "fault", node)
        await devices.try_out(node, clerk, "打印机")
        await comes(lambda: _ended(hall, "打印机"), node)
        trial = of(hall, "打印机").trial
        assert trial is not None
        assert trial.state == "failed"
        assert "缺纸" in trial.words.zh
        assert len(printer.papers) == 1
        assert await marks(node, "device-test") == ["device-test-passed", "device-test-failed/paper-out"]


async def test_a_test_sheet_says_that_it_is_one_and_takes_no_serial(
    node: Node, clerk: Session, tmp_path: Path
) -> None:
    spool = VirtualSpool(tmp_path / "spool")
    await spool.start()
    node.typesetter = PlainTypesetter()
    setting = DeviceSetting(name="A4", kind="a4_printer", address=spool.address)
    async with running(node, setting) as hall:
        await comes(lambda: of(hall, "A4").state == "ok", node)
        await devices.try_out(node, clerk, "A4")
        await comes(lambda: _ended(hall, "A4"), node)
        trial = of(hall, "A4").trial
        assert trial is not None
        assert trial.state == "passed", trial.words
        (name,) = spool.printed
        assert name.startswith("test-")
    rows = await node.store.read(lambda db: db.query("SELECT count(*) FROM print_job"))
    assert rows == [(0,)]
    await spool.stop()


async def test_pads_scanner_and_receiver_are_served_tested_and_back_after_a_pull(
    node: Node, clerk: Session, tmp_path: Path
) -> None:
    pads, gun, sky = VirtualPads(), VirtualScanner(link=tmp_path / "gun"), VirtualReceiver()
    for twin in (pads, gun, sky):
        await twin.start()
    settings = (
        DeviceSetting(name="按键", kind="caller_keys", address=f"serial:{pads.path}"),
        DeviceSetting(name="扫码", kind="qr_scanner", address=f"serial:{gun.path}"),
        DeviceSetting(name="定位", kind="gps", address=f"serial:{sky.path}"),
    )
    async with running(node, *settings) as hall:

        def all_work() -> bool:
            sky.at(HERE)  # a receiver reports again and again
            return all(one.state == "ok" for one in hall.status())

        def all_tried() -> bool:
            sky.at(HERE)
            return all(_ended(hall, one.name) for one in hall.status())

        await comes(all_work, node)
        for name in ("按键", "扫码", "定位"):
            await devices.try_out(node, clerk, name)
        await comes(lambda: pads.beeps, node)
        pads.press("call")
        gun.scan("YZ1.test")
        await comes(all_tried, node)
        passed = [one.trial.state for one in hall.status() if one.trial]
        assert passed == ["passed"] * 3, [one.trial for one in hall.status()]
        assert pads.shown[1].strip() == "888"
        assert of(hall, "扫码").last_report
        gun.line.tty.unplug()
        await comes(lambda: of(hall, "扫码").state != "ok", node)
        assert of(hall, "按键").state == "ok"
        gun.line.tty.plug()
        await comes(lambda: of(hall, "扫码").state == "ok", node)
    for twin in (pads, gun, sky):
        await twin.stop()


async def test_a_screen_shows_a_test_line_is_cleared_and_says_when_it_refuses(
    node: Node, clerk: Session
) -> None:
    screen = VirtualScreen()
    await screen.start()
    setting = DeviceSetting(name="屏", kind="led_screen", address=f"serial:{screen.path}")
    async with running(node, setting) as hall:
        await comes(lambda: of(hall, "屏").state == "ok", node)
        await devices.try_out(node, clerk, "屏")
        await comes(lambda: any("测试" in line for line in screen.lines), node)
        await comes(lambda: _ended(hall, "屏"), node)
        trial = of(hall, "屏").trial
        assert trial is not None
        assert trial.state == "passed", trial.words
        assert not any(screen.lines)
        screen.fault("refuse")
        await devices.try_out(node, clerk, "屏")
        await comes(lambda: _ended(hall, "屏"), node)
        refused = of(hall, "屏").trial
        assert refused is not None
        assert refused.state == "failed"
    await screen.stop()


async def test_a_bus_puts_a_new_place_on_the_ledger_and_not_every_report(node: Node, told: ToldTime) -> None:
    setting = DeviceSetting(name="定位", kind="gps", address="serial:/dev/none")
    far = Fix(state="differential", latitude=30.27, longitude=120.16, satellites=11)
    await devices.position(node, setting, Fix(state="none"))
    for _ in range(3):
        await devices.position(node, setting, HERE)
    await devices.position(node, setting, far)
    assert await marks(node, "position") == ["position"], "the same minute"
    told.pass_ms(600_000)
    await devices.position(node, setting, HERE)
    await devices.position(node, setting, far)
    notes = [str(detail["note"]) for entry, detail in await entries(node) if entry.outcome == "position"]
    assert notes == ["30.2500,120.1600 fix satellites=9", "30.2700,120.1600 differential satellites=11"]


async def test_g14_a_receiver_sets_a_bus_right_whose_wall_clock_began_anew_and_that_is_an_entry(
    node: Node, told: ToldTime
) -> None:
    setting = DeviceSetting(name="定位", kind="gps", address="serial:/dev/none")
    right, told.wall = told.wall + 7_200_000, 0
    for _ in range(3):
        await DeskOfNode(node).position_taken(setting, msgspec.structs.replace(HERE, at_ms=right))
    assert node.now_ms() == right
    assert node.store.clock.interval().earliest_ms == right
    found = [entry for entry, _ in await entries(node) if entry.outcome == "satellites"]
    assert [(entry.hlc_ms, by_number(entry.kind).name) for entry in found] == [(right, "clock.adjusted")]


async def test_a_clerk_tests_the_own_windows_devices_and_a_supervisor_every_one(
    node: Node, clerk: Session, reader: VirtualReader
) -> None:
    other = DeviceSetting(name="二号", kind="id_reader", address="serial:/dev/none-2", window="2")
    shared = DeviceSetting(name="公用", kind="id_reader", address="serial:/dev/none-0")
    manager = await signed_in(node, "wu.yue", "3")
    async with running(node, other, shared) as hall:
        await comes(lambda: all(one.state == "absent" for one in hall.status()), node)
        assert (await devices.look(node, clerk)).may_test == ("公用",)
        assert (await devices.look(node, manager)).may_test == ("二号", "公用")
        with pytest.raises(NotAllowed):
            await devices.try_out(node, clerk, "二号")
        with pytest.raises(NotThere):
            await devices.try_out(node, manager, "没有")
        await devices.try_out(node, manager, "二号")


def test_a_line_is_named_by_its_stable_link_and_an_unused_one_is_offered(tmp_path: Path) -> None:
    folder = tmp_path / "by-id"
    folder.mkdir()
    for name in ("ttyUSB0", "ttyUSB1"):
        (tmp_path / name).touch()
    (folder / "usb-A").symlink_to(tmp_path / "ttyUSB0")
    (folder / "usb-B").symlink_to(tmp_path / "ttyUSB1")
    unstable, stable = f"serial:{tmp_path}/ttyUSB0?baud=9600", f"serial:{folder}/usb-A"
    assert names.better(unstable, folder) == f"{folder}/usb-A"
    assert names.better(stable, folder) == names.better("tcp:127.0.0.1:9100", folder) == ""
    assert names.unused([unstable], folder) == (f"{folder}/usb-B",)
    assert names.unused([stable, f"serial:{folder}/usb-B"], folder) == ()
    assert names.unused([], tmp_path / "none") == ()
