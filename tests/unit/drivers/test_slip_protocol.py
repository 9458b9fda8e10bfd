import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st

from drivers.devices.receipt_printer import protocol
from drivers.devices.receipt_printer.abilities import Abilities
from drivers.devices.receipt_printer.commands import Splitter
from drivers.devices.receipt_printer.decoder import LINES_MAX, Typesetter, papers
from drivers.devices.receipt_printer.layout import width
from drivers.devices.receipt_printer.protocol import Slip, decode
from drivers.devices.receipt_printer.raster import QR_MASK, Picture
from drivers.devices.receipt_printer.testpage import ORDINARY, PARTS, RARE, abilities, page, well
from drivers.errors import Garbled
from drivers.ports import PrinterState
from matters.model import Words

NO_WORDS = Words(zh="", en="")


def dots(text, offset, *, bold, size):
    return Picture(2, 3, bytes((len(text), offset, bold, size, 0x10, 0x04)))


def test_g18_chinese_stands_behind_fs_and_as_the_manuals_show():
    job = bytes(Slip().text("政务服务").cut())
    assert job == bytes.fromhex("1B40 1C26 D5FECEF1B7FECEF1 0A 1C2E 1D564200")


def test_g18_mixed_text_is_the_published_bytes():
    assert bytes.fromhex("C7EB33BAC5B4B0BFDA") in bytes(Slip().text("请3号窗口"))


def test_ascii_needs_no_chinese_mode():
    assert bytes(Slip().text("A-01").cut()) == b"\x1b@A-01\n\x1dVB\0"


def test_after_a_cut_chinese_mode_is_switched_on_again():
    job = bytes(Slip().text("一").cut().text("二").cut())
    assert job.count(b"\x1c&") == 2
    assert decode(job) == ["一", "[cut]", "二", "[cut]"]


def test_a_slip_reads_back_as_it_was_written():
    slip = Slip()
    slip.text("清河县市民之家", align="centre", bold=True, size=2).rule()
    slip.pair("编号", "330102-2026-000017").pair("说明", "本报告为离线查询结果，恢复联网后以中心确认为准。")
    slip.feed(2).text("第一行\n第二行", align="right").qr("YZ1.abc-_").text("谢谢").cut()
    assert decode(bytes(slip)) == slip.lines
    assert slip.lines[:3] == ["清河县市民之家", "-" * 48, "编号" + " " * 26 + "330102-2026-000017"]
    assert slip.lines[3:5] == ["说明", "  本报告为离线查询结果，恢复联网后以中心确认为"]


def test_style_orders_are_sent_only_when_they_change():
    job = bytes(
        Slip()
        .text("a", align="centre", bold=True, size=2)
        .text("b", align="centre", bold=True, size=2)
        .text("c")
    )
    assert (
        job
        == b"\x1b@"
        + bytes.fromhex("1B6101 1B4501 1D2111 1C5701")
        + b"a\nb\n"
        + bytes.fromhex("1B6100 1B4500 1D2100 1C5700")
        + b"c\n"
    )


@pytest.mark.parametrize("rare", ["䶮", "𠮷", "㛃"])
def test_g18_a_line_with_a_rare_character_goes_out_as_dots(rare):
    slip = Slip(draw=dots).text("王小明").text(f"王{rare}", align="right", bold=True, size=2).text("赵")
    job = bytes(slip)
    assert rare.encode("gb18030") not in job
    assert decode(job) == ["王小明", "[raster:16x3]", "赵"]
    assert papers(job)[0].pictures[0].bits[:4] == bytes((2, 40, 1, 2))


@pytest.mark.parametrize(("align", "offset"), [("left", 0), ("centre", 22), ("right", 44)])
def test_a_drawn_line_stands_where_a_printed_one_would(align, offset):
    job = bytes(Slip(draw=dots).text("王䶮", align=align))
    assert papers(job)[0].pictures[0].bits[1] == offset


def test_dots_never_hold_a_real_time_order():
    bits = bytes.fromhex("1004 1005 1014 1001 1004")
    job = bytes(Slip().picture(Picture(10, 1, bits)))
    assert not any(pair in job for pair in (b"\x10\x04", b"\x10\x05", b"\x10\x14"))
    assert papers(job)[0].pictures[0].bits == bytes.fromhex("100C 100D 101C 1001 100C")


@given(
    st.text(max_size=60), st.sampled_from(["left", "centre", "right"]), st.booleans(), st.sampled_from([1, 2])
)
def test_g18_no_text_can_become_an_order(text, align, bold, size):
    slip = Slip(draw=dots).text(text, align=align, bold=bold, size=size)
    read = decode(bytes(slip))
    assert len(read) == len(slip.lines)
    assert not any(line == "[cut]" for line in read if "[cut]" not in text)


