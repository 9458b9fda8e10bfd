"""Slips for 80 mm paper: 48 columns, one layout for every kind; the encoder draws rare characters."""

from typing import Final

from drivers.devices.receipt_printer.protocol import Slip
from drivers.devices.receipt_printer.testpage import rare_characters
from edge.typeset.sheets import MARK_WORDS, SlipSheet
from ui.look import clock

COLUMNS: Final = 48
_LABEL_MAX: Final = 8
_MARKS: Final = {"report": "■", "deferral": "▲", "refusal": "◆", "day": "●"}
_FOOT: Final = {
    "report": "凭本单领取报告；报告内容以报告所载为准。",
    "deferral": "请妥善保管本单；办好后按所留电话通知。",
    "refusal": "补齐以上材料后，可再次申请；本单不是受理凭证。",
    "day": "本单由大厅留存。",
}
_SCAN: Final = "扫码核验真伪，不联网也可以"


def slip(sheet: SlipSheet) -> bytes:
    """The whole job, cut at the end. Nothing is lost: long lines wrap, a `标签：值` line becomes a pair."""
    made = Slip(COLUMNS)
    _mark(made, sheet)
    made.text(sheet.hall, align="centre")
    made.text(sheet.title.zh, align="centre", bold=True, size=2)
    made.rule("=")
    made.pair("编号", sheet.number, bold=True)
    made.pair("时间", clock(sheet.at_ms))
    made.rule()
    for line in sheet.lines:
        _line(made, line)
    made.rule()
    made.text(f"{_MARKS[sheet.kind]} {sheet.status_words.zh}", bold=True)
    if sheet.qr:
        made.feed().qr(sheet.qr).text(_SCAN, align="centre")
    made.feed().text(_FOOT[sheet.kind])
    _mark(made, sheet)
    return bytes(made.feed(2).cut())


def test_slip() -> bytes:
    """The text-test page: each character as the printer's own font has it and as dots (G18)."""
    return bytes(rare_characters(COLUMNS))


def _mark(made: Slip, sheet: SlipSheet) -> None:
    """What says that this paper is worth nothing, as large as the printer can."""
    if sheet.mark:
        words = MARK_WORDS[sheet.mark]
        made.text(f"★ {words.zh} {words.en} ★", align="centre", bold=True, size=2)
        made.text("没有任何效力 NOT VALID", align="centre", bold=True)


def _line(made: Slip, line: str) -> None:
    label, colon, value = line.partition("：")
    if colon and value and len(label) <= _LABEL_MAX and label.isalpha() and "。" not in value:
        made.pair(label, value)
    else:
        made.text(line)
