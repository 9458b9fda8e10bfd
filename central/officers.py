"""Commands of the officers: what needs a person's word, and what compares histories."""

import argparse
from typing import Any

import msgspec

from central.actions import incarnations
from central.actions.centre import AdminSession, Centre, operator
from central.actions.incarnations import IncarnationRow
from central.commands import Said, command, given, opened
from central.security.permissions import Role
from matters.model import Refusal

ROLES: tuple[Role, ...] = ("security", "system")


def register(commands: Any) -> None:
    """Add these commands to the parser."""
    verbs = commands.add_parser(
        "incarnation", help="换代申请 / requests for a new incarnation"
    ).add_subparsers(required=True, metavar="VERB")
    one = command(verbs, "list", opened(_list), "申请一览 / every request and who said what")
    one.add_argument("--node", default="")
    for verb, run, words in (
        ("approve", _approve, "批准换代 / approve these very keys"),
        ("refuse", _refuse, "不批准换代 / refuse these keys"),
    ):
        one = command(verbs, verb, opened(run), words)
        one.add_argument("--node", required=True)
        one.add_argument("--fingerprint", required=True, help="compared with the hall by phone")
        one.add_argument("--role", required=True, choices=ROLES, help="in which role you speak")
        one.add_argument("--officer", default="", help="your name; two officers are two persons")
        one.add_argument("--note", required=True, help="how you made sure")


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


async def _approve(centre: Centre, asked: argparse.Namespace) -> Said:
    return await _decided(centre, asked, approves=True)


async def _refuse(centre: Centre, asked: argparse.Namespace) -> Said:
    return await _decided(centre, asked, approves=False)


async def _decided(centre: Centre, asked: argparse.Namespace, *, approves: bool) -> Said:
    row = await incarnations.decide(
        centre, _officer(asked), asked.node, asked.fingerprint.upper(), approves=approves, note=asked.note
    )
    return given(row) if isinstance(row, Refusal) else Said(document=row, lines=(_line(row),))


def _officer(asked: argparse.Namespace) -> AdminSession:
    named = asked.officer.strip()
    session = operator(asked.role)
    return msgspec.structs.replace(session, admin=named) if named else session
