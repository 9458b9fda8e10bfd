"""What every command of the centre is made of: its flags, its answer, and the centre it runs on."""

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec

from central.actions import setup
from central.actions.centre import Centre
from central.errors import EXIT_HOLDS, EXIT_REFUSED
from matters.model import Refusal

Run = Callable[[Centre, argparse.Namespace], Awaitable["Said"]]


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
