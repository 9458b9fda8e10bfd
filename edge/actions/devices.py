"""The device page's acts: who may test what, what a test does, and what the ledger hears of devices.

A test is an entry, whatever it shows. A card laid for a test fills no page and is shown to nobody: the page
says only that it could be read. A test sheet says that it is one and has no serial.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
import structlog

from drivers.errors import DriverError, PinNeeded
from drivers.ports import CallerKeys, CardRecord, Fix, KeyPress, WindowScreen
from edge.actions import duties
from edge.actions.node import Flapping, Node, Session
from edge.errors import LedgerUnavailable, NotThere, WrongMoment
from edge.hall import names
from edge.hall.hall import DeviceStatus, Hall
from edge.settings import DeviceSetting
from edge.store.draft import Draft
from edge.typeset.sheets import ReportSheet
from matters.model import Words

log = structlog.get_logger("devices")
TOUCH_WAIT_S: Final = 20.0
FIX_WAIT_S: Final = 10.0
QUIET_MS: Final = 60_000
"""A device that comes and goes is one fault entry a minute, with how often it went."""
TEST_NUMBER: Final = 888
SHEET_WAIT_S: Final = 20.0
SHOWN_S: Final = 5.0
MOVED_M: Final = 300.0
PLACE_EVERY_MS: Final = 600_000
EARTH_M: Final = 6_371_000.0


class DevicesSeen(msgspec.Struct, frozen=True, kw_only=True):
    """The hall's devices; `may_test` names those this person may test.

    `unused` are serial lines plugged in but not set up, `better` (device, stable name)
    where a name may change; `pictures` names cameras whose test picture may be looked at.
    """

    rows: tuple[DeviceStatus, ...]
    may_test: tuple[str, ...]
    unused: tuple[str, ...]
    better: tuple[tuple[str, str], ...]
    pictures: tuple[str, ...] = ()


async def look(node: Node, session: Session) -> DevicesSeen:
    """Every device as it is now, which of them this person may test, and serial lines nobody has set up."""
    rows = node.hall.status() if node.hall else ()
    addresses = [device.address for device in node.devices]
    return DevicesSeen(
        rows=rows,
        may_test=tuple(row.name for row in rows if duties.may_touch(session, row.window)),
        unused=names.unused(addresses),
        pictures=_fresh_pictures(node),
        better=tuple((row.name, found) for row in rows if (found := names.better(row.address))),
    )


async def try_out(node: Node, session: Session, name: str) -> None:
    """Begin the test of a device; it runs beside the page, and its end is an entry and a live event.

    A clerk tests what serves their own window or all windows, those on duty every device. Raises NotThere,
    NotAllowed (durable on the ledger), WrongMoment (a test of it runs, or the hall has not started).
    """
    hall, device = node.hall, next((one for one in node.devices if one.name == name), None)
    if hall is None or device is None:
        raise NotThere("no such device")
    await duties.touches(node, session, device.window)
    trial = TRIALS.get(device.kind, _answer)
    try:
        hall.begin_trial(name, _recorded(node, session, device, trial))
    except DriverError as error:
        raise WrongMoment(error.code, message=error.words, step=error.next) from None
    node.events.publish("status")


async def _recorded(
    node: Node,
    session: Session,
    device: DeviceSetting,
    trial: "Callable[[Node, DeviceSetting], Awaitable[Words]]",
) -> Words:
    """Run a test; its entry is durable before its result is shown."""
    outcome = "device-test-failed"
    try:
        words = await trial(node, device)
        outcome = "device-test-passed"
    except DriverError as error:
        outcome = f"device-test-failed/{error.code}"
        raise
    finally:
        draft = Draft(
            kind="mark",
            actor=session.staff,
            role=session.role,
            window=device.window or session.window,
            outcome=outcome,
            object=device.kind,
        )
        await node.store.transact(lambda tx: tx.append(draft))
    return words


def test_picture(node: Node, session: Session, name: str) -> bytes:
    """What the last test of a camera showed. Raises NotThere after some minutes, or for another's device."""
    device = next((one for one in node.devices if one.name == name), None)
    if device is None or not duties.may_touch(session, device.window) or name not in _fresh_pictures(node):
        raise NotThere("no test picture")
    return node.test_pictures[name][0]


def _fresh_pictures(node: Node) -> tuple[str, ...]:
    """Cameras whose test picture may still be shown; older ones are forgotten."""
    oldest_ms = node.now_ms() - node.settings.read_keep_s * 1000
    node.test_pictures = {name: one for name, one in node.test_pictures.items() if one[1] >= oldest_ms}
    return tuple(node.test_pictures)


# -- tests by kind --------------------------------------------------------------------------------


