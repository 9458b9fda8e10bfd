"""devices: what ten idle devices cost the node, and how soon one is back after its plug; against a bare loop."""

import asyncio
import contextlib
import time
from pathlib import Path
from typing import Any

from drivers.chips import StaffCard
from drivers.errors import CardRefused
from drivers.ports import CardRecord, Fix, KeyPress
from edge.hall.hall import DeviceStatus, Hall, Trial
from edge.settings import DeviceSetting
from tests.bench.figures import Outcome, at_most, floor, seen
from tests.bench.sizes import Size
from tests.bench.stage import Stage
from tests.bench.timing import percentile
from tests.story.programs import Program, Twin, free_port
from tests.waiting import until

IDLE_S = 12.0
AWAY_S = 5.0
READY_S = 30.0
PLUGS = 3
CORE_PERCENT = 2
BACK_S = 3
LOOP_EVERY_S = 0.1


class Nobody:
    """A desk at which nobody sits: the devices are idle."""

    def __init__(self) -> None:
        self.changed = asyncio.Event()

    async def card_laid(self, device: DeviceSetting, card: CardRecord) -> None: ...
    async def card_trouble(self, device: DeviceSetting, error: CardRefused) -> None: ...
    async def chip_laid(self, device: DeviceSetting, card: object) -> None: ...
    async def staff_card(self, device: DeviceSetting, card: StaffCard | None) -> None: ...
    async def key_pressed(self, device: DeviceSetting, key: KeyPress) -> None: ...
    async def code_scanned(self, device: DeviceSetting, code: str) -> None: ...
    async def position_taken(self, device: DeviceSetting, fix: Fix) -> None: ...
    async def device_tried(self, device: DeviceSetting, trial: Trial) -> None: ...

    async def device_changed(self, device: DeviceSetting, status: DeviceStatus) -> None:
        assert status.name == device.name
        self.changed.set()

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000


class Ten:
    """Three readers, three slip printers, two A4 queues, pads and a scanner, each a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.programs: list[Program] = []
        self.settings: list[DeviceSetting] = []
        self.doors: dict[str, Twin] = {}
        for number in range(3):
            self._on_tty(f"reader-{number}", "resident_id", "id_reader", "?baud=115200")
        for number in range(3):
            self._on_port(f"printer-{number}", "receipt_printer", "receipt_printer", "tcp:127.0.0.1:{}")
        self._on_port("queue", "a4_ipp", "a4_printer", "ipp:127.0.0.1:{}/printers/hall")
        self._start(
            "folder", "a4_spool", "a4_printer", f"spool:{folder}/spool", ["--folder", f"{folder}/spool"]
        )
        self._on_tty("pads", "caller_keys", "caller_keys", "")
        self._on_tty("scanner", "qr_scanner", "qr_scanner", "")

    def _on_tty(self, name: str, module: str, kind: str, options: str) -> None:
        link = self.folder / f"{name}.tty"
        self._start(name, module, kind, f"serial:{link}{options}", ["--link", str(link)])

    def _on_port(self, name: str, module: str, kind: str, address: str) -> None:
        port = free_port()
        words = ["--port", str(port), "--out", str(self.folder / name)]
        self._start(name, module, kind, address.format(port), words)

    def _start(self, name: str, module: str, kind: str, address: str, words: list[str]) -> None:
        door = free_port()
        words = [f"drivers.devices.{module}.virtual", *words, "--control", str(door)]
        self.programs.append(Program(name, words, self.folder / f"{name}.log"))
        self.doors[name] = Twin(door)
        self.settings.append(DeviceSetting(name=name, kind=kind, address=address))  # type: ignore[arg-type]  # one of the kinds

    def ready(self) -> None:
        """Until every twin says that it is there."""
        for program in self.programs:
            until(lambda log=program.log: "ready" in log.read_text(), f"{program.name} is ready", READY_S)  # type: ignore[misc]

    def stop(self) -> None:
        for program in self.programs:
            program.stop()


def run(stage: Stage, size: Size) -> Outcome:
    """Ten devices on real wires, supervised by the hall in this process; nobody touches them, then one is pulled."""
    assert size
    folder = stage.folder / "devices"
    folder.mkdir(parents=True, exist_ok=True)
    ten = Ten(folder)
    try:
        ten.ready()
        bare = asyncio.run(_bare())
        idle, serial, network = asyncio.run(_measured(ten))
    finally:
        ten.stop()
    return Outcome(
        figures={
            "CPU of ten idle devices, share of a core": at_most(100 * idle, "%", CORE_PERCENT),
            "share over floor": seen(idle / bare, "×"),
            "serial device back after its plug, worst of three": at_most(
                percentile(serial, 100), "s", BACK_S
            ),
            "network printer back after its power, worst of three": at_most(
                percentile(network, 100), "s", BACK_S
            ),
        },
        floors={"bare loop, ten tasks waking every 0.1 s": floor(100 * bare, "%")},
        bound_by="asking three readers for a card every 0.1 s",
    )


async def _measured(ten: Ten) -> tuple[float, list[float], list[float]]:
    desk = Nobody()
    hall = Hall(tuple(ten.settings), desk)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(hall.run())
        await _all_ok(hall, desk)
        idle = await _share(IDLE_S)
        serial = [await _back(ten, hall, desk, "reader-0", "unplug", "plug") for _ in range(PLUGS)]
        network = [await _back(ten, hall, desk, "printer-0", "off", "on") for _ in range(PLUGS)]
        running.cancel()
    return idle, serial, network


async def _all_ok(hall: Hall, desk: Nobody) -> None:
    async with asyncio.timeout(READY_S):
        while not all(one.state == "ok" for one in hall.status()):
            desk.changed.clear()
            await desk.changed.wait()


async def _share(seconds: float) -> float:
    """CPU seconds of this process for each second of doing nothing."""
    cpu, begun = time.process_time(), time.perf_counter()
    await _nothing(seconds)
    return (time.process_time() - cpu) / (time.perf_counter() - begun)


async def _nothing(seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await asyncio.Event().wait()


async def _back(ten: Ten, hall: Hall, desk: Nobody, name: str, away: str, here: str) -> float:
    """Seconds from the plug going in until the device works, after it was away long enough for the longest pause."""
    await _played(ten, name, away)
    await _nothing(AWAY_S)
    await _played(ten, name, here)
    begun = time.perf_counter()
    await _all_ok(hall, desk)
    return time.perf_counter() - begun


async def _played(ten: Ten, name: str, order: str) -> None:
    answer: dict[str, Any] = await asyncio.to_thread(ten.doors[name].ask, do=order)
    assert answer["ok"], answer


async def _bare() -> float:
    """The same number of tasks that only wake up, as often as a reader is asked."""

    async def wake() -> None:
        while True:
            await _nothing(LOOP_EVERY_S)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(wake()) for _ in range(10)]
        share = await _share(IDLE_S / 2)
        for task in tasks:
            task.cancel()
    return share
