"""The page that finds out what a slip printer can do: numbered parts, each with a question a person answers.

Every part asks for the thing itself (the ROM's Chinese, dots, the order for a QR code, a line of 48, the
knife), whatever was answered before; the ruler is 48 columns on any paper, all else fits 32.
"""

from collections.abc import Collection
from typing import Final, Literal

import msgspec

from drivers.devices.receipt_printer.abilities import Abilities
from drivers.devices.receipt_printer.protocol import PLAIN, Slip
from drivers.devices.receipt_printer.raster import missing
from matters.model import Words

ORDINARY: Final = "王镕堃喆〇：·—“①㎡龘靐"
RARE: Final = "䶮㛃𠮷𪚥𬀩𫖯€ßñ"
NARROW: Final = 32
_HEAD: Final = "打印机测试页 Printer test page"
_RARE_NAME: Final = "王䶮㛃𠮷"
_SAMPLE: Final = "https://www.gov.cn/ 测试"
_RULER: Final = "".join("123456789|"[at % 10] for at in range(PLAIN.columns))


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One part of the page: its number is printed before `title`; `ask` is answered with yes or no."""

    field: Literal["chinese", "raster", "qr", "columns", "cut"]
    title: Words
    ask: Words


PARTS: Final = (
    Part(
        field="chinese",
        title=Words(zh="中文", en="Chinese"),
        ask=Words(
            zh="“字库”一列的前几个字和点阵一样，不是乱码",
            en="The first characters of column ROM are those of column dots, not garbage",
        ),
    ),
    Part(
        field="raster",
        title=Words(zh="点阵", en="Dots"),
        ask=Words(zh=f"看得清“{_RARE_NAME}”四个字", en=f"The four characters {_RARE_NAME} can be read"),
    ),
    Part(
        field="qr",
        title=Words(zh="二维码", en="QR code"),
        ask=Words(zh="有一个二维码，不是一串字符", en="There is a QR code, not a row of characters"),
    ),
    Part(
        field="columns",
        title=Words(zh="标尺", en="Ruler"),
        ask=Words(zh="标尺在一行内（80 mm 纸）", en="The ruler is one line (80 mm paper)"),
    ),
    Part(
        field="cut",
        title=Words(zh="切纸", en="Cut"),
        ask=Words(zh="纸已自动切断", en="The paper was cut by itself"),
    ),
)


def abilities(good: Collection[str]) -> Abilities:
    """What the printer can do, from the fields of the parts that came out well."""
    can = {part.field: part.field in good for part in PARTS}
    columns = can.pop("columns")
    return Abilities(columns=48 if columns else 32, **can)


def well(able: Abilities) -> frozenset[str]:
    """The fields of the parts that come out well on such a printer."""
    fields = {"columns"} if able.columns == PLAIN.columns else set()
    return frozenset(fields | {part.field for part in PARTS if getattr(able, part.field) is True})


def page() -> Slip:
    """The page as a job, cut at the end."""
    slip = Slip().text(_HEAD, align="centre", bold=True)
    for number, part in enumerate(PARTS, start=1):
        slip.text("-" * NARROW).text(f"{number} {part.title.zh} {part.title.en}", bold=True)
        match part.field:
            case "chinese":
                _chinese(slip)
            case "raster":
                slip.text(_RARE_NAME)
            case "qr":
                slip.feed().qr(_SAMPLE).feed()
            case "columns":
                slip.text(_RULER)
            case "cut":
                slip.cut()
    return slip


def _chinese(slip: Slip) -> None:
    """Two columns: each character as the printer's ROM has it, and as dots."""
    slip.text("编码        字库 ROM    点阵")
    for mark in ORDINARY + RARE:
        slip.compare(mark)
    lacking = " ".join(f"U+{ord(mark):05X}" for mark in missing(RARE)) or "无 none"
    slip.text(f"本机字体缺字 {lacking}").text("倍大 Double", size=2).text("加粗 Bold", bold=True)