async def _read_card(node: Node, device: DeviceSetting) -> Words:
    """Wait for a card; nothing that stands on it is kept or shown."""
    begun = time.monotonic()
    card: CardRecord = await _hall(node).hear(device.name, TOUCH_WAIT_S)
    took_s = time.monotonic() - begun
    photo = ("有照片", "with photo") if card.photo else ("没有照片", "no photo")
    kind = _CARDS[card.record]
    return Words(
        zh=f"读卡正常：{kind.zh}，{photo[0]}，等候 {took_s:.1f} 秒。内容未保存、未显示。",
        en=f"Read well: {kind.en}, {photo[1]}, after {took_s:.1f} s. Nothing of it was kept or shown.",
    )


_CARDS: Final = {
    "citizen": Words(zh="居民身份证", en="resident ID card"),
    "J": Words(zh="港澳台居民居住证", en="residence permit (Hong Kong, Macao, Taiwan)"),
    "I": Words(zh="外国人永久居留身份证（2017）", en="foreigner's card of 2017"),
    "Y": Words(zh="外国人永久居留身份证（2023）", en="foreigner's card of 2023"),
}


async def _read_chip(node: Node, device: DeviceSetting) -> Words:
    """Wait for a chip card; only its kind is shown. No PIN is asked for."""
    card = await _hall(node).hear(device.name, TOUCH_WAIT_S)
    if isinstance(card, PinNeeded):
        return Words(
            zh="读卡器正常：卡片需要密码，测试没有试密码。",
            en="The reader works: this card needs its PIN, which was not tried.",
        )
    return Words(
        zh=f"读卡正常：{_CHIPS[device.kind].zh}。内容未保存、未显示。",
        en=f"Read well: {_CHIPS[device.kind].en}. Nothing of it was kept or shown.",
    )


_CHIPS: Final = {
    "social_card": Words(zh="社会保障卡", en="social security card"),
    "organisation_card": Words(zh="单位证件卡", en="organisation's card"),
    "staff_card": Words(zh="工作人员卡", en="staff card"),
}


async def _show(node: Node, device: DeviceSetting) -> Words:
    """Two lines on the screen for some seconds, then nothing."""
    screen: WindowScreen = _hall(node).port(device.name)
    await screen.show("测试 TEST", "显示正常 OK")
    await asyncio.sleep(SHOWN_S)
    await screen.clear()
    return Words(
        zh=f"屏幕应显示“测试 TEST”{SHOWN_S:.0f} 秒后清空，显示屏已确认。",
        en=f"The screen confirms that it showed “TEST” for {SHOWN_S:.0f} seconds and was cleared.",
    )


async def _print_slip(node: Node, device: DeviceSetting) -> Words:
    """The text-test page: numbered parts, to be answered on the page of the printers (G18)."""
    outcome = await _hall(node).print_slip(device.name, node.typesetter.test_slip())
    if outcome.confirmed:
        return Words(
            zh="打印机确认已打出测试页：请看着纸，到“打印机能力”回答五项。",
            en="The printer confirms the test page: answer its five parts under “What the printer can do”.",
        )
    state = outcome.state
    return Words(zh=f"已送出，打印机没有确认：{state.words.zh}", en=f"Sent, not confirmed: {state.words.en}")


async def _print_sheet(node: Node, device: DeviceSetting) -> Words:
    """One sheet that says it is a test; it has no serial and is no sheet of a numbered block."""
    now_ms = node.now_ms()
    number = f"TEST-{now_ms}"
    sheet = ReportSheet(
        serial=number,
        status="provisional",
        title=Words(zh="打印机测试页", en="Printer test sheet"),
        subject=(("设备", device.name),),
        groups=(),
        as_of_ms=now_ms,
        issued_ms=now_ms,
        hall=node.hall_name(),
        window=device.window or "–",
        clerk="–",
        basis="设备测试",
        purpose="设备测试",
        token=number,
        mark="test",
    )
    pdf = await node.typesetter.report(sheet)
    hall, job = _hall(node), f"test-{now_ms}"
    submitted = await hall.submit_sheet(device.name, pdf, job)
    ended = await hall.sheet_ended(device.name, job, SHEET_WAIT_S) if submitted.confirmed else None
    if ended is not None and ended.stage == "done":
        return Words(zh="打印队列报告测试页已打完。", en="The queue reports the test sheet as done.")
    said = ended.words if ended else Words(zh="队列没有确认收到", en="the queue did not confirm it")
    return Words(zh=f"已送出：{said.zh}，请看纸张。", en=f"Sent: {said.en}. Look for the paper.")


async def _press_key(node: Node, device: DeviceSetting) -> Words:
    """Sound, number and lamps on pad 1, then any key of any pad."""
    pads: CallerKeys = _hall(node).port(device.name)
    await pads.beep(1)
    await pads.show_ticket(1, TEST_NUMBER)
    await pads.ask_rating(1)
    key: KeyPress = await _hall(node).hear(device.name, TOUCH_WAIT_S)
    return Words(
        zh=f"{key.pad} 号按键器按下“{key.words.zh}”；1 号应响一声并显示 {TEST_NUMBER}。",
        en=f"Pad {key.pad} sent “{key.words.en}”; pad 1 should have beeped and shown {TEST_NUMBER}.",
    )


