"""Commands of the technician: new incarnations, backups that come back, key slots.

Passphrases, shares and released keys come from files, standard input (`-`) or the terminal, never from a
command's words: those stand in the process list.
"""

import argparse
import base64
import getpass
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from edge.errors import UsageInvalid

Command = Callable[..., argparse.ArgumentParser]
WithNode = Callable[[argparse.Namespace, Callable[[Any], Awaitable[Any]]], Awaitable[Any]]
REASONS = ("rollback", "clone", "disk-lost", "key-compromised", "planned")
SECRET_BYTES_MAX = 4096


def register(commands: Any, command: Command, with_node: WithNode) -> None:
    """Add these commands; `command` makes one, `with_node` runs an action on the opened node."""
    _incarnation(commands, command, with_node)
    _keys(commands, command, with_node)
    _restore(commands, command)
    _rebuild(commands, command)
    _lease(commands, command, with_node)
    _witness(commands, command, with_node)
    _recount(commands, command, with_node)


def _recount(commands: Any, command: Command, with_node: WithNode) -> None:
    async def run(options: argparse.Namespace) -> tuple[Any, int]:
        from edge.actions import recount

        if options.file:
            done = await with_node(options, lambda node: recount.from_stick(node, options.file))
        else:
            done = await with_node(options, recount.recount)
        return done, int(done.differs_at is not None)

    one = command(commands, "recount", run, "与中心副本深度核对 / compare with the centre's copy")
    one.add_argument("--file", type=Path, help="what central recount --out wrote, instead of the line")


def _witness(commands: Any, command: Command, with_node: WithNode) -> None:
    async def show(options: argparse.Namespace) -> tuple[Any, int]:
        from edge.actions.witness import witness

        return await with_node(options, witness), 0

    async def compare(options: argparse.Namespace) -> tuple[Any, int]:
        from edge.actions.witness import compared

        done = await with_node(options, lambda node: compared(node, options.files))
        return done, int(bool(done.splits))

    command(commands, "witness", show, "本节点所见的中心台账 / the centre's ledger as seen here")
    one = command(commands, "compare", compare, "与其他节点所见比对 / compare with what other nodes saw")
    one.add_argument("files", nargs="+", type=Path, help="what edge witness --json printed elsewhere")


def _incarnation(commands: Any, command: Command, with_node: WithNode) -> None:
    async def run(options: argparse.Namespace) -> tuple[Any, int]:
        from edge.actions import incarnation

        async def asked(node: Any) -> Any:
            if options.source:
                return await incarnation.accept(node, options.source)
            how = {"code": options.code, "anew": options.again}
            if options.to:
                return await incarnation.request(node, options.reason, options.to, **how)
            return await incarnation.renew(node, options.reason, **how)

        if not (options.reason or options.source):
            raise UsageInvalid("请用 --reason 写明原因。", "say why: --reason")
        return await with_node(options, asked), 0

    one = command(commands, "incarnation", run, "申请换代，批准后启用 / a new incarnation, once approved")
    one.add_argument("--reason", default="", choices=REASONS, help="why the history ends")
    by_stick(one)
    one.add_argument("--code", default="", help="a one-time code, where the old key is no longer trusted")
    one.add_argument("--again", action="store_true", help="offer other new keys than last time")


def by_stick(one: argparse.ArgumentParser) -> None:
    """The flags of what goes by two files on a stick instead of a line."""
    one.add_argument("--to", type=Path, metavar="DIR", help="write the request onto a stick, for the centre")
    one.add_argument("--from", dest="source", type=Path, metavar="FILE", help="read the centre's answer")


