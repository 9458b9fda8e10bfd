"""Commands about what goes out to nodes: trips, consent, units given offline, corrections; who held whom."""

import argparse
import asyncio
from pathlib import Path
from typing import Any

from central.actions import corrections, held, quota, trips
from central.actions.centre import AdminSession, Centre, operator
from central.actions.trips import Trip
from central.arguments import count, day
from central.commands import Said, by_officer, command, given, opened, signs
from central.errors import FileRefused, UsageInvalid
from matters.calendar import china_ms
from matters.model import Refusal

LIST_BYTES_MAX = 1 << 20
QUOTA_DAYS = 30
CORRECTION_DAYS = 7


def register(commands: Any) -> None:
    """Add these commands to the parser."""
    verbs = commands.add_parser("trip", help="车次 / trips of buses").add_subparsers(
        required=True, metavar="VERB"
    )
    one = command(verbs, "plan", opened(_plan), "安排车次 / what a bus carries, from one day to another")
    one.add_argument("--node", required=True)
    one.add_argument("--stops", required=True, help="region codes within its route, separated by commas")
    one.add_argument("--from", dest="first", type=day("--from"), required=True, metavar="2026-11-21")
    one.add_argument("--to", dest="last", type=day("--to"), required=True, metavar="2026-11-21")
    one.add_argument("--listed", action="store_true", help="only the subjects of the day's list")
    one.add_argument("--most", type=count("--most", 1, trips.SUBJECTS_MAX), default=trips.SUBJECTS)
    one = command(verbs, "list", opened(_list), "车次一览 / the trips of a bus")
    one.add_argument("--node", required=True)
    one = command(verbs, "take", opened(_take), "导入当日名单 / the day's list: numbers, one a line")
    one.add_argument("--trip", required=True)
    one.add_argument("file", type=Path)
    one = command(verbs, "end", opened(_end), "提前结束 / withdraw a trip now")
    one.add_argument("--trip", required=True)
    one = command(commands, "held", opened(_held), "节点曾存主体 / which subjects a node held at a moment")
    one.add_argument("--node", required=True)
    one.add_argument("--at", type=_moment, required=True, metavar="2026-11-21T09:30", help="China's time")
    one.add_argument("--number", default="", help="was this person among them?")
    one.add_argument("--purpose", default="")
    one = command(commands, "consent", opened(by_officer(_consent)), "撤回授权 / a subject withdraws consent")
    one.add_argument("--number", required=True)
    one.add_argument("--again", action="store_true", help="given again")
    signs(one)
    one.add_argument("--note", required=True, help="what it rests on")
    _asked(commands)


def _asked(commands: Any) -> None:
    verbs = commands.add_parser("quota", help="离线免费额度 / units given offline").add_subparsers(
        required=True, metavar="VERB"
    )
    command(verbs, "list", opened(_levels), "各节点的额度 / every node's level and what it holds")
    one = command(verbs, "set", opened(_set_level), "设定额度 / keep a node at so many units")
    one.add_argument("--node", required=True)
    one.add_argument("--matter", required=True)
    one.add_argument("--units", type=count("--units", 0, quota.UNITS_MAX), required=True)
    one.add_argument("--days", type=count("--days", 1, quota.DAYS_MAX), default=QUOTA_DAYS)
    verbs = commands.add_parser("correction", help="要求补正 / corrections").add_subparsers(
        required=True, metavar="VERB"
    )
    command(verbs, "list", opened(_corrections), "补正一览 / what was asked and answered")
    one = command(verbs, "ask", opened(_correct), "要求大厅补正一个办件 / ask a hall to correct a case")
    one.add_argument("--node", required=True)
    one.add_argument("--case", required=True)
    one.add_argument("--what", required=True)
    one.add_argument("--why", required=True)
    one.add_argument("--days", type=count("--days", 1, corrections.DAYS_MAX), default=CORRECTION_DAYS)


def _moment(text: str) -> int:
    try:
        return china_ms(text)
    except ValueError as error:
        raise UsageInvalid(
            f"--at 应为日期和时间，例如 2026-11-21T09:30（收到 {text}）。", "--at is a day and time"
        ) from error


