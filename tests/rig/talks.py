"""One conversation for each driver whose line can be recorded: what is done with the device, and the file of it.

`python -m tests.rig.talks` records all of them anew from the twins. Recordings of hardware are added as files
of their own beside them.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from drivers.devices.a4_ipp.virtual import VirtualQueue
from drivers.devices.a4_spool.protocol import FOLDERS
from drivers.devices.a4_spool.virtual import VirtualSpool
from drivers.devices.caller_keys.virtual import VirtualPads
from drivers.devices.document_camera.virtual import VirtualCamera, drawn
from drivers.devices.gps.virtual import VirtualReceiver
from drivers.devices.led_screen.virtual import VirtualScreen
from drivers.devices.organisation_card.virtual import VirtualOrganisationCard
from drivers.devices.qr_scanner.virtual import VirtualScanner
from drivers.devices.receipt_printer.protocol import Slip
from drivers.devices.receipt_printer.virtual import VirtualPrinter
from drivers.devices.resident_id.virtual import VirtualReader
from drivers.devices.social_card import protocol as social_card
from drivers.devices.social_card.virtual import VirtualSocialCard
from drivers.devices.staff_card.virtual import VirtualStaffCard
from drivers.registry import open_device
from drivers.wires.address import parse_address
from drivers.wires.conversation import (
    Conversation,
    Recorder,
    parse_conversation,
    recorded_answers,
    replayed_answers,
)
from drivers.wires.folder_conversation import FolderRecorder, FolderReplay
from drivers.wires.vpcd_line import CardLine
from tests.rig.bench import soon
from tests.rig.card_daemon import CardInDaemon
from tests.rig.cups_queue import CupsQueue
from tests.unit.drivers.samples import CITIZEN, HERE, ORGANISATION, SOCIAL

FOLDER = Path(__file__).parent / "conversations"
PLACE = "127.0.0.1:00000"
TWIN = "its twin, not from hardware"
PDF = b"%PDF-1.7\nrecorded\n%%EOF\n"
SLIP = bytes(Slip().text("政务服务").text("请到 3 号窗口").cut())

Use = Callable[[Any], Awaitable[object]]


class Talk(msgspec.Struct, frozen=True):
    """One row: the driver's kind and name, its twin, what makes the twin speak, and the use of the device."""

    kind: Any
    name: str
    twin: Callable[[], Any]
    stir: Callable[[Any], object]
    use: Use
    speaks: bool = False
    scheme: str = "serial"
    rest: str = ""
    path: Callable[[Any], str] = lambda twin: twin.path
    of: str = TWIN
    done: Callable[[Any], object] = lambda _: True


async def print_sheet(device: Any) -> tuple[object, ...]:
    """Hand a sheet over, find it, read its end back."""
    handed = await device.submit(PDF, "sheet-0001")
    found = await device.find("sheet-0001")
    return handed, found, await device.finished(handed.job, 10.0), await device.status()


TALKS = (
    Talk(
        "id_reader",
        "resident_id",
        VirtualReader,
        lambda twin: twin.lay(CITIZEN),
        lambda device: device.read_card(2.0),
    ),
    Talk(
        "receipt_printer",
        "receipt_printer",
        lambda: VirtualPrinter(tty=True),
        lambda _: None,
        lambda device: device.print(SLIP),
    ),
    Talk(
        "led_screen",
        "led_screen",
        VirtualScreen,
        lambda _: None,
        lambda device: device.show("请 A012 号", "到 3 号窗口"),
    ),
    Talk(
        "caller_keys",
        "caller_keys",
        VirtualPads,
        lambda twin: twin.press("call", pad=4),
        lambda device: device.next_key(2.0),
        speaks=True,
        done=lambda twin: twin.acknowledged == {4: 1},
    ),
    Talk(
        "qr_scanner",
        "qr_scanner",
        VirtualScanner,
        lambda twin: twin.scan("YZ1.abc"),
        lambda device: device.next_code(2.0),
        speaks=True,
    ),
    Talk(
        "document_camera",
        "document_camera",
        VirtualCamera,
        lambda twin: twin.look(drawn("ID copy")),
        lambda device: device.picture(2.0),
        scheme="video",
    ),
    Talk(
        "gps",
        "gps",
        VirtualReceiver,
        lambda twin: twin.at(HERE),
        lambda device: device.next_fix(2.0),
        speaks=True,
    ),
    Talk(
        "a4_printer",
        "a4_ipp",
        VirtualQueue,
        lambda _: None,
        print_sheet,
        scheme="ipp",
        rest="/printers/hall",
        path=lambda queue: f"127.0.0.1:{queue.port}",
    ),
)
CUPS_TALK = msgspec.structs.replace(
    TALKS[-1], name="a4_ipp-cups", of="a real cupsd, whose printer is a script", path=lambda queue: queue.host
)