@given(st.text("王小明张三 ABC0123·—“”，。（）㈠①ⅡΩЖ", max_size=100))
def test_g18_whatever_gbk_holds_survives_the_way_to_paper(text):
    slip = Slip().text(text)
    assert decode(bytes(slip)) == slip.lines


@pytest.mark.parametrize("size", [1, 17, 18, 480, 1952])
def test_a_qr_code_fits_the_paper_and_is_the_version_expected(size):
    content = "x" * size
    made = segno.make(content, error="l", micro=False, boost_error=False, mode="byte")
    version = int(made.version)
    for columns in (48, 32):
        job = bytes(Slip(Abilities(columns=columns)).qr(content))
        module = job[job.index(b"1C") + 2]
        assert 1 <= module <= 4
        assert module * (17 + 4 * version) <= columns * 12
    assert decode(job) == [f"[qr:{content}]"]


def test_a_comparison_holds_the_rom_character_and_its_dots_column_by_column():
    def corner(text, offset, *, bold, size):
        return Picture(1, 30, b"\x80" + bytes(22) + b"\x01" + bytes(6))

    slip = Slip(draw=corner).compare("䶮").compare("王")
    job = bytes(slip)
    assert b"U+04DAE     \xfe\x9f          \x1b*\x21\x08\x00\x80\x00\x00" in job
    assert b"\x00\x00\x01\n" in job
    assert job.count(b"\x1c&") == 1
    assert decode(job) == ["U+04DAE     □          ▦", "U+0738B     王          ▦"]
    assert slip.lines == ["U+04DAE     䶮          ▦", "U+0738B     王          ▦"]


def test_g18_the_test_page_sets_rom_and_dots_side_by_side():
    slip = page()
    lines = decode(bytes(slip))
    assert len(lines) == len(slip.lines)
    shown = [line for line in lines if line.endswith("▦")]
    assert [line[12] for line in shown] == list(ORDINARY) + ["□"] * len(RARE)
    ruler = ("1234567890" * 5)[:48].replace("0", "|")
    assert ruler in lines
    assert all(width(line) <= 32 for line in lines if line != ruler and not line.startswith("["))
    assert any(line.startswith("[raster:") for line in lines)
    titles = [f"{number} {part.title.zh} {part.title.en}" for number, part in enumerate(PARTS, start=1)]
    assert [line for line in lines if line in titles] == titles


@given(st.sets(st.sampled_from([part.field for part in PARTS])))
def test_g18_what_came_out_well_on_the_test_page_is_what_the_printer_can_do(good):
    able = abilities(good)
    assert well(able) == good
    assert (able.columns == 48) == ("columns" in good)


def test_a_code_a_printer_cannot_make_is_drawn_as_the_same_code():
    made = segno.make("YZ1.abc", error="l", micro=False, boost_error=False, mode="byte", mask=QR_MASK)
    side = len(made.matrix)
    (paper,) = papers(bytes(Slip(Abilities(columns=32, qr=False)).qr("YZ1.abc", module=3).cut()))
    (picture,) = paper.pictures
    assert (picture.across * 8, picture.down) == (384, 3 * side)
    left = (384 - 3 * side) // 2
    rows = [int.from_bytes(picture.bits[48 * 3 * y : 48 * 3 * y + 48], "big") for y in range(side)]
    seen = [[row >> (383 - left - 3 * x) & 1 for x in range(side)] for row in rows]
    assert seen == [list(row) for row in made.matrix]


def test_a_qr_code_is_the_published_orders():
    job = bytes(Slip().qr("AB"))
    assert job.endswith(
        bytes.fromhex(
            "1D286B0400 31413200 1D286B0300 314304 1D286B0300 314530 1D286B0500 315030 4142 1D286B0300 315130"
        )
    )


def test_chinese_without_chinese_mode_prints_as_garbage():
    assert decode(b"\x1b@" + "政务".encode("gb18030") + b"\n") == ["ÕþÎñ"]


def test_what_a_rom_lacks_shows_as_a_box():
    assert decode(b"\x1c&" + "王𠮷".encode("gb18030") + b"\n") == ["王□"]
    assert decode(b"\x1c&\xd5\n") == ["□"]


