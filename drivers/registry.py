"""Which driver serves which kind of device on which kind of line: the table to add a row to."""

from collections.abc import Callable
from typing import Literal, overload

import msgspec

from drivers.chips import CarrierCards, SocialCards, StaffCards
from drivers.devices.a4_ipp.driver import IppPrinter
from drivers.devices.a4_spool.driver import SpoolPrinter
from drivers.devices.caller_keys.driver import RsCallerKeys
from drivers.devices.document_camera.driver import V4l2Camera
from drivers.devices.gps.driver import NmeaReceiver
from drivers.devices.led_screen.driver import OnbonScreen
from drivers.devices.organisation_card.driver import OrganisationCardReader
from drivers.devices.qr_scanner.driver import SerialScanner
from drivers.devices.receipt_printer.driver import EscPosPrinter
from drivers.devices.resident_id.driver import SdtReader
from drivers.devices.social_card.driver import SocialCardReader
from drivers.devices.staff_card.driver import PivStaffCard
from drivers.errors import NotThisDevice
from drivers.ports import (
    CallerKeys,
    Device,
    DocumentCamera,
    IdReader,
    PositionSource,
    QrScanner,
    ReceiptPrinter,
    SheetPrinter,
    WindowScreen,
)
from drivers.wires.address import Address, parse_address
from matters.model import Words

Kind = Literal[
    "id_reader",
    "social_card",
    "organisation_card",
    "staff_card",
    "receipt_printer",
    "a4_printer",
    "caller_keys",
    "led_screen",
    "document_camera",
    "qr_scanner",
    "gps",
]


class Driver(msgspec.Struct, frozen=True, kw_only=True):
    """One row: `make` builds the device for an address without touching it; `open()` connects."""

    kind: Kind
    name: str
    schemes: tuple[str, ...]
    words: Words
    make: Callable[[Address], Device]


DRIVERS: tuple[Driver, ...] = (
    Driver(
        kind="id_reader",
        name="resident_id",
        schemes=("serial",),
        words=Words(zh="居民身份证阅读机（SDT 串口）", en="Resident ID card reader (SDT, serial)"),
        make=SdtReader,
    ),
    Driver(
        kind="social_card",
        name="social_card",
        schemes=("pcsc",),
        words=Words(zh="社会保障卡（PC/SC）", en="Social security card (PC/SC)"),
        make=SocialCardReader,
    ),
    Driver(
        kind="organisation_card",
        name="organisation_card",
        schemes=("pcsc",),
        words=Words(zh="单位证件卡（PC/SC）", en="Organisation's chip card (PC/SC)"),
        make=OrganisationCardReader,
    ),
    Driver(
        kind="staff_card",
        name="staff_card",
        schemes=("pcsc",),
        words=Words(zh="工作人员卡（PIV，PC/SC）", en="Staff card (PIV, PC/SC)"),
        make=PivStaffCard,
    ),
    Driver(
        kind="receipt_printer",
        name="receipt_printer",
        schemes=("tcp", "serial", "usb"),
        words=Words(zh="热敏回执打印机（ESC/POS）", en="Slip printer (ESC/POS)"),
        make=EscPosPrinter,
    ),
    Driver(
        kind="a4_printer",
        name="a4_ipp",
        schemes=("ipp",),
        words=Words(zh="A4 打印机（IPP/CUPS）", en="A4 printer (IPP, CUPS)"),
        make=IppPrinter,
    ),
    Driver(
        kind="a4_printer",
        name="a4_spool",
        schemes=("spool",),
        words=Words(zh="A4 打印机（打印文件夹）", en="A4 printer (spool folder)"),
        make=SpoolPrinter,
    ),
    Driver(
        kind="caller_keys",
        name="caller_keys",
        schemes=("serial",),
        words=Words(zh="呼叫器与评价器（RS-485）", en="Caller and rating pads (RS-485)"),
        make=RsCallerKeys,
    ),
    Driver(
        kind="led_screen",
        name="led_screen",
        schemes=("tcp", "serial"),
        words=Words(zh="窗口显示屏（仰邦 K 系列）", en="LED window screen (Onbon K)"),
        make=OnbonScreen,
    ),
    Driver(
        kind="document_camera",
        name="document_camera",
        schemes=("video",),
        words=Words(zh="高拍仪（V4L2）", en="Document camera (V4L2)"),
        make=V4l2Camera,
    ),
    Driver(
        kind="qr_scanner",
        name="qr_scanner",
        schemes=("serial",),
        words=Words(zh="二维码扫描枪（串口）", en="QR and bar code scanner (serial)"),
        make=SerialScanner,
    ),
    Driver(
        kind="gps",
        name="gps",
        schemes=("serial",),
        words=Words(zh="卫星定位接收机（NMEA）", en="Satellite position receiver (NMEA)"),
        make=NmeaReceiver,
    ),
)


@overload
def open_device(kind: Literal["id_reader"], address: str) -> IdReader: ...
@overload
def open_device(kind: Literal["social_card"], address: str) -> SocialCards: ...
@overload
def open_device(kind: Literal["organisation_card"], address: str) -> CarrierCards: ...
@overload
def open_device(kind: Literal["staff_card"], address: str) -> StaffCards: ...
@overload
def open_device(kind: Literal["receipt_printer"], address: str) -> ReceiptPrinter: ...
@overload
def open_device(kind: Literal["a4_printer"], address: str) -> SheetPrinter: ...
@overload
def open_device(kind: Literal["caller_keys"], address: str) -> CallerKeys: ...
@overload
def open_device(kind: Literal["led_screen"], address: str) -> WindowScreen: ...
@overload
def open_device(kind: Literal["document_camera"], address: str) -> DocumentCamera: ...
@overload
def open_device(kind: Literal["qr_scanner"], address: str) -> QrScanner: ...
@overload
def open_device(kind: Literal["gps"], address: str) -> PositionSource: ...


def open_device(kind: Kind, address: str) -> Device:
    """The device of `kind` behind `address`, ready for its `open()`; nothing is touched yet.

    Addresses are URLs: `serial:/dev/ttyUSB0?baud=115200`, `tcp:127.0.0.1:9100`. Raises NotThisDevice when no
    row serves this kind on this scheme or the address cannot be understood.
    """
    where = parse_address(address)
    for row in DRIVERS:
        if row.kind == kind and where.scheme in row.schemes:
            return row.make(where)
    raise NotThisDevice(f"no driver for {kind} on {where.scheme}:", device=address)
