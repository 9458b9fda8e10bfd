"""The page a technician prints to see what this printer can do."""

from typing import Final

from drivers.devices.receipt_printer.protocol import Slip
from drivers.devices.receipt_printer.raster import missing

ORDINARY: Final = "王镕堃喆〇：·—“①㎡龘靐"
RARE: Final = "䶮㛃𠮷𪚥𬀩𫖯€ßñ"


def rare_characters(columns: int = 48) -> Slip:
    """Two columns: each character as the printer's ROM has it, and as dots. Where they differ, it needs dots.

    Then one line as a slip would print it, sizes, a ruler and a QR code.
    """
    slip = Slip(columns)
    slip.text("打印机测试页 Printer test page", align="centre", bold=True).rule()
    slip.text("编码        字库 ROM    点阵 dots"[: columns - 8])
    for mark in ORDINARY + RARE:
        slip.compare(mark)
    slip.rule().text(f"回执单上的写法：王{RARE}").text("倍大 Double", size=2).text("加粗 Bold", bold=True)
    lacking = missing(RARE)
    slip.text("本机字体缺字 Fonts lack: " + (" ".join(f"U+{ord(mark):05X}" for mark in lacking) or "无 none"))
    ruler = "".join("123456789|"[at % 10] for at in range(columns))
    return slip.text(ruler).qr("https://www.gov.cn/ 测试").cut()
