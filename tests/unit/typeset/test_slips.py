"""Slips as the paper reads, decoded back by the printer's twin."""

from typing import Any

import pytest

from drivers.devices.receipt_printer.abilities import Abilities
from drivers.devices.receipt_printer.layout import width
from drivers.devices.receipt_printer.protocol import decode
from edge.typeset.sheets import SlipSheet
from edge.typeset.slips import LAYOUTS, slip
from edge.typeset.typesetter import Typesetter
from matters.model import Words
from tests.unit.typeset import strips
from tests.unit.typeset.plotter import plot
from tests.unit.ui import samples

STRIPS = strips.jobs()


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


@pytest.mark.parametrize("name", STRIPS)
def test_g18_a_strip_reads_as_its_golden_file_and_fits_its_paper_dot_by_dot(name):
    job, able = STRIPS[name]
    written = (strips.GOLDEN / f"{name}.txt").read_text(encoding="utf-8")
    assert strips.text(job) == written, "look at it (tests.unit.typeset.strips), then write it anew"
    picture = plot(job, able.columns)
    assert picture.width == able.dots + 48
    edges = [
        picture.crop((0, 0, 24, picture.height)),
        picture.crop((24 + able.dots, 0, picture.width, picture.height)),
    ]
    assert all(edge.getextrema() == (255, 255) for edge in edges), "nothing on the margins"


def test_every_kind_of_slip_has_a_golden_file_on_both_papers_and_none_is_left_over():
    assert {path.stem for path in strips.GOLDEN.glob("*.txt")} == set(STRIPS)
    assert {f"{kind}-{columns}" for kind in LAYOUTS for columns in (48, 32)} <= set(STRIPS)


@pytest.mark.parametrize("columns", [48, 32])
@pytest.mark.parametrize("kind", LAYOUTS)
def test_no_line_is_wider_than_the_paper(kind, columns):
    long = "个人信用报告只能联网由征信系统出具，不得缓存。" * 4
    made = sheet(kind, f"说明：{long}", long, f"很长的标签超过八个字：{long}", f"1. {long}", number="3" * 60)
    lines = decode(slip(made, Abilities(columns=columns)))
    assert all(width(line) <= columns for line in lines if not line.startswith("["))


def test_amounts_stand_at_the_right_edge_and_a_long_address_below_its_label():
    lines = decode(slip(strips.SHEETS[1], strips.NARROW))
    assert "收费" + " " * 20 + "10.00 元" in lines
    at = lines.index("住址")
    assert all(line.startswith("  ") for line in lines[at + 1 : at + 4])


def test_g18_a_printer_without_dots_says_the_code_point_and_the_way_without_a_code():
    job, able = STRIPS["report-no-dots"]
    assert not able.codes
    text = strips.text(job)
    assert "王〔4DAE〕国" in text
    assert "凭编号核验" in text.replace("\n", "")
    assert b"\x1dv0" not in job
    assert b"\x1dV" not in job, "no knife: fed out to be torn"


def test_g18_a_printer_without_chinese_or_codes_gets_them_as_dots():
    job, _ = STRIPS["report-no-chinese"]
    assert b"\x1c&" not in job
    assert b"\x1d(k" not in job
    assert all(byte < 0x80 for line in decode(job) for byte in line.encode())


def test_the_code_on_the_slip_is_the_text_that_was_given():
    token = "YZ1." + "aB3_-x9Q" * 60
    assert f"[qr:{token}]" in read(sheet("report", qr=token))


def test_a_rare_name_is_drawn_and_an_order_in_a_name_stays_text():
    lines = read(sheet("report", "申请人：𠮷永明", "申请人：\x1dV\x00张三"))
    assert any(line.startswith("[raster:") for line in lines)
    assert lines.count("[cut]") == 1
    assert any("张三" in line for line in lines)


def test_the_typesetter_gives_the_same_bytes():
    made = sheet("refusal", "查询：34")
    assert Typesetter().slip(made) == slip(made)
