"""report: an A4 report of two pages through the typesetter's worker, a slip for the 80 mm printer; against typst alone."""

import asyncio
import io
import json
from datetime import UTC, datetime

import typst
from pypdf import PdfReader

from drivers.devices.receipt_printer.abilities import Abilities
from edge.typeset import paper, worker
from edge.typeset.sheets import ReportSheet, SlipSheet
from edge.typeset.typesetter import FONT_FOLDERS, Typesetter
from matters import sample
from matters.catalogue.load import builtin
from matters.groups import groups
from matters.model import Words
from tests.bench.figures import Outcome, at_most, floor, seen
from tests.bench.machine import resident_mib
from tests.bench.sizes import Size
from tests.bench.stage import Stage
from tests.bench.timing import percentile, samples_ms, took

PDF_MS = 100
SLIP_MS = 10
NARROW = Abilities(columns=32)
DRAWN = Abilities(chinese=False, qr=False)
PAGES = 2
PEOPLE = 5
TOKEN = "YZ1." + "aB3_-x9Q" * 54
"""As long as a real one: what a QR code costs depends on its length only."""


def run(_: Stage, size: Size) -> Outcome:
    """The first report starts the worker; the others are warm. The slip needs no worker."""
    cold_ms, warm_ms, pages, memory_mib = asyncio.run(_papers(size.papers))
    slips_ms = samples_ms(lambda: Typesetter().slip(_slip()), size.papers)
    narrow_ms = samples_ms(lambda: Typesetter().slip(_slip(), NARROW), size.papers)
    drawn_ms = samples_ms(lambda: Typesetter().slip(_slip(), DRAWN), size.papers)
    alone_ms = percentile(_alone(size.papers), 50)
    code_ms = percentile(samples_ms(lambda: worker._qr(TOKEN), size.papers), 50)
    median_ms = percentile(warm_ms, 50)
    assert pages == PAGES, f"{pages} pages"
    return Outcome(
        figures={
            "A4, two pages, warm, median": at_most(median_ms, "ms", PDF_MS),
            "A4, two pages, warm, p95": seen(percentile(warm_ms, 95), "ms"),
            "A4, first one (worker starts)": seen(cold_ms, "ms"),
            "A4 over floor": seen(median_ms / alone_ms, "×"),
            "QR code of the A4 alone, in process": seen(code_ms, "ms"),
            "slip with QR, median": at_most(percentile(slips_ms, 50), "ms", SLIP_MS),
            "slip with QR, p95": seen(percentile(slips_ms, 95), "ms"),
            "slip with QR on 58 mm, median": at_most(percentile(narrow_ms, 50), "ms", SLIP_MS),
            "slip drawn throughout (a printer without Chinese), median": seen(percentile(drawn_ms, 50), "ms"),
            f"memory of the worker after {size.papers} reports": seen(memory_mib, "MiB"),
        },
        floors={"typst alone, same template and words, in process": floor(alone_ms, "ms")},
        bound_by=_bound(median_ms, alone_ms, code_ms),
    )


def _bound(median_ms: float, alone_ms: float, code_ms: float) -> str:
    """The parts are measured apart; what is left is checking which characters the fonts have, and the pipe."""
    parts = {"typst itself": alone_ms, "drawing the QR code (pure Python)": code_ms}
    parts["coverage of fonts and the way to the worker"] = max(0.0, median_ms - alone_ms - code_ms)
    ranked = sorted(parts, key=lambda name: -parts[name])
    return ", then ".join(f"{name} ({parts[name]:.0f} ms)" for name in ranked)


async def _papers(count: int) -> tuple[float, list[float], int, float]:
    """Milliseconds of the first report and of each warm one, pages, the worker's memory at the end."""
    typesetter = Typesetter()
    warm: list[float] = []
    try:
        with took() as cold:
            made = await typesetter.report(_sheet(0))
        for number in range(count):
            with took() as one:
                made = await typesetter.report(_sheet(number + 1))
            warm.append(one.seconds * 1000)
        memory_mib = resident_mib(typesetter.worker or 0)
    finally:
        await typesetter.close()
    return cold.seconds * 1000, warm, len(PdfReader(io.BytesIO(made)).pages), memory_mib


def _alone(count: int) -> list[float]:
    """Typst by itself: the same template, the same words, a QR code drawn before; milliseconds each."""
    fonts = [str(folder) for folder in FONT_FOLDERS if folder.is_dir()]
    found = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=fonts)
    template = worker.TEMPLATE
    compiler = typst.Compiler(str(template), root=str(template.parent), font_paths=found)
    jobs = [_words(number) for number in range(count + 1)]

    def compile_next() -> None:
        compiler.compile(
            format="pdf",
            pdf_standards=["a-2u"],
            timestamp=datetime.fromtimestamp(1_795_000_000, UTC),
            sys_inputs={"paper": jobs.pop()},
        )

    compile_next()
    return samples_ms(compile_next, count)


def _words(number: int) -> str:
    job = paper.job(_sheet(number))
    words = job["paper"] | {"missing": [], "qr": worker._qr(job["token"])}
    return json.dumps(words, ensure_ascii=False, sort_keys=True)


def _sheet(number: int) -> ReportSheet:
    """Another serial and another person each time: nothing may come out of a cache that would not in a hall."""
    now_ms = sample.DEFAULT_AS_OF_MS
    person, *others = sample.people(100 + number, PEOPLE, "330102")
    records = [record for one in (person, *others) for record in sample.records_for(100 + number, one)]
    return ReportSheet(
        serial=f"330102-2026-L-{number:05d}",
        status="provisional",
        title=Words(zh="公共信用信息查询报告", en="Public credit information report"),
        subject=(("姓名", person.name), ("证件号码", person.number)),
        groups=groups(builtin()["public-credit.self"], person, records, now_ms),
        as_of_ms=now_ms - 9_000_000,
        issued_ms=now_ms,
        hall="清河县市民之家",
        window="3",
        clerk="李敏",
        basis="本人查询（公共信用信息查询管理暂行办法 第七条）",
        purpose="了解本人信用状况",
        token=TOKEN,
        notes=(Words(zh="本报告为临时报告：离线出具，联网后由中心确认。", en="Provisional."),),
    )


def _slip() -> SlipSheet:
    return SlipSheet(
        kind="report",
        title=Words(zh="受理回执单", en="Acceptance slip"),
        lines=(
            "事项：自然人本人公共信用信息查询",
            "办件编号：330102-2026-C-00231",
            "报告编号：330102-2026-L-00231",
            "主体：王䶮国 3301••••••••••4516",
            "数据截至：2 小时 30 分前",
            "领取时限：2026年11月24日 17:00",
        ),
        qr=TOKEN,
        status_words=Words(zh="临时：联网后由中心确认", en="Provisional"),
        number="330102-2026-L-00231",
        hall="清河县市民之家",
        at_ms=sample.DEFAULT_AS_OF_MS,
    )
