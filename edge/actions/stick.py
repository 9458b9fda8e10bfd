"""A stick: files written so that it may be pulled out, files somebody brought, and what lies on it in words.

Nothing on a stick is believed for what it says of itself here: these are words for people. What is used is
verified where it is used.
"""

import contextlib
import hashlib
import os
from pathlib import Path
from typing import Literal

import msgspec

from edge.errors import CourierRefused, StickTrouble
from edge.store.files import sync_folder
from matters.model import Words
from sync.batch.header import Header, claimed_header
from sync.errors import SyncError, UnknownVersion
from sync.ids import parse_origin
from sync.messages import introduction
from sync.packs import pack as packs

SUFFIX = ".yzb"
RECOUNT = "recount-"
FILE_BYTES_MAX = 512 << 20
FILES_MAX = 2000
_ANY_BATCH = b"YZB"
_TRAILER_BYTES = 32
_CUT = ("不完整或已损坏，请重新导出", "cut or altered: export it again")
HEAD_BYTES = 80 * 1024
"""What is read of a file to say what it is: its signed header fits, whatever follows."""
Kind = Literal[
    "entries", "files", "acknowledgement", "list", "pack", "request", "answer", "half", "newer", "broken"
]


class StickFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file: what it says it is, whose (`node`, empty for all), and whether this node can use it."""

    name: str
    bytes: int
    kind: Kind
    node: str
    ours: bool
    words: Words


def files_in(folder: Path) -> list[Path]:
    """The files of a folder, by name; links are left out. Raises StickTrouble."""
    try:
        return sorted(path for path in folder.iterdir() if path.is_file() and not path.is_symlink())[
            :FILES_MAX
        ]
    except OSError as error:
        raise StickTrouble(error.strerror or "", str(folder)) from error


def named(path: Path, origin: str) -> StickFile | None:
    """What a file is for the node of that origin; None for one not of Yizhan. Raises OSError."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    kind, node, zh, en = describe(path.name, head)
    if kind is None:
        return None
    if head.startswith(_ANY_BATCH) and kind not in {"newer", "half"} and not _whole(path):
        kind, node, (zh, en) = "broken", "", _CUT
    mine = parse_origin(origin).name if origin else ""
    ours = kind not in {"half", "newer", "broken"} and node in {"", mine}
    return StickFile(
        name=path.name, bytes=path.stat().st_size, kind=kind, node=node, ours=ours, words=Words(zh=zh, en=en)
    )


def unreadable(name: str, error: OSError) -> StickFile:
    """A file that cannot be read, in words."""
    return StickFile(name=name, bytes=0, kind="broken", node="", ours=False, words=_unread(name, error))


def _whole(path: Path) -> bool:
    """Whether a sealed file ends with the SHA-256 of all before it."""
    left, hashed = path.stat().st_size - _TRAILER_BYTES, hashlib.sha256()
    with path.open("rb") as file:
        while left > 0 and (piece := file.read(min(left, 1 << 20))):
            hashed.update(piece)
            left -= len(piece)
        return file.read() == hashed.digest()


def describe(name: str, head: bytes) -> tuple[Kind | None, str, str, str]:
    """Kind, node, and words of a file by its name and first bytes; None for what is not of Yizhan."""
    try:
        return _described(name, head)
    except UnknownVersion:
        return (
            "newer",
            "",
            "由更新版本的程序写成，请先升级本机",
            "written by a later program: update this one first",
        )
    except SyncError:
        return "broken", "", *_CUT


def _described(name: str, head: bytes) -> tuple[Kind | None, str, str, str]:
    if name.endswith(".part"):
        return "half", "", "写了一半的文件：介质拔早了，可以删除", "half written: pulled too early, may go"
    if packs.static(head):
        return "pack", "", "数据集分包", "a pack of records"
    if head.startswith(introduction.MAGIC) or name.endswith(introduction.SUFFIX):
        return _introduced(*introduction.peek(head))
    if head.startswith(_ANY_BATCH) or name.endswith(SUFFIX):
        return _sealed(claimed_header(head), name)
    return None, "", "", ""


