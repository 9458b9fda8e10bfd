"""screen: fifty windows turning pages, twenty displays, two hundred event streams on one node; and devices heard."""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from tests.bench import counter
from tests.bench.figures import Outcome, at_most, floor, seen
from tests.bench.hearing import Browser
from tests.bench.machine import using
from tests.bench.sizes import Size
from tests.bench.stage import Stage
from tests.bench.timing import percentile
from tests.story import outside
from tests.story.programs import Program, Twin, free_port
from tests.story.world import Place
from tests.waiting import until

DISPLAYS = 20
STREAMS = 200
PAGE_MS = 120
EVENT_MS = 300
CARD_MS = 300
CARD_BYTES = 1295
BAUD = 115_200
WIRE_MS = CARD_BYTES * 10_000 / BAUD
TURN_EVERY_S = 4.0
DEVICE_EVERY_S = 1.0
READY_S = 120.0
PAGES = ("/", "/cases", "/prints", "/tasks", "/devices")


class Devices:
    """A reader and a pad at each of a few windows, each a process of its own on a real tty."""

    def __init__(self, folder: Path, windows: list[str]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.windows = windows
        self.readers: dict[str, Twin] = {}
        self.pads: dict[str, Twin] = {}
        self.programs: list[Program] = []
        self.text = ""
        for window in windows:
            options = f"?baud={BAUD}"
            self.readers[window] = self._start(folder, window, "resident_id", "id_reader", options)
            self.pads[window] = self._start(folder, window, "caller_keys", "caller_keys", "")

    def _start(self, folder: Path, window: str, module: str, kind: str, options: str) -> Twin:
        link, door, name = folder / f"{kind}-{window}.tty", free_port(), f"{kind} {window}"
        words = [f"drivers.devices.{module}.virtual", "--link", str(link), "--control", str(door)]
        self.programs.append(Program(name, words, folder / f"{kind}-{window}.log"))
        self.text += f'\n[[devices]]\nname = "{name}"\nkind = "{kind}"\naddress = "serial:{link}{options}"\n'
        self.text += f'window = "{window}"\n'
        until(link.is_symlink, f"{name} is there", READY_S)
        return Twin(door)

    def stop(self) -> None:
        for program in self.programs:
            program.stop()


class Heard(msgspec.Struct):
    """Samples of a run, in milliseconds; `node_s` is what the node's processor spent."""

    pages: list[float] = []
    keys: list[float] = []
    cards: list[float] = []
    node_s: float = 0.0


def run(stage: Stage, size: Size) -> Outcome:
    """Everybody works for a while: pages turned, cards laid, keys pressed; what each took."""
    alone, heard = _measured(stage, size, (1, size.screens))
    return Outcome(
        figures={
            "page, p95": at_most(percentile(heard.pages, 95), "ms", PAGE_MS),
            "page, p50": seen(percentile(heard.pages, 50), "ms"),
            "key pressed to that window's screen, p95": at_most(percentile(heard.keys, 95), "ms", EVENT_MS),
            "key pressed to that window's screen, p50": seen(percentile(heard.keys, 50), "ms"),
            "card laid to filled page, p95": at_most(percentile(heard.cards, 95), "ms", CARD_MS + WIRE_MS),
            "card laid to filled page, p50": seen(percentile(heard.cards, 50), "ms"),
            "processor of the node": seen(100 * heard.node_s / size.screen_s, "%"),
        },
        floors={
            "page, one window and nobody else, p50": floor(percentile(alone.pages, 50), "ms"),
            "key to screen, one window and nobody else, p50": floor(percentile(alone.keys, 50), "ms"),
            "card to filled page, one window and nobody else, p50": floor(percentile(alone.cards, 50), "ms"),
        },
        bound_by="one process that renders every page and region in Python, one at a time",
    )


def card(stage: Stage, size: Size) -> Outcome:
    """One window and nobody else: from the hand that lays the card to the page that says the name."""
    (alone,) = _measured(stage, size, (1,))
    return Outcome(
        figures={
            "card laid to filled page, p95": at_most(percentile(alone.cards, 95), "ms", CARD_MS + WIRE_MS),
            "card laid to filled page, p50": seen(percentile(alone.cards, 50), "ms"),
        },
        floors={f"the card's {CARD_BYTES:,} bytes at {BAUD:,} baud": floor(WIRE_MS, "ms")},
        bound_by="the wire, and the reader that is asked for a card every 0.1 s",
    )


def _measured(stage: Stage, size: Size, crowds: tuple[int, ...]) -> list[Heard]:
    """The hall with devices at a few windows, worked in by each number of windows in turn."""
    place = stage.equipped
    devices = Devices(stage.folder / "screen", [str(number + 1) for number in range(size.device_windows)])
    settings = place.data / "settings.toml"
    plain = settings.read_text("utf-8")
    settings.write_text(plain + devices.text, "utf-8")
    people = counter.citizens(stage, size.device_windows)
    place.serve()
    assert place.program is not None
    found = []
    try:
        _all_open(stage, place)
        for windows in crowds:
            with using(place.program.process.pid) as node:
                heard = asyncio.run(_everybody(stage, size, place, devices, people, windows=windows))
            heard.node_s = node.seconds
            found.append(heard)
    finally:
        place.program.stop()
        devices.stop()
        settings.write_text(plain, "utf-8")
    return found


def _all_open(stage: Stage, place: Place) -> None:
    place.clerk.sign_in("clerk.1", stage.password, "1").raise_for_status()
    until(
        lambda: all(one["state"] == "ok" for one in place.clerk.status()["devices"]), "devices open", READY_S
    )


async def _everybody(
    stage: Stage, size: Size, place: Place, devices: Devices, people: list[dict[str, str]], windows: int
) -> Heard:
    """`windows` clerks at work for a while, with every other stream of the hall open beside them."""
    heard = Heard()
    clerks = {}
    for number in range(windows):
        clerk = clerks[str(number + 1)] = Browser(place.url, str(number + 1))
        await clerk.sign_in(f"clerk.{number + 1}", stage.password)
    listening = [clerks[str(number % windows + 1)] for number in range(STREAMS if windows > 1 else 1)]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one.live(regions=True)) for one in clerks.values()]
        tasks += [
            group.create_task(one.live(regions=number < DISPLAYS))
            for number, one in enumerate(listening[windows:])
        ]
        tasks += [
            group.create_task(_turn(clerk, heard.pages, place_of / windows))
            for place_of, clerk in enumerate(clerks.values())
        ]
        async with asyncio.timeout(READY_S):
            for clerk in clerks.values():
                await clerk.hears.wait()
        keyed = [window for window in devices.windows if window in clerks]
        rounds = itertools.cycle(enumerate(keyed))
        end = time.perf_counter() + size.screen_s
        while time.perf_counter() < end:
            at, window = next(rounds)
            await _pressed(clerks[window], devices.pads[window], heard.keys)
            await _laid(clerks[window], devices.readers[window], people[at], heard.cards)
            await _rest(DEVICE_EVERY_S)
        for task in tasks:
            task.cancel()
    for clerk in clerks.values():
        await clerk.close()
    return heard