async def _scan(node: Node, device: DeviceSetting) -> Words:
    """Any code; only its length is shown, for it may name a person."""
    code: str = await _hall(node).hear(device.name, TOUCH_WAIT_S)
    return Words(
        zh=f"扫码正常：读到 {len(code)} 个字符。", en=f"Scanned well: {len(code)} characters were read."
    )


async def _photograph(node: Node, device: DeviceSetting) -> Words:
    """One picture of what lies under the camera, shown for some minutes and kept nowhere."""
    picture = await _hall(node).picture(device.name)
    node.test_pictures[device.name] = (picture, node.now_ms())
    return Words(
        zh=f"已拍一张（{len(picture) // 1024 + 1} kB），见下图。照片不保存。",
        en=f"One picture was taken ({len(picture) // 1024 + 1} kB), shown below. It is not kept.",
    )


async def _position(node: Node, device: DeviceSetting) -> Words:
    """The next report of the receiver."""
    fix: Fix = await _hall(node).hear(device.name, FIX_WAIT_S)
    if fix.state == "none":
        return Words(
            zh="接收机有应答，但卫星不足，暂无位置；请移到空旷处。",
            en="The receiver answers, but sees too few satellites; move into the open.",
        )
    return Words(
        zh=f"定位正常：{fix.satellites or '?'} 颗卫星。",
        en=f"Position found: {fix.satellites or '?'} satellites.",
    )


async def _answer(node: Node, device: DeviceSetting) -> Words:
    """A kind without a test of its own: it says what it is."""
    says = await _hall(node).port(device.name).describe()
    return Words(zh=f"设备应答：{says.zh}", en=f"The device answers: {says.en}")


TRIALS: Final[dict[str, Callable[[Node, DeviceSetting], Awaitable[Words]]]] = {
    "id_reader": _read_card,
    "social_card": _read_chip,
    "organisation_card": _read_chip,
    "staff_card": _read_chip,
    "receipt_printer": _print_slip,
    "a4_printer": _print_sheet,
    "caller_keys": _press_key,
    "led_screen": _show,
    "document_camera": _photograph,
    "qr_scanner": _scan,
    "gps": _position,
}
"""One row a kind; a kind without a row is asked what it is."""


def _hall(node: Node) -> Hall:
    assert node.hall is not None, "a test runs inside the hall"
    return node.hall


# -- what the ledger hears --------------------------------------------------------------------------


async def changed(node: Node, device: DeviceSetting, status: DeviceStatus) -> None:
    """A device came up or went away: pages hear of it at once, a fault is an entry.

    A device that comes and goes makes one entry a minute; the next one says how often it went meanwhile.
    """
    node.events.publish("status")
    if status.state == "ok":
        node.resting.pop(device.name, None)
        node.press_bell.set()
        return
    if status.state == "opening":
        return
    flapping = node.flapping.setdefault(device.name, Flapping())
    flapping.times += 1
    now_ms = node.now_ms()
    if flapping.entry_ms and now_ms - flapping.entry_ms < QUIET_MS:
        return
    note = status.words.en + (f" ({flapping.times} times)" if flapping.times > 1 else "")
    flapping.entry_ms, flapping.times = now_ms, 0
    await _record(
        node,
        Draft(
            kind="device.fault",
            window=device.window,
            object=device.kind,
            outcome=status.state,
            detail={"note": note},
        ),
    )


async def _record(node: Node, draft: Draft) -> None:
    try:
        await node.store.transact(lambda tx: tx.append(draft))
    except LedgerUnavailable:
        log.warning("device", device=draft.object, code="fault-not-recorded")


async def position(node: Node, device: DeviceSetting, fix: Fix) -> None:
    """Where the bus is, with the state of the fix, as an entry: the first place, then each 300 m on.

    At most one entry in ten minutes; four decimals of a degree are about 11 m.
    """
    if fix.latitude is None or fix.longitude is None:
        return
    now_ms, last = node.now_ms(), node.place
    if last is not None:
        moved_m = _metres(last[0], last[1], fix.latitude, fix.longitude)
        if moved_m < MOVED_M or now_ms - last[2] < PLACE_EVERY_MS:
            return
    node.place = (fix.latitude, fix.longitude, now_ms)
    note = f"{fix.latitude:.4f},{fix.longitude:.4f} {fix.state} satellites={fix.satellites}"
    await _record(
        node,
        Draft(
            kind="mark", window=device.window, outcome="position", object=device.kind, detail={"note": note}
        ),
    )


def _metres(latitude: float, longitude: float, to_latitude: float, to_longitude: float) -> float:
    """The way between two near places on a sphere, flat enough below some hundred kilometres."""
    north = math.radians(to_latitude - latitude)
    east = math.radians(to_longitude - longitude) * math.cos(math.radians(latitude))
    return EARTH_M * math.hypot(north, east)


def told(node: Node, device: DeviceSetting, what: str, **said: Any) -> None:
    """A key or code, as a live event to its window, without its contents."""
    node.events.publish("status", {"window": device.window, "device": device.kind, "what": what, **said})
