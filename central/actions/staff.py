"""Clerks of a hall.

A file with passwords comes in, only Argon2id strings are kept and go down in the staff pack.
"""

import asyncio
import csv
import io
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from central.actions.centre import AdminSession, Centre
from central.actions.own_ledger import drafted, record
from central.errors import FileRefused, NotFound
from central.security import passwords
from central.security.permissions import require
from central.store import fleet, people
from central.store.people import StaffKept

COLUMNS = ("staff", "name", "role", "permits", "password")
OPTIONAL = ("windows", "valid", "card")
CARD = re.compile(r"[0-9a-f]{64}|")
ROLES = ("clerk", "supervisor", "hall-manager")
FILE_BYTES_MAX = 1024 * 1024
PASSWORD_MIN = 8
STAFF_MAX = 500


class StaffImported(msgspec.Struct, frozen=True, kw_only=True):
    """How many clerks were stored for a node; they reach it with the next publication."""

    node: str
    stored: int


class _Clerk(msgspec.Struct, frozen=True, kw_only=True):
    line: int
    staff: str
    name: str
    role: str
    permits: tuple[str, ...]
    windows: tuple[str, ...]
    password: str
    valid: bool
    card: str


async def import_file(centre: Centre, admin: AdminSession, node: str, path: Path) -> StaffImported:
    """Store the clerks of a CSV or TOML file for a node, all or none.

    Raises FileRefused naming line and column, NotFound for an unknown node. No password is kept or logged.
    """
    require(admin.role, "staff.import")
    clerks = await asyncio.to_thread(_read, path)
    kept = await asyncio.to_thread(lambda: [_sealed(node, clerk) for clerk in clerks])
    async with centre.store.transaction() as tx:
        if await fleet.node(tx, node) is None:
            raise NotFound("没有这个节点。", "there is no such node")
        stored = await people.put_staff(tx, kept)
        draft = drafted(
            admin, "admin.changed", f"staff of {node}", ", ".join(clerk.staff for clerk in clerks)
        )
        await record(centre, tx, draft)
    return StaffImported(node=node, stored=stored)


def _sealed(node: str, clerk: _Clerk) -> StaffKept:
    return StaffKept(
        node=node,
        staff=clerk.staff,
        name=clerk.name,
        role=clerk.role,
        permits=clerk.permits,
        windows=clerk.windows,
        password=passwords.seal_small(clerk.password),
        valid=clerk.valid,
        card=clerk.card,
    )


def _read(path: Path) -> list[_Clerk]:
    try:
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise FileRefused(f"读不到人员文件 {path.name}。", f"cannot read {path.name} as UTF-8") from error
    if len(content) > FILE_BYTES_MAX:
        raise FileRefused("人员文件过大。", "the staff file is too large")
    rows = _toml(text) if path.suffix.lower() == ".toml" else _csv(text)
    if not 0 < len(rows) <= STAFF_MAX:
        raise FileRefused(f"人员应为 1 至 {STAFF_MAX} 名。", f"a staff file has 1 to {STAFF_MAX} clerks")
    clerks = [_clerk(line, row) for line, row in rows]
    names = [clerk.staff for clerk in clerks]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise FileRefused(f"登录名重复：{', '.join(twice)}。", f"names occur twice: {', '.join(twice)}")
    return clerks


def _csv(text: str) -> list[tuple[int, Mapping[str, Any]]]:
    reader = csv.DictReader(io.StringIO(text))
    header = [name.strip() for name in reader.fieldnames or ()]
    missing = [name for name in COLUMNS if name not in header]
    unknown = [name for name in header if name not in (*COLUMNS, *OPTIONAL)]
    if missing or unknown:
        wrong = ", ".join(missing or unknown)
        raise FileRefused(
            f"表头不对，{'缺少' if missing else '多余'}列：{wrong}。",
            f"wrong header, {'missing' if missing else 'unknown'} columns: {wrong}",
        )
    return [(reader.line_num, row) for row in reader]


def _toml(text: str) -> list[tuple[int, Mapping[str, Any]]]:
    """A table `[[staff]]` for each clerk, lists as TOML lists."""
    try:
        tables = tomllib.loads(text).get("staff", [])
    except tomllib.TOMLDecodeError as error:
        raise FileRefused("人员文件不是有效的 TOML。", f"the staff file is not TOML: {error}") from error
    if not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables):
        raise FileRefused("应为 [[staff]] 列表。", "a list of [[staff]] is wanted")
    return list(enumerate(tables, start=1))


def _clerk(line: int, row: Mapping[str, Any]) -> _Clerk:
    def cell(name: str) -> str:
        value = row.get(name)
        return value.strip() if isinstance(value, str) else ""

    for name in ("staff", "name", "role", "password"):
        if not cell(name):
            raise FileRefused(f"第 {line} 行缺少 {name}。", f"line {line} has no {name}")
    if cell("role") not in ROLES:
        raise FileRefused(
            f"第 {line} 行的 role 只能是 {', '.join(ROLES)}。",
            f"line {line}: role is one of {', '.join(ROLES)}",
        )
    if len(cell("password")) < PASSWORD_MIN:
        raise FileRefused(
            f"第 {line} 行的口令不足 {PASSWORD_MIN} 个字符。", f"line {line}: the password is too short"
        )
    card = cell("card").lower().replace(":", "")
    if not CARD.fullmatch(card):
        raise FileRefused(
            f"第 {line} 行的 card 应为工作卡证书的 SHA-256（64 位十六进制）。",
            f"line {line}: card is the SHA-256 of the card's certificate, 64 hex digits",
        )
    return _Clerk(
        line=line,
        staff=cell("staff"),
        name=cell("name"),
        role=cell("role"),
        permits=_words(row.get("permits")),
        windows=_words(row.get("windows")),
        password=cell("password"),
        valid=row.get("valid") not in ("false", "0", False),
        card=card,
    )


def _words(value: Any) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else []
    return tuple(part.strip() for part in parts if isinstance(part, str) and part.strip())
