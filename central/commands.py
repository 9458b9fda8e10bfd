"""What every command of the centre is made of: its flags, its answer, the centre it runs on, and who speaks.

Whoever may use this machine may use its commands, in the role each belongs to. What needs a named person's
word (two officers are two persons) needs that person's own account: `by_officer`.
"""

import argparse
import asyncio
import getpass
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec

from central.actions import setup, sign_in
from central.actions.centre import AdminSession, Centre
from central.errors import EXIT_HOLDS, EXIT_REFUSED, UsageInvalid
from central.settings import read
from drivers import apart
from matters.model import Refusal, Words

Run = Callable[[Centre, argparse.Namespace], Awaitable["Said"]]
SignedRun = Callable[[Centre, AdminSession, argparse.Namespace], Awaitable["Said"]]
PASSWORD_CHARACTERS_MAX = 1024
MEMORY_BYTES = 4 << 30


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What a command answers: one document, its exit code, and lines for people."""

    document: Any
    code: int = EXIT_HOLDS
    lines: tuple[str, ...] = ()


def opened(run: Run) -> Callable[[argparse.Namespace], Said]:
    """A command that needs the centre of --data open."""

    async def whole(asked: argparse.Namespace) -> Said:
        async with setup.opened(asked.data) as centre:
            return await run(centre, asked)

    return lambda asked: asyncio.run(whole(asked))


def brought(run: Run) -> Callable[[argparse.Namespace], Said]:
    """`opened` for what reads files somebody brought: without network from its start, with bounded memory.

    Where the database is reached over the network, or the kernel refuses, or another program called the
    command within itself, the network stays: it is said, and stands in the document as `apart`.
    """

    async def bounded(centre: Centre, asked: argparse.Namespace) -> Said:
        if asked.itself:
            apart.bound(MEMORY_BYTES)  # not before: a database started by us would inherit it
        return await run(centre, asked)

    def whole(asked: argparse.Namespace) -> Said:
        is_apart = asked.itself and read(asked.data).database_by_file and apart.without_network()
        said = opened(bounded)(asked)
        document = said.document | {"apart": is_apart}
        lines = said.lines if is_apart else (*said.lines, _ON_THE_NETWORK)
        return msgspec.structs.replace(said, document=document, lines=lines)

    return whole


def by_officer(run: SignedRun) -> Run:
    """A command that stands for its speaker: they sign in first (`signs` adds the flags), and out at the end.

    A wrong password counts against the account as it does in the console.
    """

    async def whole(centre: Centre, asked: argparse.Namespace) -> Said:
        password = await asyncio.to_thread(_password, asked.password_file)
        session = await sign_in.sign_in(centre, asked.officer, password)
        if isinstance(session, Refusal):
            return given(session)
        try:
            if session.must_change:
                return given(_CHANGE_FIRST)
            return await run(centre, msgspec.structs.replace(session, place="command-line"), asked)
        finally:
            await sign_in.sign_out(centre, session)

    return whole


def signs(one: argparse.ArgumentParser, *, required: bool = True) -> None:
    """The flags of a command `by_officer`. A password never stands in a command's words."""
    one.add_argument("--officer", default="", required=required, help="your own account's name")
    one.add_argument("--password-file", default="", metavar="FILE", help="a file, or - for standard input")


def _password(name: str) -> str:
    if name == "-":
        return sys.stdin.read(PASSWORD_CHARACTERS_MAX).rstrip("\r\n")
    if name:
        with Path(name).open(encoding="utf-8") as file:
            return file.read(PASSWORD_CHARACTERS_MAX).rstrip("\r\n")
    if not sys.stdin.isatty():
        raise UsageInvalid(
            "请用 --password-file 给出口令文件，或在终端上输入。", "give --password-file, or use a terminal"
        )
    return getpass.getpass("口令 / password: ", stream=sys.stderr)


def given(value: Any) -> Said:
    """A result, or a refusal as exit code 4."""
    if isinstance(value, Refusal):
        lines = (f"{value.message.zh} {value.next.zh}", f"{value.code}: {value.message.en}")
        return Said(document=value, code=EXIT_REFUSED, lines=lines)
    return Said(document=value)


def _folder(text: str) -> Path:
    """A folder wherever we are called from: the database server has its own working folder."""
    return Path(text).resolve()


def command(commands: Any, name: str, do: Callable[[argparse.Namespace], object], words: str) -> Any:
    """One command; all take --data and --json."""
    made = commands.add_parser(name, help=words, description=words)
    made.add_argument("--data", type=_folder, default=_folder("data"), help="data folder of the centre")
    made.add_argument("--json", action="store_true", help="print one JSON document")
    made.set_defaults(do=do)
    return made


_ON_THE_NETWORK = "本次读入没有与网络隔离：数据库经网络连接，或内核不允许 / not apart from the network"
_CHANGE_FIRST = Refusal(
    code="password-first",
    message=Words(zh="一次性口令须先更换。", en="the one-time password must be replaced first"),
    rule="登录策略",
    next=Words(zh="请先在中心网页登录并设置新口令。", en="Sign in at the console and set your own."),
)