async def _plan(centre: Centre, asked: argparse.Namespace) -> Said:
    stops = [stop.strip() for stop in asked.stops.split(",") if stop.strip()]
    done = await trips.plan(
        centre,
        operator("system"),
        asked.node,
        stops,
        (asked.first, asked.last),
        listed=asked.listed,
        subjects_max=asked.most,
    )
    return given(done) if isinstance(done, Refusal) else Said(document=done, lines=(_line(centre, done),))


async def _list(centre: Centre, asked: argparse.Namespace) -> Said:
    rows = await trips.of_node(centre, asked.node)
    return Said(document=rows, lines=tuple(_line(centre, row) for row in rows) or ("没有车次",))


async def _take(centre: Centre, asked: argparse.Namespace) -> Said:
    numbers = await asyncio.to_thread(_lines, asked.file)
    done = await trips.take_list(centre, operator("system"), asked.trip, numbers)
    if isinstance(done, Refusal):
        return given(done)
    lines = [f"名单 {done.taken} 人，未收 {done.left_out_count} 行"]
    lines += [f"  第 {at} 行：{why}" for at, why in done.left_out]
    return Said(document=done, lines=tuple(lines))


def _lines(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            content = file.read(LIST_BYTES_MAX + 1)
        if len(content) > LIST_BYTES_MAX:
            raise FileRefused(f"{path.name} 过大。", f"{path.name} is too large")
        return content.decode("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FileRefused(f"读不到 {path.name}，或不是 UTF-8 文本。", f"cannot read {path.name}") from error


async def _end(centre: Centre, asked: argparse.Namespace) -> Said:
    done = await trips.end(centre, operator("system"), asked.trip)
    return Said(document=done, lines=(_line(centre, done),))


def _line(centre: Centre, trip: Trip) -> str:
    state = {"planned": "未开始", "open": "进行中", "ended": "已结束"}[trip.state(centre.now_ms())]
    listed = f"名单 {trip.named}/{trip.subjects_max} 人" if trip.listed else "停靠点全部主体"
    return f"{trip.scope} {state} 停靠 {'、'.join(trip.stops)} {listed} 已发布 {trip.subjects} 人"


async def _held(centre: Centre, asked: argparse.Namespace) -> Said:
    number, purpose = asked.number, asked.purpose
    done = await held.held_at(centre, operator("audit"), asked.node, asked.at, number=number, purpose=purpose)
    if isinstance(done, Refusal):
        return given(done)
    lines = [f"{one.scope} 第 {one.version} 版 {len(one.refs)} 个主体" for one in done.scopes]
    if done.asked is not None:
        lines.append("该主体在内" if done.asked else "该主体不在内")
    return Said(document=done, lines=tuple(lines) or ("当时没有缓存任何主体",))


async def _consent(centre: Centre, officer: AdminSession, asked: argparse.Namespace) -> Said:
    done = await trips.consent(centre, officer, asked.number, withdrawn=not asked.again, note=asked.note)
    return given(done) if done else Said(document={"withdrawn": not asked.again})


async def _levels(centre: Centre, _: argparse.Namespace) -> Said:
    rows = await quota.standing(centre)
    lines = [
        f"{one.node} {one.matter} 设定 {one.units} 份 每次 {one.days} 天 手里 {one.left} 份" for one in rows
    ]
    return Said(document=rows, lines=tuple(lines) or ("没有可设定的事项",))


async def _set_level(centre: Centre, asked: argparse.Namespace) -> Said:
    no = await quota.set_level(centre, operator("system"), asked.node, asked.matter, asked.units, asked.days)
    return given(no) if no else Said(document={"node": asked.node, "units": asked.units})


async def _corrections(centre: Centre, _: argparse.Namespace) -> Said:
    rows = await corrections.listed(centre, operator("audit"))
    lines = [f"{one.node} {one.case} {one.what}：{one.answer or '等大厅答复'}" for one in rows]
    return Said(document=rows, lines=tuple(lines) or ("没有要求过补正",))


async def _correct(centre: Centre, asked: argparse.Namespace) -> Said:
    return given(
        await corrections.ask(
            centre,
            operator("audit"),
            node=asked.node,
            case=asked.case,
            what=asked.what,
            why=asked.why,
            days=asked.days,
        )
    )
