"""Slips on 80 and 58 mm paper: one layout for every kind, and a table of what differs."""

import re
from typing import Final

import msgspec

from drivers.devices.receipt_printer import testpage
from drivers.devices.receipt_printer.abilities import Abilities
from drivers.devices.receipt_printer.protocol import PLAIN, Slip
from edge.typeset.sheets import MARK_WORDS, SlipKind, SlipSheet
from ui.look import clock


class Layout(msgspec.Struct, frozen=True):
    """What a kind's paper says by itself: the shape before its status, its last line, its number's size."""

    shape: str
    foot: str
    number_size: int = 1


LAYOUTS: Final[dict[SlipKind, Layout]] = {
    "ticket": Layout("○", "过号请到窗口说明；下班前取的号，当天都办完。", 4),
    "report": Layout("■", "凭本单领取报告；报告内容以报告所载为准。"),
    "deferral": Layout("▲", "请妥善保管本单；办好后按所留电话通知。"),
    "refusal": Layout("◆", "补齐以上材料后，可再次申请；本单不是受理凭证。"),
    "summary": Layout("□", "本单是报告的摘要，不能代替报告。"),
}
_LABEL_MAX: Final = 8
_RULE: Final = "-"
_NUMBERED: Final = re.compile(r"(\d+\. )(.+)")
_SCAN: Final = "扫码核验真伪，不联网也可以"
_NO_CODE: Final = "本打印机不能打二维码，请凭编号核验。"


def slip(sheet: SlipSheet, able: Abilities = PLAIN) -> bytes:
    """The whole job for a printer that can do `able`, cut at the end; 10 ms at most once the fonts are read.

    Nothing is lost: long lines wrap, a `标签：值` line becomes a pair with its value at the right edge.
    """
    made, layout = Slip(able), LAYOUTS[sheet.kind]
    _mark(made, sheet)
    made.text(sheet.hall, align="centre")
    made.text(sheet.title.zh, align="centre", bold=True, size=2)
    made.rule("=")
    if layout.number_size > 1:
        size = min(layout.number_size, max(1, made.columns // len(sheet.number)))
        made.text(sheet.number, align="centre", bold=True, size=size)
    else:
        made.pair("编号", sheet.number, bold=True)
    made.pair("时间", clock(sheet.at_ms))
    made.rule()
    for line in sheet.lines:
        _line(made, line.replace("•", "*").replace(" · ", "·"))  # in a ROM both dots are two columns wide
    made.rule()
    made.text(f"{layout.shape} {sheet.status_words.zh}", bold=True)
    if sheet.qr:
        _code(made, sheet.qr)
    made.feed().text(layout.foot)
    _mark(made, sheet)
    return bytes(made.feed(2).cut())


def test_slip() -> bytes:
    """The text-test page: numbered parts that show what the printer can do (G18)."""
    return bytes(testpage.page())


def _mark(made: Slip, sheet: SlipSheet) -> None:
    """What says that this paper is worth nothing, as large as the printer can."""
    if sheet.mark:
        words = MARK_WORDS[sheet.mark]
        made.text(f"★ {words.zh} {words.en}", align="centre", bold=True, size=2)
        made.text("没有任何效力 NOT VALID", align="centre", bold=True)


def _line(made: Slip, line: str) -> None:
    """A rule, a numbered line, a pair, or text."""
    label, colon, value = line.partition("：")
    if line == _RULE:
        made.rule()
    elif numbered := _NUMBERED.fullmatch(line):
        made.hanging(numbered[1], numbered[2])
    elif colon and value and len(label) <= _LABEL_MAX and label.isalpha() and "。" not in value:
        made.pair(label, value)
    else:
        made.text(line)


def _code(made: Slip, content: str) -> None:
    """The code with its line, or the way without one."""
    if made.able.codes:
        made.feed().qr(content).feed().text(_SCAN, align="centre")
    else:
        made.text(_NO_CODE)
