"""The sticks that are in, for the page: which they are, what lies on one, taking in and writing out.

A stick is a folder right below one of `settings.sticks`, by its own name and no link, on another file system
than the node's data: the empty folder that a pulled stick leaves behind is none. A name from outside is only
ever compared with these.
"""

import asyncio
from pathlib import Path
from stat import S_ISDIR
from typing import Final, Literal

import msgspec

from edge.actions import courier
from edge.actions.examiner import Examined
from edge.actions.node import Node
from edge.actions.stick import FILE_BYTES_MAX, StickFile
from edge.errors import CourierRefused, NotThere, StickTrouble
from matters.model import Words
from ui.look import size

STICKS_MAX: Final = 9
"""As many as have a digit key."""

_GONE = Words(
    zh="这个 U 盘不在（已拔出、没有挂载，或不是配置的 U 盘）。",
    en="This stick is not there: pulled out, not mounted, or none of those configured.",
)
_PUT_BACK = Words(
    zh="请插好 U 盘后再试；本机的台账和数据未受影响。", en="Put it in and try again; this node is as before."
)
_SAFE = Words(zh="现在可以取下 U 盘。", en="You may remove the stick now.")
_NOTHING = Words(
    zh="没有本机可以取入的文件，未作任何改动。", en="Nothing here to take in; nothing was changed."
)
_UNREAD = Words(zh="没有取入", en="not taken")
_FOR_CENTRE = Words(zh="要带到中心，本机不取", en="goes to the centre; not taken here")
_FOR_OTHER = Words(zh="是给另一个节点的，留给它取", en="is for another node; left for it")
_BY_COMMAND = Words(
    zh="请技术人员用 edge enrol 或 edge incarnation 读入", en="a technician reads it by command"
)
_TOO_MUCH = Words(
    zh="一次取不下，请移走已取过的文件再取", en="too much at once: move away what was taken, then again"
)


class Journey(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one taking in or writing out, in words; `left` names each file not used, and why."""

    kind: Literal["fresh", "ageing"]
    words: Words
    left: tuple[Words, ...] = ()


async def mounted(node: Node) -> tuple[str, ...]:
    """The sticks that are in now, by the path of their folder; at most STICKS_MAX."""
    return tuple(await asyncio.to_thread(_mounted, node))


async def look_at(node: Node, name: str) -> Examined:
    """What lies on a stick. Raises NotThere when it is not (or no longer) in, else as `Examiner.look`."""
    await _seen(node, name)
    try:
        return await node.examiner.look(Path(name), node.identity.origin)
    except StickTrouble as error:
        raise _gone() from error


async def write_out(node: Node, name: str) -> Journey:
    """Write what waits for the centre; when this returns every file was read back and the stick may go.

    Raises NotThere as `look_at` does, also for a stick pulled meanwhile, and what `courier.export` raises.
    """
    before = await _seen(node, name)
    made = await courier.export(node, Path(name))
    if await _seen(node, name) != before:
        raise _gone()
    files, entries, many = len(made["files"]), made["entries"], size(made["bytes"])
    zh = f"已写出 {files} 个文件（共 {many}），含台账 {entries} 条，逐个读回核对无误。{_SAFE.zh}"
    en = f"{files} files ({many}) with {entries} entries written, each read back and compared. {_SAFE.en}"
    return Journey(kind="fresh", words=Words(zh=zh, en=en))


async def take_in(node: Node, name: str) -> Journey:
    """Take in what is for this node and hand on other nodes' entries; durable when this returns.

    Raises what `look_at` does, and Busy. A file that is refused changes nothing and is said in words.
    """
    chosen, left = _sorted_out((await look_at(node, name)).files)
    if not chosen:
        return Journey(kind="ageing", words=_NOTHING, left=left)
    try:
        done = await courier.import_files(node, [Path(name) / one.name for one in chosen])
    except CourierRefused as error:
        words = Words(zh=error.message.zh + error.next.zh, en=f"{error.message.en} {error.next.en}")
        return Journey(kind="ageing", words=words, left=left)
    words = Words(
        zh=f"已取入：中心已会签至第 {done.acknowledged} 条，收到 {done.received} 项，"
        f"还有 {done.pending} 条等待。{_SAFE.zh}",
        en=f"Taken in: countersigned to entry {done.acknowledged}, {done.received} received, "
        f"{done.pending} still waiting. {_SAFE.en}",
    )
    return Journey(kind="ageing" if done.alarms else "fresh", words=words, left=(*done.notes, *left))


def _sorted_out(files: tuple[StickFile, ...]) -> tuple[list[StickFile], tuple[Words, ...]]:
    """The files to take in, at most FILE_BYTES_MAX together, and why each other one is left."""
    chosen, left, room = list[StickFile](), list[Words](), FILE_BYTES_MAX
    for one in files:
        why = _why_left(one) or (_TOO_MUCH if one.bytes > room else None)
        if why is None:
            chosen.append(one)
            room -= one.bytes
        else:
            zh, en = f"{one.name}：{one.words.zh}", f"{one.name}: {one.words.en}"
            left.append(Words(zh=f"{zh}，{why.zh}", en=f"{en}; {why.en}"))
    return chosen, tuple(left)


def _why_left(one: StickFile) -> Words | None:
    """Why a file is not for taking in here; None when it is."""
    if one.kind in {"half", "newer", "broken"}:
        return _UNREAD
    if one.kind in {"request", "answer"}:
        return _BY_COMMAND
    if one.kind == "files" or (one.kind == "entries" and one.ours):
        return _FOR_CENTRE
    return None if one.ours or one.kind == "entries" else _FOR_OTHER


def _mounted(node: Node) -> dict[str, tuple[int, int]]:
    """Each stick by its folder's path, with the file system and inode that tell it from another put there."""
    own, found = node.data.stat().st_dev, dict[str, tuple[int, int]]()
    for root in map(Path, node.settings.sticks):
        try:
            for path in sorted(root.iterdir()):
                seen = path.lstat()
                if S_ISDIR(seen.st_mode) and seen.st_dev != own and len(found) < STICKS_MAX:
                    found[str(path)] = seen.st_dev, seen.st_ino
        except OSError:
            continue  # no such folder, or a stick that goes this moment: none is in there
    return found


async def _seen(node: Node, name: str) -> tuple[int, int]:
    """What tells this stick from another. Raises NotThere when it is not in."""
    found = await asyncio.to_thread(_mounted, node)
    if name not in found:
        raise _gone()
    return found[name]


def _gone() -> NotThere:
    return NotThere("no such stick", message=_GONE, step=_PUT_BACK)