def _keys(commands: Any, command: Command, with_node: WithNode) -> None:
    async def run(options: argparse.Namespace) -> tuple[Any, int]:
        from edge.actions import keys

        if options.act == "list":
            return keys.listed(options.data), 0
        if options.act == "rotate":
            return await keys.rotate(options.data), 0
        if options.act == "ask":
            return {"public": await keys.ask_release(options.data)}, 0
        if options.act == "remove":
            return await with_node(options, lambda node: keys.remove(node, _slot(options))), 0
        passphrase = _passphrase(options) if options.kind == "manager" else ""
        return await with_node(options, lambda node: keys.add(node, options.kind, passphrase=passphrase)), 0

    one = command(commands, "keys", run, "密钥槽 / key slots")
    one.add_argument("act", choices=["list", "add", "remove", "rotate", "ask"], help="what to do")
    one.add_argument("--slot", default="", help="which slot (remove)")
    one.add_argument("--kind", choices=["manager", "county", "escrow"], default="manager", help="which (add)")
    one.add_argument("--passphrase-file", metavar="FILE", default="", help="a file, or - for standard input")


def _restore(commands: Any, command: Command) -> None:
    async def run(options: argparse.Namespace) -> tuple[Any, int]:
        from edge.actions.restore import Means, restore

        means = Means(
            passphrase=_passphrase(options) if options.passphrase_file else "",
            shares=tuple(_secret(name) for name in options.share_file),
            machine_key=options.machine_key,
            escrow=_released(options.escrow) if options.escrow else b"",
        )
        return await restore(options.data, options.file, means), 0

    one = command(commands, "restore", run, "从备份恢复 / make a folder from a backup")
    one.add_argument("file", type=Path, help="the backup; its .keys file lies beside it")
    one.add_argument("--passphrase-file", metavar="FILE", default="", help="the manager's, or -")
    one.add_argument("--share-file", metavar="FILE", nargs=2, default=(), help="two officers' shares")
    one.add_argument("--machine-key", metavar="FILE", type=Path, help="the old machine's key")
    one.add_argument("--escrow", metavar="FILE", default="", help="what central escrow release printed")


def _lease(commands: Any, command: Command, with_node: WithNode) -> None:
    async def run(options: argparse.Namespace) -> tuple[Any, int]:
        from edge.actions import spoken

        return await with_node(options, lambda node: spoken.take(node, " ".join(options.digits))), 0

    one = command(commands, "lease", run, "电话授权码 / extend leases by a code the centre reads out")
    one.add_argument("digits", nargs="+", help="48 digits, in groups or not")


def _rebuild(commands: Any, command: Command) -> None:
    async def run(options: argparse.Namespace) -> tuple[Any, int]:
        from edge.actions.rebuild import rebuild
        from edge.settings import load
        from edge.store.files import hold_service

        with hold_service(options.data):
            done = await rebuild(options.data, load(options.data))
        return done or {"pages": [], "next": "数据库各页完好，未作改动 / every page is whole"}, 0

    command(commands, "rebuild", run, "隔离损坏的数据库并重建 / put a broken database aside and rebuild it")


def _slot(options: argparse.Namespace) -> str:
    if not options.slot:
        raise UsageInvalid("请写明要移除的密钥槽，如 --slot manager。", "name the slot: --slot manager")
    return str(options.slot)


def _passphrase(options: argparse.Namespace) -> str:
    if options.passphrase_file:
        return _secret(options.passphrase_file)
    if not sys.stdin.isatty():
        raise UsageInvalid(
            "请用 --passphrase-file 给出口令文件，或在终端上输入。",
            "give --passphrase-file, or use a terminal",
        )
    return getpass.getpass("口令 / passphrase: ", stream=sys.stderr)


def _secret(name: str) -> str:
    """The first lines of a file or of standard input, without the line break at the end."""
    if name == "-":
        return sys.stdin.read(SECRET_BYTES_MAX).rstrip("\r\n")
    with Path(name).open(encoding="utf-8") as file:
        return file.read(SECRET_BYTES_MAX).rstrip("\r\n")


def _released(name: str) -> bytes:
    try:
        return base64.b64decode(_secret(name).strip(), validate=True)
    except ValueError as error:
        raise UsageInvalid(
            "--escrow 的文件应是中心给出的一行文字。", "--escrow is one line of base64"
        ) from error
