"""Slips as the paper reads, decoded back by the printer's twin."""

from typing import Any

import pytest

from drivers.devices.receipt_printer.layout import width
from drivers.devices.receipt_printer.protocol import decode
from edge.typeset.sheets import SlipSheet
from edge.typeset.slips import COLUMNS, slip
from edge.typeset.typesetter import Typesetter
from matters.model import Words
from tests.unit.ui import samples


def sheet(kind: Any, *lines: str, qr: str = "", number: str = "330102-1-000483") -> SlipSheet:
    return SlipSheet(
        kind=kind,
        title=Words(zh="待办回执单", en="Deferral slip"),
        lines=lines,
        qr=qr,
        status_words=Words(zh="已受理待上传：尚未办结", en="not finished"),
        number=number,
        hall="清河县市民之家",
        at_ms=samples.NOW,
    )


def read(made: SlipSheet) -> list[str]:
    return decode(slip(made))


def test_f044_a_slip_states_number_time_and_what_is_not_final():
    lines = read(sheet("deferral", "办件编号：330102-1-000483"))
    assert lines[0] == "清河县市民之家"
    assert any(line.startswith("编号") and line.endswith("330102-1-000483") for line in lines)
    assert any("2026-11-21 12:04" in line for line in lines)
    assert "▲ 已受理待上传：尚未办结" in lines
    assert lines[-1] == "[cut]"


def test_f064_every_missing_paper_stands_on_the_slip():
    missing = [f"{n}. 授权委托书：被授权人工作单位（二）第 {n} 项" for n in range(1, 15)]
    text = "".join(read(sheet("refusal", "事项：授权查询公共信用信息", *missing)))
    assert all(line.replace(" ", "") in text.replace(" ", "") for line in missing)


@pytest.mark.parametrize("kind", ["report", "deferral", "refusal", "day"])
def test_no_line_is_wider_than_the_paper(kind):
    long = "个人信用报告只能联网由征信系统出具，不得缓存。" * 4
    lines = read(sheet(kind, f"说明：{long}", long, f"很长的标签超过八个字：{long}", number="3" * 60))
    assert all(width(line) <= COLUMNS for line in lines if not line.startswith("["))


def test_the_code_on_the_slip_is_the_text_that_was_given():
    token = "YZ1." + "aB3_-x9Q" * 60
    assert f"[qr:{token}]" in read(sheet("report", qr=token))


def test_a_rare_name_is_drawn_and_an_order_in_a_name_stays_text():
    lines = read(sheet("report", "申请人：𠮷永明", "申请人：\x1dV\x00张三"))
    assert any(line.startswith("[raster:") for line in lines)
    assert lines.count("[cut]") == 1
    assert any("张三" in line for line in lines)


def test_the_typesetter_gives_the_same_bytes():
    made = sheet("day", "查询：34")
    assert Typesetter().slip(made) == slip(made)