async def _turn(clerk: Browser, samples: list[float], phase: float) -> None:
    """One page after the other at a clerk's pace, none together with another window's."""
    await _rest(phase * TURN_EVERY_S)
    for path in itertools.cycle(PAGES):
        samples.append(await clerk.page(path))
        await _rest(TURN_EVERY_S)


async def _pressed(clerk: Browser, pad: Twin, samples: list[float]) -> None:
    press = lambda: _played(pad, do="press", pad=1, key="call")  # noqa: E731 -- one act, named
    await _until_shown(clerk, "strip", press, samples)


async def _laid(clerk: Browser, reader: Twin, person: dict[str, str], samples: list[float]) -> None:
    card = outside.card_of(person)
    lay = lambda: _played(reader, do="lay", card=card)  # noqa: E731 -- one act, named
    await _until_shown(clerk, "identity", lay, samples, wanted=person["name"])
    await _played(reader, do="lift")
    await clerk.post("/serve/finish")


async def _played(twin: Twin, **order: object) -> None:
    answer = await asyncio.to_thread(lambda: twin.ask(**order))
    assert answer["ok"], answer


async def _until_shown(
    clerk: Browser, region: str, act: Callable[[], Awaitable[object]], samples: list[float], wanted: str = ""
) -> None:
    """Milliseconds from an act at a device until the window's page has that region anew (saying `wanted`)."""
    shown = clerk.wait_for(region, wanted)
    begun = time.perf_counter()
    await act()
    async with asyncio.timeout(READY_S):
        samples.append((await shown - begun) * 1000)


async def _rest(seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await asyncio.Event().wait()
    except TimeoutError:
        return
