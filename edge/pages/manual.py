"""The manual on the machine, and the page of patterns."""

from datetime import date

from litestar import get

from edge.actions import status
from edge.actions.views import CardRead, PrintJob
from edge.pages import doors
from edge.pages.doors import Asking, Page, TheLang, TheNode, TheVisitor
from edge.pages.screen import page, practice
from edge.pages.views import HelpView, PatternsView
from matters.freshness import use_words
from matters.groups import Group
from matters.model import Refusal, Words
from ui.frame import Frame
from ui.look import colours

_BANDS = (("fresh", 7200, 259_200), ("ageing", 219_600, 259_200), ("expired", 604_800, 259_200))


@get("/help")
async def help_page(request: Asking, node: TheNode, lang: TheLang) -> Page:
    """What to do when something is wrong; open without signing in, needs no line."""
    now = await status.status(node)
    text = page(HelpView(), Frame(lang=lang, brand=now.hall, made_ms=now.at_ms, practice=practice(now)), now)
    return doors.html(text, doors.fresh_lang(request, node))


@get("/patterns")
async def patterns_page(node: TheNode, visitor: TheVisitor) -> Page:
    """Every component once, filled with made-up people."""
    return await doors.show(node, visitor, "/patterns", sample(node.now_ms()))


def sample(now_ms: int) -> PatternsView:
    """The patterns page as of a moment."""
    groups = tuple(
        Group(
            category="licence",
            title=Words(zh="行政许可", en="Licences"),
            lines=() if band == "expired" else ("2024-03-01 · 食品经营许可 · 样张市场监督管理局",),
            count=0 if band == "expired" else 1,
            source="样张来源",
            as_of_ms=now_ms - age_s * 1000,
            age_s=age_s,
            band=band,  # type: ignore[arg-type]  # a band's name
            rule=use_words(band, usable_s),  # type: ignore[arg-type]  # a band's name
        )
        for band, age_s, usable_s in _BANDS
    )
    return PatternsView(
        tokens=colours(), groups=groups, card=_card(now_ms), jobs=_jobs(now_ms), refusal=_refusal()
    )


def _card(now_ms: int) -> CardRead:
    return CardRead(
        read_id="sample",
        name="样张䶮",
        number="",
        number_masked="1101••••••••••0010",
        sex="1",
        nation="01",
        birth=date(1990, 1, 1),
        address="样张路 1 号",
        valid_from=date(2020, 1, 1),
        valid_to=None,
        read_ms=now_ms,
    )


def _jobs(now_ms: int) -> tuple[PrintJob, ...]:
    states = ("asked", "sent", "device-confirmed", "clerk-confirmed", "handed-over", "spoiled", "failed")
    return tuple(
        PrintJob(
            id=state,
            kind="report",
            serial=f"样张-{number:05d}",
            case="",
            state=state,  # type: ignore[arg-type]  # a state's name
            copy_no=1,
            sheet="",
            problem=None,
            asked_ms=now_ms,
        )
        for number, state in enumerate(states, 1)
    )


def _refusal() -> Refusal:
    return Refusal(
        code="sample",
        message=Words(zh="样张：材料不齐，不能受理。", en="Sample: papers are missing."),
        rule="样张规则 第一条",
        missing=(Words(zh="身份证复印件", en="copy of the ID card"),),
        next=Words(zh="请补齐后再来。", en="Bring what is missing and come again."),
    )
