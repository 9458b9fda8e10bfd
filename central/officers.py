"""Commands of the officers: what needs a person's own word, and what compares histories."""

import argparse
import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any

from central.actions import escrow, files, incarnations, recount, restored, spoken, wipes, witness
from central.actions.centre import AdminSession, Centre, operator
from central.actions.incarnations import IncarnationRow
from central.arguments import count
from central.commands import Said, by_officer, command, given, opened, signs
from central.errors import EXIT_FOUND, EXIT_HOLDS
from central.store.incarnations import CENTRE
from matters.calendar import CHINA
from matters.model import Refusal
from sync.lease.spoken import CAPABILITIES, HOURS_MAX


def register(commands: Any) -> None:
    """Add these commands to the parser."""
    verbs = commands.add_parser(
        "incarnation", help="换代申请 / requests for a new incarnation"
    ).add_subparsers(required=True, metavar="VERB")
    one = command(verbs, "list", opened(_list), "申请一览 / every request and who said what")
    one.add_argument("--node", default="")
    _escrow(commands)
    one = command(
        commands, "recount", opened(_recount), "深度核对 / hash a node's copy again, ask it to compare"
    )
    one.add_argument("--node", required=True)
    one.add_argument("--out", type=Path, help="also a file for a stick, into this folder")
    one = command(commands, "files", opened(_files), "尚缺的报告文件 / report files that have not arrived")
    one.add_argument("--node", default="")
    one = command(commands, "wipe", opened(_wipe), "封存并清除 / seal and wipe a node; without --node: list")
    one.add_argument("--node", default="")
    signs(one, required=False)
    one.add_argument("--note", default="", help="why")
    one = command(
        commands,
        "lease",
        opened(by_officer(_lease)),
        "电话授权码 / a code that extends a node's leases by phone",
    )
    one.add_argument("--node", required=True)
    one.add_argument("--hours", type=count("--hours", 1, HOURS_MAX), default=spoken.HOURS_DEFAULT)
    one.add_argument("--capability", nargs="+", choices=CAPABILITIES, default=CAPABILITIES)
    signs(one)
    one.add_argument("--note", required=True, help="who called and how you made sure")
    words = "声明已从备份恢复 / say that the database was restored from a backup"
    one = command(commands, "restored", opened(by_officer(_restored)), words)
    signs(one)
    one.add_argument("--note", required=True, help="from which backup, and why")
    command(commands, "witnesses", opened(_witnesses), "各节点会签回来的中心台账 / what nodes hold of us")
    for verb, run, words in (
        ("approve", _approve, "批准换代 / approve these very keys"),
        ("refuse", _refuse, "不批准换代 / refuse these keys"),
    ):
        one = command(verbs, verb, opened(by_officer(run)), words)
        one.add_argument("--node", required=True)
        one.add_argument("--fingerprint", required=True, help="compared with the hall by phone")
        signs(one)
        one.add_argument("--note", required=True, help="how you made sure")


def _escrow(commands: Any) -> None:
    words = "托管密钥 / keys in the centre's keeping"
    verbs = commands.add_parser("escrow", help=words).add_subparsers(required=True, metavar="VERB")
    one = command(
        verbs, "release", opened(by_officer(_release)), "释放给新机器 / release a node's key to a new machine"
    )
    one.add_argument("--node", required=True)
    one.add_argument("--keys", required=True, type=Path, help="the .keys file beside the node's backup")
    one.add_argument("--to", required=True, help="what edge keys ask printed")
    signs(one)
    one.add_argument("--note", required=True, help="who asked and how you made sure")


async def _wipe(centre: Centre, asked: argparse.Namespace) -> Said:
    return await (by_officer(_order) if asked.node else _wipes)(centre, asked)


async def _order(centre: Centre, officer: AdminSession, asked: argparse.Namespace) -> Said:
    done = await wipes.wipe(centre, officer, asked.node, asked.note)
    return given(done) if isinstance(done, Refusal) else await _wipes(centre, asked)


async def _wipes(centre: Centre, _: argparse.Namespace) -> Said:
    rows = await wipes.wipes(centre)
    lines = tuple(f"{row.node} {row.words.zh}" for row in rows)
    return Said(document={"wipes": rows}, lines=lines or ("没有下过清除命令",))