async def talk(row: Talk, path: str, stir: Callable[[], object]) -> object:
    """Open the device at the end of a line, make it speak, use it once; what came of it."""
    device = open_device(row.kind, f"{row.scheme}:{path}{row.rest}")
    await device.open()
    stir()
    result = await row.use(device)
    await device.close()
    return result


async def record(row: Talk) -> tuple[str, object]:
    """The conversation with the twin as text, and what came of it."""
    twin = row.twin()
    await twin.start()
    try:
        return await record_from(row, twin)
    finally:
        await twin.stop()


async def record_cups() -> tuple[str, object]:
    """The conversation with a real cupsd as text, and what came of it."""
    async with CupsQueue() as queue:
        return await record_from(CUPS_TALK, queue)


async def record_from(row: Talk, twin: Any) -> tuple[str, object]:
    """The conversation with what stands at the other end."""
    options = "?baud=115200" if row.scheme == "serial" else ""
    recorder = Recorder(parse_address(f"{row.scheme}:{row.path(twin)}{row.rest}{options}"))
    recorder.conversation.words = f"{row.name}: recorded from {row.of}"
    await recorder.start()
    result = await talk(row, recorder.end.path, lambda: row.stir(twin))
    await soon(lambda: row.done(twin))
    await recorder.stop()
    return recorder.conversation.moved(recorder.end.path, PLACE).text(), result


async def record_folder() -> tuple[str, object]:
    """The conversation with the folder's twin as text, and what came of it."""
    with TemporaryDirectory() as place:
        twin = VirtualSpool(Path(place) / "hall")
        await twin.start()
        recorder = FolderRecorder(twin.folder)
        recorder.conversation.words = f"a4_spool: recorded from {TWIN}"
        await recorder.start()
        result = await folder_talk(twin.folder)
        await recorder.stop()
        await twin.stop()
    return recorder.conversation.text(), result


async def replay_folder(text: str, folder: Path) -> tuple[object, FolderReplay]:
    """What came of a recorded conversation, and the printer that did its part of it again."""
    for part in FOLDERS:
        (folder / part).mkdir(parents=True)
    replay = FolderReplay(parse_conversation(text), folder)
    await replay.start()
    result = await folder_talk(folder)
    await replay.stop()
    return result, replay


async def folder_talk(folder: Path) -> object:
    """One sheet printed from the folder; what came of it."""
    device = open_device("a4_printer", f"spool:{folder}")
    await device.open()
    try:
        return await print_sheet(device)
    finally:
        await device.close()


class CardTalk(msgspec.Struct, frozen=True):
    """One row of chip cards: their conversation is commands and answers."""

    kind: Any
    name: str
    twin: Callable[[], Any]
    use: Use


CARD_TALKS = (
    CardTalk(
        "social_card",
        "social_card",
        lambda: VirtualSocialCard(card=SOCIAL),
        lambda device: device.read_card(3.0, "123456"),
    ),
    CardTalk(
        "organisation_card",
        "organisation_card",
        lambda: VirtualOrganisationCard(card=ORGANISATION),
        lambda device: device.read_card(3.0),
    ),
    CardTalk("staff_card", "staff_card", VirtualStaffCard, lambda device: device.present(3.0)),
)


async def card_talk(row: CardTalk, card: Any) -> object:
    """Lay a card in a reader of a real pcscd and use it once; what came of it."""
    twin = CardInDaemon(card)
    await twin.start()
    device = open_device(row.kind, "pcsc:*")
    await device.open()
    card.line.lay()
    try:
        return await row.use(device)
    finally:
        await device.close()
        await twin.stop()


async def record_card(row: CardTalk) -> tuple[str, object]:
    """The conversation with the virtual card as text, and what came of it."""
    conversation = Conversation(f"{row.name}: recorded from {TWIN}")
    card = row.twin()
    card.line.answer = recorded_answers(card.answer, conversation)
    result = await card_talk(row, card)
    return conversation.text(), result


class ReplayedCard:
    """A card that answers as a recording says."""

    def __init__(self, conversation: Conversation) -> None:
        self.line = CardLine(replayed_answers(conversation), lambda: None, port=0, atr=social_card.ATR)
        self.start = self.line.start
        self.stop = self.line.stop


async def record_all() -> None:
    texts = {row.name: (await record(row))[0] for row in TALKS}
    texts["a4_spool"], _ = await record_folder()
    texts[CUPS_TALK.name], _ = await record_cups()
    texts |= {row.name: (await record_card(row))[0] for row in CARD_TALKS}
    for name, text in texts.items():
        (FOLDER / f"{name}.txt").write_text(text, "utf-8")


if __name__ == "__main__":
    asyncio.run(record_all())
