"""The A4 report, set by the real worker process with the fonts of the system."""

import io
import json
import os
import re
import signal
from typing import Any

import pytest
import pytest_asyncio
from pypdf import PdfReader

from edge.errors import TypesetFailed
from edge.typeset import paper
from edge.typeset.sheets import ReportSheet
from edge.typeset.typesetter import Typesetter
from matters.model import Words
from sync.messages.token import sign_file
from sync.signing.keys import SigningKey
from tests.unit.ui import samples

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOKEN = "YZ1." + "aB3_-x9Q" * 60


def sheet(**more: object) -> ReportSheet:
    fields: dict[str, Any] = {
        "serial": "330102-2026-L-00231", "status": "provisional", "title": Words(zh="公共信用信息查询报告", en="Public credit report"),
        "subject": (("姓名", "王䶮国"), ("证件号码", "330102196203074516")), "groups": samples.GROUPS,
        "as_of_ms": samples.NOW - 9_000_000, "issued_ms": samples.NOW, "hall": "清河县市民之家", "window": "3", "clerk": "李敏",
        "basis": "本人查询（公共信用信息查询管理暂行办法 第七条）", "purpose": "本人查询", "token": TOKEN,
    }  # fmt: skip
    return ReportSheet(**{**fields, **more})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def press():
    typesetter = Typesetter()
    await typesetter.start()
    yield typesetter
    await typesetter.close()


def text_of(pdf: bytes) -> str:
    """All text of the file without blanks (the typesetter spaces Chinese and Latin)."""
    return re.sub(r"\s", "", "".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages))


async def test_g05_a_report_says_of_each_group_how_old_it_is_and_where_it_comes_from(press):
    text = text_of(await press.report(sheet()))
    assert "▲临时" in text
    assert "数据截至2026-11-2109:34（出具时2小时30分前）" in text
    assert "●新鲜·2小时30分前" in text
    assert "▲将过期·2天13小时前" in text
    assert "来源市文明办·截至2026-11-1823:04·72小时内可用，联网后由中心确认" in text
    assert "离线期间未核验，未取得可用的信息。" in text
    assert "第1页共" in text


async def test_g05_every_page_says_its_status_how_old_it_is_and_which_copy(press):
    made = await press.report(sheet(groups=samples.GROUPS * 2, copy_no=2))
    pages = [re.sub(r"\s", "", page.extract_text()) for page in PdfReader(io.BytesIO(made)).pages]
    assert len(pages) > 1
    for page in pages:
        assert "▲临时数据截至2026-11-2109:34（出具时2小时30分前）补打第1次" in page
        assert "编号330102-2026-L-00231" in page


async def test_f035_a_report_has_a_line_to_sign_for_it(press):
    assert "签收人（签字）" in text_of(await press.report(sheet()))


async def test_a_final_report_says_so_and_a_reprint_is_counted_on_paper(press):
    text = text_of(await press.report(sheet(status="final", copy_no=3)))
    assert "■正式" in text
    assert "补打第2次" in text


async def test_equal_sheets_are_equal_files_even_from_another_process(press):
    other = Typesetter()
    try:
        assert await other.report(sheet()) == await press.report(sheet())
    finally:
        await other.close()


async def test_the_place_of_the_signature_stands_raw_in_the_file_and_is_filled_in(press):
    pdf = await press.report(sheet())
    assert pdf.count(paper.PLACEHOLDER) == 2, "once in the document information, once in the XMP metadata"
    assert pdf.count(b"yzt:" + TOKEN.encode()) == 2
    signed = sign_file(pdf, SigningKey.generate())
    assert len(signed) == len(pdf)
    assert paper.PLACEHOLDER not in signed
    stated = PdfReader(io.BytesIO(signed)).metadata
    assert "yzf:" in str(stated["/Keywords"] if stated else "")


async def test_the_file_is_pdf_a_2u_in_chinese(press):
    pdf = await press.report(sheet())
    assert b"<pdfaid:part>2</pdfaid:part>" in pdf
    assert b"<pdfaid:conformance>U</pdfaid:conformance>" in pdf
    reader = PdfReader(io.BytesIO(pdf))
    assert str(reader.root_object["/Lang"]).startswith("zh")
    assert all(page.mediabox.width == pytest.approx(595.276, abs=0.01) for page in reader.pages)


async def test_markup_in_a_name_is_printed_and_never_obeyed(press):
    name = '#read("/etc/passwd") *粗* $x$ <a> \\u{41}'
    text = text_of(await press.report(sheet(subject=(("姓名", name),))))
    assert re.sub(r"\s", "", name) in text.replace("“", '"').replace("”", '"')


async def test_a_rare_name_is_printed_and_a_character_no_font_has_is_named(press):
    pdf = await press.report(sheet(subject=(("姓名", "𠮷䶮㛃𪚥\ufdfd"),)))
    text = text_of(pdf)
    assert "𠮷䶮㛃𪚥〓" in text
    assert "U+FDFD" in text


async def test_a_long_report_runs_over_pages_and_counts_them(press):
    many = samples.group(
        "licence", "行政许可", "Licences", 60, "fresh", *(f"第{i}号许可" for i in range(120))
    )
    pdf = await press.report(sheet(groups=(many,)))
    pages = PdfReader(io.BytesIO(pdf)).pages
    assert len(pages) >= 3
    assert f"第{len(pages)}页共{len(pages)}页" in re.sub(r"\s", "", pages[-1].extract_text())


async def test_the_worker_is_replaced_after_its_share_of_sheets():
    typesetter = Typesetter(compiles_max=2)
    try:
        await typesetter.report(sheet())
        first = typesetter.worker
        await typesetter.report(sheet())
        assert typesetter.worker is None
        await typesetter.report(sheet())
        assert typesetter.worker not in {None, first}
    finally:
        await typesetter.close()


async def test_a_worker_that_dies_is_a_stated_trouble_and_the_next_sheet_is_set():
    typesetter = Typesetter()
    try:
        await typesetter.report(sheet())
        assert typesetter.worker
        os.kill(typesetter.worker, signal.SIGSTOP)
        os.kill(typesetter.worker, signal.SIGKILL)
        with pytest.raises(TypesetFailed):
            await typesetter.report(sheet())
        assert (await typesetter.report(sheet())).startswith(b"%PDF")
    finally:
        await typesetter.close()


async def test_a_machine_without_the_fonts_is_told_which_to_install(tmp_path):
    with pytest.raises(TypesetFailed, match="fonts-noto-cjk"):
        await Typesetter(tmp_path).start()


async def test_a_sheet_beyond_all_measure_is_refused(press):
    with pytest.raises(TypesetFailed, match="too long"):
        await press.report(sheet(purpose="长" * 2_000_000))


async def test_what_the_worker_is_told_holds_no_formatting():
    texts = paper.texts(sheet())
    assert json.loads(json.dumps(texts, ensure_ascii=False)) == texts
