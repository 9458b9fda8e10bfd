"""The command line of a node.

Exit codes: 0 holds, 1 a check found something, 2 usage or settings, 3 trouble, 4 refused.

With `--json` exactly one JSON document goes to standard output; everything else goes to standard error.
"""

import argparse
import asyncio
import gc
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any

import msgspec

from edge import arguments, technician
from edge.errors import EdgeError, FolderTrouble, UsageInvalid
from edge.settings import Settings, load
from edge.uplink.knock import Knock

Run = Callable[[argparse.Namespace], Awaitable[tuple[Any, int]]]
VERDICTS = {"ok": "正常 ok  ", "warn": "注意 warn", "bad": "故障 bad "}


def main(argv: list[str] | None = None) -> int:
    """Run one command; its exit code."""
    _import_plainly()
    from edge.security import journal

    words = sys.argv[1:] if argv is None else argv
    json = "--json" in words
    journal.configure()
    try:
        options = parser().parse_args(words)
        if options.command == "serve":
            return _serve(options)
        value, code = asyncio.run(options.run(options))
    except EdgeError as error:
        return _trouble(error, json=json)
    except OSError as error:
        return _trouble(FolderTrouble(error), json=json)
    except KeyboardInterrupt:
        return 3
    _say(options, value)
    return int(code)


def parser() -> argparse.ArgumentParser:
    """The commands of `interfaces.md`."""
    top = arguments.Parser(prog="edge", description="驿站节点 / a node of Yizhan")
    commands = top.add_subparsers(dest="command", required=True)
    enrol = _command(commands, "enrol", _enrol, "登记本节点 / enrol with a one-time code")
    enrol.add_argument(
        "--centre", type=arguments.address, metavar="URL", help="the centre's address, if there is a line"
    )
    enrol.add_argument("--code", type=arguments.code, help="the one-time code")
    technician.by_stick(enrol)
    serve = _command(commands, "serve", _serve, "开始服务 / serve the hall", json=False)
    serve.add_argument("--host", default="", help="address to listen on (default: settings)")
    serve.add_argument("--port", type=arguments.port, default=0, help="port to listen on (default: settings)")
    serve.add_argument(
        "--training", action="store_true", help="练习 / practise in DIR/training, on virtual devices only"
    )
    _command(commands, "exchange", _exchange, "立即交换一次 / one exchange now")
    export = _command(commands, "export", _export, "导出到介质 / write what waits to a stick")
    export.add_argument("path", type=Path, help="a folder on the stick")
    export.add_argument(
        "--certificate", action="store_true", help="also what a restored centre knows this node by again"
    )
    imported = _command(commands, "import", _import, "从介质导入 / take what the centre sent back")
    imported.add_argument("files", nargs="+", type=Path, help="files from the stick")
    shown = _command(commands, "stick", _stick, "介质上有什么 / what lies on a stick, in words")
    shown.add_argument("path", type=Path, help="a folder on the stick")
    _command(commands, "check", _check, "自检台账与数据库 / the node's fsck")
    _command(commands, "doctor", _doctor, "逐项诊断 / a verdict a line")
    backup = _command(commands, "backup", _backup, "备份数据库 / copy the database")
    backup.add_argument("path", type=Path, help="the copy's file")
    technician.register(commands, _command, _with_node)
    return top


def _command(commands: Any, name: str, run: Any, text: str, *, json: bool = True) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    made.add_argument("--data", required=True, type=Path, metavar="DIR", help="the node's data folder")
    if json:
        made.add_argument("--json", action="store_true", help="one JSON document on standard output")
    made.set_defaults(run=run)
    return made


async def _with_node(options: argparse.Namespace, work: Callable[[Any], Awaitable[Any]]) -> Any:
    from edge.actions.node import close_node, open_node

    node = await open_node(options.data, load(options.data))
    try:
        return await work(node)
    finally:
        await close_node(node)


async def _enrol(options: argparse.Namespace) -> tuple[Any, int]:
    from edge.actions import enrol

    if options.source:
        return await enrol.accept(options.data, options.source, options.centre or ""), 0
    if options.code and options.to:
        return await enrol.request(options.data, options.code, options.to), 0
    if not (options.code and options.centre):
        raise UsageInvalid(
            "联网登记用 --centre 和 --code；用介质登记用 --code 和 --to，再用 --from 读入批复。",
            "give --centre and --code; by stick --code and --to, then --from",
        )
    return await enrol.enrol(options.data, options.centre, options.code), 0


