"""Every slip layout on every paper, filled as a hall fills it: what the golden files and pictures are made of.

`python -m tests.unit.typeset.strips` writes the golden files anew, with a folder as argument the pictures too:
look at each before committing.
"""

import sys
from pathlib import Path

import msgspec

from drivers.devices.receipt_printer.abilities import Abilities
from drivers.devices.receipt_printer.protocol import decode
from edge.typeset import paper
from edge.typeset.sheets import SlipSheet
from edge.typeset.slips import slip
from edge.typeset.slips import test_slip as printer_page
from matters.model import Words
from tests.unit.typeset.plotter import plot
from tests.unit.typeset.test_reports import sheet as report
from tests.unit.ui import samples

GOLDEN = Path(__file__).with_name("golden")
CODE = "YZ1." + "aB3_-x9Q" * 52
"""As long as a token is."""

_PROVISIONAL = "本报告为临时报告：离线出具，联网后由中心确认；如有变化，窗口将致电通知。"
_ADDRESS = "住址：清河县东关街道石门路 12 号 3 幢 502 室（沿河小区北门进，门卫登记后乘 2 号电梯）"


def _sheet(kind, title, number, status, *lines, qr="", mark=""):
    return SlipSheet(
        kind=kind,
        title=Words(zh=title, en=""),
        number=number,
        status_words=Words(zh=status, en=""),
        lines=lines,
        qr=qr,
        mark=mark,
        hall="清河县市民之家",
        at_ms=samples.NOW,
    )


SHEETS = (
    _sheet(
        "ticket", "取号单", "A023", "等待叫号",
        "事项：公共信用信息查询", "前面还有：3 人", "预计等候：约 12 分钟", "窗口：2 号窗口",
    ),
    _sheet(
        "report", "受理回执单", "330102-2026-L-00231", _PROVISIONAL,
        "事项：本人查询公共信用信息", "办件编号：330102-3-000482", "主体：王䶮国 3301••••••••••4516", "收费：10.00 元",
        "领取时限：2026-11-23 17:00", _ADDRESS, qr=CODE,
    ),
    _sheet(
        "deferral", "待办回执单", "330102-3-000484", "已受理待上传：尚未办结",
        "事项：个人信用报告（查询版）", "申请人：𠮷永明 3301••••••••••7720", "联系电话：139 0000 7720", "最迟：2026-11-23 17:00",
        "线路恢复后由中心出具；办好后本厅打电话通知您。",
    ),
    _sheet(
        "refusal", "一次性告知单", "330102-3-000483", "未受理",
        "事项：授权查询公共信用信息", "材料不齐，暂不能受理。", "依据：公共信用信息查询管理暂行办法 第七条",
        "1. 授权委托书原件：缺被授权人工作单位", "2. 身份证复印件（正反面）", "3. 授权人签字日期与委托书不一致",
        "补齐后可在任一窗口再次申请。", mark="training",
    ),
    msgspec.structs.replace(paper.summary(report()), qr=CODE),
)  # fmt: skip
WIDE, NARROW = Abilities(), Abilities(columns=32)
LIMITED = {
    "no-dots": Abilities(columns=32, raster=False, qr=False, cut=False),
    "no-chinese": Abilities(chinese=False, qr=False),
}


def jobs() -> dict[str, tuple[bytes, Abilities]]:
    """Every strip by name: the job, and the printer it is for."""
    made = {
        f"{sheet.kind}-{able.columns}": (slip(sheet, able), able)
        for sheet in SHEETS
        for able in (WIDE, NARROW)
    }
    made |= {f"report-{name}": (slip(SHEETS[1], able), able) for name, able in LIMITED.items()}
    return {**made, "printer-page": (printer_page(), WIDE)}


def text(job: bytes) -> str:
    """A job as its golden file holds it."""
    return "\n".join(decode(job)) + "\n"


def _write() -> None:
    for name, (job, able) in jobs().items():
        (GOLDEN / f"{name}.txt").write_text(text(job), encoding="utf-8")
        for folder in sys.argv[1:]:
            plot(job, able.columns).save(Path(folder) / f"{name}.png")


if __name__ == "__main__":
    _write()