def _introduced(kind: introduction.Kind, name: str) -> tuple[Kind, str, str, str]:
    node = name.split("/")[2] if name.count("/") > 2 else ""  # noqa: PLR2004 -- an origin; else a code's locator
    who = f"节点 {node}" if node else f"登记码 {name}-…"
    whom = f"node {node}" if node else f"code {name}-…"
    if kind == "certificate":
        return "request", node, f"{who} 的证书，请带到中心", f"the certificate of {whom} for the centre"
    if kind == "request":
        return "request", node, f"{who} 的登记（换代）申请，请带到中心", f"a request of {whom} for the centre"
    return "answer", node, f"中心对 {who} 的登记（换代）批复", f"the centre's answer to {whom}"


def _sealed(header: Header, name: str) -> tuple[Kind, str, str, str]:
    def node_of(origin: str) -> str:
        return parse_origin(origin).name

    if header.holds_entries:
        node, many = node_of(header.origin), header.end - header.start
        span = f"{header.start + 1}–{header.end}" if many else f"{header.start}"
        zh = f"节点 {node} 的台账第 {span} 条，共 {many} 条" if many else f"节点 {node} 的签到（没有新条目）"
        en = f"entries {span} of node {node}, {many} in all" if many else f"node {node} reports, no new entry"
        return "entries", node, zh, en
    if header.kind == "blob":
        node = node_of(header.origin)
        return "files", node, f"节点 {node} 的报告文件", f"a report file of node {node}"
    node = node_of(header.destination)
    if header.kind == "acknowledge":
        return (
            "acknowledgement",
            node,
            f"中心给节点 {node} 的回执",
            f"the centre's acknowledgement for node {node}",
        )
    if name.startswith(RECOUNT):
        return "list", node, f"中心给节点 {node} 的台账核对数据", f"the centre's recount of node {node}"
    return "list", node, f"中心给节点 {node} 的清单", f"a list of the centre for node {node}"


def folder_of(path: Path) -> None:
    """Make the folder on the stick. Raises StickTrouble."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StickTrouble(error.strerror or "", str(path)) from error


def write_checked(path: Path, content: bytes) -> None:
    """Written, fsynced, read back with the cache dropped, compared, renamed, folder fsynced.

    Raises CourierRefused when the stick does not give back what was written, StickTrouble when it takes no
    more; nothing is left behind then.
    """
    part = path.with_suffix(".part")
    try:
        _write_part(part, content)
        whole = part.read_bytes() == content
        if whole:
            part.replace(path)
            sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise StickTrouble(error.strerror or "", path.name) from error
    if not whole:
        part.unlink(missing_ok=True)
        raise CourierRefused("read back differs", message=_BAD_STICK)


def _write_part(part: Path, content: bytes) -> None:
    flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW  # a link on a stick may lead anywhere
    descriptor = os.open(part, flags, 0o644)
    try:
        left = memoryview(content)
        while left:
            left = left[os.write(descriptor, left) :]
        os.fsync(descriptor)
        with contextlib.suppress(OSError):
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


def read_foreign(path: Path, bytes_max: int = FILE_BYTES_MAX) -> bytes:
    """A file somebody brought, whole.

    Raises CourierRefused, in words for the clerk, for one that is too large or cannot be read.
    """
    try:
        with path.open("rb") as file:
            content = file.read(bytes_max + 1)
    except OSError as error:
        raise CourierRefused(f"{path.name}: {error.strerror}", message=_unread(path.name, error)) from error
    if len(content) > bytes_max:
        message = Words(zh=f"文件 {path.name} 过大，未导入。", en=f"{path.name} is too large; not taken.")
        raise CourierRefused(f"{path.name} is too large", message=message)
    return content


def _unread(name: str, error: OSError) -> Words:
    return Words(
        zh=f"读不到文件 {name}（{error.strerror}），未作任何改动。",
        en=f"Cannot read {name} ({error.strerror}); nothing was changed.",
    )


_BAD_STICK = Words(
    zh="介质写入后读回不一致，请更换介质。", en="The stick does not give back what was written: use another."
)