async def _exchange(options: argparse.Namespace) -> tuple[Any, int]:
    from edge.actions.exchange import exchange

    return await _with_node(options, exchange), 0


async def _export(options: argparse.Namespace) -> tuple[Any, int]:
    from edge.actions import courier

    return await _with_node(
        options, lambda node: courier.export(node, options.path, certificate=options.certificate)
    ), 0


async def _import(options: argparse.Namespace) -> tuple[Any, int]:
    from edge.actions import courier

    return await _with_node(options, lambda node: courier.import_files(node, options.files)), 0


async def _stick(options: argparse.Namespace) -> tuple[Any, int]:
    async def listed(node: Any) -> Any:
        return await node.examiner.look(options.path, node.identity.origin)

    return list((await _with_node(options, listed)).files), 0


async def _check(options: argparse.Namespace) -> tuple[Any, int]:
    from edge.actions.check import check

    found = await check(options.data, load(options.data))
    broken = found.broken_at is not None or found.store != "ok"
    return found, int(broken)


async def _doctor(options: argparse.Namespace) -> tuple[Any, int]:
    from edge.actions.doctor import doctor

    lines = await doctor(options.data)
    return lines, int(any(line.verdict == "bad" for line in lines))


async def _backup(options: argparse.Namespace) -> tuple[Any, int]:
    from edge.actions.backup import backup

    return await _with_node(options, lambda node: backup(node, options.path)), 0


def _import_plainly() -> None:
    """Read in the line (httpx) and structlog without rich, which both take along for a developer's terminal.

    A node writes JSON lines; what nobody will see need not hold up its start.
    """
    blocked = "rich" not in sys.modules
    if blocked:
        sys.modules["rich"] = None  # type: ignore[assignment]  # the language's own way to say "not installed"
    try:
        import structlog

        from edge.uplink import line
    finally:
        if blocked:
            del sys.modules["rich"]
    assert line
    assert structlog


def _serve(options: argparse.Namespace) -> int:
    """Serve until told to stop. uvloop; personal data never reaches the log.

    Nothing is collected before the port is open, and the line is tried while the program is read in.
    """
    settings = load(options.data)
    if options.training:
        from edge.actions.training import settings_for

        settings = settings_for(settings)
    knock = Knock(settings.centre, settings.answer_deadline_ms / 1000)
    knock.start()
    import uvloop

    if options.host or options.port:
        settings = msgspec.structs.replace(
            settings, host=options.host or settings.host, port=options.port or settings.port
        )
    gc.disable()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return int(runner.run(_serving(options.data, settings, knock, training=options.training)))
    finally:
        gc.enable()


async def _serving(data: Path, settings: Settings, knock: Knock, *, training: bool) -> int:
    from edge.actions.node import close_node
    from edge.actions.rebuild import open_whole
    from edge.app import serve
    from edge.errors import NotEnrolled
    from edge.listening import bound
    from edge.pages.table import ROUTES
    from edge.store.files import hold_service

    if training:
        from edge.actions.training import prepare

        data = await prepare(data, settings)
    if not (data / "keys").exists():
        raise NotEnrolled("no data folder")
    with ExitStack() as closing:
        closing.enter_context(hold_service(data))
        taken = bound(settings.host, settings.port)
        for one in taken:
            closing.enter_context(one)
        node = await open_whole(data, settings)
        try:
            async with AsyncExitStack() as devices:
                if node.training:
                    from edge.actions.training import practising

                    await devices.enter_async_context(practising(node))
                failed = await serve(node, ROUTES, taken, knock)
        finally:
            await close_node(node)
    return 3 if failed else 0


def _say(options: argparse.Namespace, value: Any) -> None:
    if options.json:
        sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
    elif isinstance(value, tuple):
        for line in value:
            print(f"{VERDICTS[line.verdict]}  {line.check:<28} {line.next}")
    else:
        plain = msgspec.to_builtins(value)
        for name, found in plain.items() if isinstance(plain, dict) else enumerate(plain):
            print(f"{name}: {found}")


def _trouble(error: EdgeError, *, json: bool) -> int:
    """What is wrong and what to do now, in both languages, on standard error.

    With --json also as a document.
    """
    for words in (error.message, error.next):
        print(f"{words.zh}\n  {words.en}", file=sys.stderr)
    if error.detail:
        print(f"  [{error.code}] {error.detail}", file=sys.stderr)
    if json:
        body = {"code": error.code, "message": error.message, "next": error.next, "detail": error.detail}
        sys.stdout.write(msgspec.json.encode(body).decode() + "\n")
    return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