@pytest.mark.parametrize(
    "order",
    [
        "1B2A 21 0200 000000000000", "1B64 00", "1B70 003232", "1C32 FEA1" + "00" * 72, "1D56 01", "1D56 42 00",
        "1D6B 04 3132 00", "1D6B 49 02 3132", "1D286B 0300 314304", "1D7630 00 0100 0200 FFFF", "10 14 010001", "1B 74 00",
    ],
)  # fmt: skip
def test_every_order_is_skipped_whole_in_pieces_of_any_size(order):
    job = bytes.fromhex(order) + b"end\n"
    assert decode(job)[-1].removeprefix("▦") == "end"
    assert decode(b"x" + job)[-1].endswith("end")
    whole = [paper.lines for paper in papers(job)]
    for size in (1, 2, 3, 5):
        typesetter = Typesetter()
        splitter = Splitter()
        found = []
        for at in range(0, len(job), size):
            found += [typesetter.take(token) for token in splitter.feed(job[at : at + size])]
        found.append(typesetter.torn_off())
        assert [paper.lines for paper in found if paper is not None] == whole


@pytest.mark.parametrize("job", ["1BFF", "1D7630 00 FFFF FFFF", "1D6B 04" + "31" * 300_000])
def test_an_order_nobody_knows_or_of_impossible_size_is_passed_over(job):
    assert decode(bytes.fromhex(job) + b"\0\x1dV\0ok\n")[-1].endswith("ok")


_orders = st.sampled_from(
    [b"\x1b", b"\x1d", b"\x1c", b"\x10", b"\x1dv0", b"\x1d(k", b"\x1dk", b"\x1b*", b"\n"]
)


@given(st.lists(st.binary(max_size=200) | _orders, max_size=30))
def test_any_bytes_print_something_and_memory_stays_bounded(chunks):
    splitter, typesetter = Splitter(), Typesetter()
    for chunk in chunks:
        for token in splitter.feed(chunk):
            typesetter.take(token)
        assert splitter.pending <= 256 * 1024 + 4096
        assert typesetter.lines_printed <= LINES_MAX + 255


def test_an_endless_line_and_an_endless_paper_end():
    typesetter, splitter = Typesetter(), Splitter()
    found = []
    for _ in range(40):
        found += [typesetter.take(token) for token in splitter.feed(b"x\n" * 2000)]
    for _ in range(2200):
        found += [typesetter.take(token) for token in splitter.feed(b"x" * 20 + b"\x1c&\x1c.")]
    assert sum(len(paper.lines) for paper in found if paper) >= 78_000
    assert typesetter.lines_printed <= LINES_MAX


def test_status_requests_are_the_published_bytes():
    assert [protocol.status_request(n).hex() for n in (1, 2, 3, 4)] == [
        "100401",
        "100402",
        "100403",
        "100404",
    ]


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ("12121212", (True, "ok", False, "none", True)),
        ("1212121E", (True, "near-end", False, "none", True)),
        ("1A321272", (False, "out", False, "none", False)),
        ("1A32127E", (False, "out", False, "none", False)),
        ("1A321212", (False, "out", False, "none", False)),
        ("1A161212", (False, "ok", True, "none", False)),
        ("1A521A12", (False, "ok", False, "cutter", False)),
        ("1A523212", (False, "ok", False, "unrecoverable", False)),
        ("1A525212", (False, "ok", False, "recoverable", False)),
        ("1A121212", (False, "ok", False, "none", False)),
    ],
)
def test_g17_the_states_of_a_printer_are_read_from_its_four_answers(answers, expected):
    state = protocol.parse_status(bytes.fromhex(answers))
    assert (state.online, state.paper, state.cover_open, state.fault, state.ready) == expected
    assert state.words.zh
    assert state.next.en
    assert protocol.parse_status(protocol.status_answers(state)) == state


@pytest.mark.parametrize("answers", ["", "121212", "FF121212", "12121200", "1212121212"])
def test_an_answer_that_cannot_be_is_garbled(answers):
    with pytest.raises(Garbled):
        protocol.parse_status(bytes.fromhex(answers))


@given(st.binary(max_size=5))
def test_any_status_bytes_are_a_state_or_garbled(answers):
    try:
        state = protocol.parse_status(answers)
    except Garbled:
        return
    assert isinstance(state, PrinterState)


def test_the_two_kinds_of_answers_never_look_alike():
    assert not any(protocol.is_status(byte) and protocol.is_order_status(byte) for byte in range(256))


def test_an_unreachable_printer_is_not_ready_and_says_what_to_do():
    state = protocol.unreachable()
    assert not state.ready
    assert "电源" in state.next.zh
    assert protocol.status_answers(state)[3] == 0x12