async def _restored(centre: Centre, officer: AdminSession, asked: argparse.Namespace) -> Said:
    refusal = await restored.declare(centre, officer, asked.note)
    if refusal is not None:
        return given(refusal)
    rows = await incarnations.requests(centre, CENTRE)
    return Said(document=rows, lines=tuple(_line(row) for row in rows))


async def _files(centre: Centre, asked: argparse.Namespace) -> Said:
    rows = await files.lacking(centre, operator("audit"), asked.node)
    lines = tuple(f"{row.serial} {row.digest[:16]} 已到 {row.have} 块" for row in rows)
    if lines:
        lines += ("联网时由节点补传，信使也会带回（central export 写清单）；已到齐的不在此列",)
    return Said(document={"lacking": rows}, lines=lines or ("报告文件齐全",))


async def _recount(centre: Centre, asked: argparse.Namespace) -> Said:
    done = await recount.recount(centre, operator("audit"), asked.node, asked.out)
    lines = (
        f"已重新计算 {done.size} 条，请 {done.node} 逐层核对；节点下次联系后的几分钟内核对，不符的列入差异",
        *(f"信使文件 {path}：在该节点运行 edge recount --file" for path in done.files),
    )
    return Said(document=done, lines=lines)


async def _witnesses(centre: Centre, _: argparse.Namespace) -> Said:
    rows = await witness.witnesses(centre, operator("audit"))
    split = any(row.reason for row in rows)
    lines = [f"{row.node} {row.size} 条 {row.reason.zh if row.reason else '一致'}" for row in rows]
    return Said(
        document={"nodes": rows},
        code=EXIT_FOUND if split else EXIT_HOLDS,
        lines=tuple(lines) or ("还没有节点会签过中心台账",),
    )


async def _lease(centre: Centre, officer: AdminSession, asked: argparse.Namespace) -> Said:
    done = await spoken.speak(
        centre,
        officer,
        asked.node,
        capabilities=tuple(asked.capability),
        hours=asked.hours,
        note=asked.note,
    )
    if isinstance(done, Refusal):
        return given(done)
    until = datetime.fromtimestamp(done.not_after_ms / 1000, CHINA)
    return Said(
        document=done, lines=(done.code, f"有效至 {until:%Y-%m-%d %H:%M}，只对该节点有效，只能用一次")
    )


async def _release(centre: Centre, officer: AdminSession, asked: argparse.Namespace) -> Said:
    content = await asyncio.to_thread(asked.keys.read_bytes)
    done = await escrow.give(centre, officer, asked.node, content, asked.to, asked.note)
    return given(done) if isinstance(done, Refusal) else Said(document=done, lines=(done.sealed,))


async def _list(centre: Centre, asked: argparse.Namespace) -> Said:
    rows = await incarnations.requests(centre, asked.node)
    return Said(document=rows, lines=tuple(_line(row) for row in rows) or ("没有换代申请",))


def _line(row: IncarnationRow) -> str:
    said = (
        "、".join(f"{one.officer}{'批准' if one.approves else '不批准'}" for one in row.verdicts)
        or "尚无人表态"
    )
    state = {"waiting": "待批", "refused": "已拒绝", "begun": f"已启用 {row.new_origin}"}[row.state]
    return (
        f"{row.node} {row.words.zh} 指纹 {row.fingerprint} {state}；{said}；"
        f"中心存 {row.held} 条（会签 {row.countersigned}），节点报 {row.claim.size} 条，丢失 {row.lost} 条"
    )


async def _approve(centre: Centre, officer: AdminSession, asked: argparse.Namespace) -> Said:
    return await _decided(centre, officer, asked, approves=True)


async def _refuse(centre: Centre, officer: AdminSession, asked: argparse.Namespace) -> Said:
    return await _decided(centre, officer, asked, approves=False)


async def _decided(
    centre: Centre, officer: AdminSession, asked: argparse.Namespace, *, approves: bool
) -> Said:
    fingerprint = asked.fingerprint.upper()
    row = await incarnations.decide(
        centre, officer, asked.node, fingerprint, approves=approves, note=asked.note
    )
    return given(row) if isinstance(row, Refusal) else Said(document=row, lines=(_line(row),))
