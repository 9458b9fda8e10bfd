"""`python -m central`: every command of the centre.

Exit codes: 0 holds; 1 a check found something; 2 usage or settings; 3 trouble (disk, line, database); 4
refused. With `--json` a command prints exactly one JSON document on standard output; progress and logs go
to standard error.
"""

import argparse
import asyncio
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
import uvicorn
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from central import app, dispatch, officers
from central.actions import (
    check,
    courier,
    enrol,
    fleet,
    nodes,
    publish,
    reconcile,
    records,
    setup,
    staff,
    trail,
)
from central.actions.centre import Centre, operator
from central.actions.views import DayNode, TrailQuery
from central.arguments import (
    PEOPLE_MAX,
    PORT_MAX,
    ROWS_MAX,
    SPOILED_MAX,
    Parser,
    count,
    day,
    named,
    one_of,
    place,
    region,
)
from central.commands import Said, brought, command, given, opened
from central.errors import (
    EXIT_FOUND,
    EXIT_HOLDS,
    EXIT_REFUSED,
    EXIT_TROUBLE,
    CentralError,
    FolderTrouble,
    Trouble,
    UsageInvalid,
)
from central.listening import bound
from central.pages.vocabulary import MODES
from central.settings import DAY_MS, read
from central.upstream import reference
from matters.differences import next_step
from matters.model import Refusal, Words
from sync.errors import SyncError
from ui.look import size

PURPOSE = "命令行核查：由操作员在中心主机上执行"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code. Without `arguments` this is the program itself (`Namespace.itself`)."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    json = "--json" in words
    app.set_up_logs()
    try:
        asked = parser().parse_args(words, argparse.Namespace(itself=arguments is None))
        said = asked.do(asked)
    except CentralError as error:
        return _no(error.code, error.words, error.next, error.exit_code, json=json)
    except SyncError as error:
        step = Words(zh=error.next_zh, en=error.next_en)
        why = Words(zh=error.next_zh, en=error.detail)
        return _no(error.code, why, step, EXIT_REFUSED, json=json)
    except KeyboardInterrupt:
        return EXIT_HOLDS
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        reason = where + (error.strerror or type(error).__name__)
        said_why = Words(zh=f"磁盘或线路故障：{reason}。", en=f"trouble of disk or line: {reason}")
        trouble = FolderTrouble if error.filename else Trouble
        return _no(trouble.code, said_why, trouble.next, EXIT_TROUBLE, json=json)
    if isinstance(said, Said):
        _print(said, json=asked.json)
        return said.code
    return EXIT_HOLDS


def _print(said: Said, *, json: bool) -> None:
    if json or not said.lines:
        document = msgspec.json.encode(said.document, enc_hook=_plain)
        print((document if json else msgspec.json.format(document, indent=1)).decode())
    else:
        print("\n".join(said.lines))


def _plain(value: Any) -> Any:
    raise TypeError(f"no JSON for {type(value).__name__}")


def _no(code: str, message: Words, step: Words, exit_code: int, *, json: bool) -> int:
    """Why not and what to do now, on standard error; with --json also as the one document."""
    print(f"{message.zh} {step.zh}\n{code}: {message.en} {step.en}", file=sys.stderr)
    if json:
        print(msgspec.json.encode({"code": code, "message": message, "next": step}).decode())
    return exit_code


def init(asked: argparse.Namespace) -> Said:
    """Make a new centre: keys, settings, schema, three administrators."""
    made = asyncio.run(setup.initialise(asked.data, asked.authority, passwords_final=asked.passwords_final))
    lines = [f"中心已初始化：{made.authority}", "以下口令只显示这一次，请分别交给三位管理员："]
    lines += [f"  {one.name}: {one.password}" for one in made.administrators]
    lines.append(f"离线恢复密钥（抄存后离线保管，本机不留存）：{made.recovery}")
    return Said(document=made, lines=tuple(lines))


def serve(asked: argparse.Namespace) -> None:
    """Serve the API and the console until told to stop."""

    async def whole() -> None:
        settings = read(asked.data)
        with ExitStack() as closing:
            taken = bound(asked.host or settings.host, asked.port or settings.port)
            for one in taken:
                closing.enter_context(one)
            async with setup.opened(asked.data) as centre:
                await app.serve(centre, taken)

    asyncio.run(whole())


def bureau(asked: argparse.Namespace) -> None:
    """Serve the reference credit bureau."""
    taken = bound(asked.host, asked.port)
    config = uvicorn.Config(reference.application(), log_config=None, access_log=False)
    uvicorn.Server(config).run(taken)


async def node_create(centre: Centre, asked: argparse.Namespace) -> Said:
    """Create a node."""
    route = [stop.strip() for stop in asked.route.split(",") if stop.strip()]
    return given(
        await nodes.create(
            centre, operator("system"), name=asked.name, region=asked.region, kind=asked.kind, route=route
        )
    )


async def node_code(centre: Centre, asked: argparse.Namespace) -> Said:
    """Another enrolment code for a node."""
    return given(await nodes.new_code(centre, operator("system"), asked.node))


async def node_revoke(centre: Centre, asked: argparse.Namespace) -> Said:
    """Revoke a node."""
    refusal = await nodes.revoke(centre, operator("security"), asked.node, asked.reason)
    return given(refusal) if refusal else Said(document={"node": asked.node, "revoked": True})


async def records_import(centre: Centre, asked: argparse.Namespace) -> Said:
    """Import a file, with a progress bar on standard error."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(asked.file.name, total=None)

        def moved(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        done = await records.import_file(centre, operator("system"), asked.file, moved)
    lines = [f"读入 {done.read} 行，存入 {done.stored} 行，拒收 {done.rejected_count} 行"]
    lines += [f"  第 {one.line} 行：{one.reason}" for one in done.rejected]
    return Said(document=done, lines=tuple(lines))


async def records_sample(centre: Centre, asked: argparse.Namespace) -> Said:
    """Synthetic subjects and records into a file, or through a temporary file straight into the store."""
    rows = records.sample_rows(asked.people, asked.seed, asked.region, centre.now_ms())
    path = asked.out or centre.data / "courier" / f"sample-{asked.region}-{asked.seed}.csv"
    made = await asyncio.to_thread(records.sample_file, path, rows, asked.bad)
    if asked.out:
        return Said(document=made)
    try:
        return Said(document=await records.import_file(centre, operator("system"), path))
    finally:
        path.unlink()


async def records_change(centre: Centre, asked: argparse.Namespace) -> Said:
    """Add one synthetic record to a subject."""
    return Said(document={"record": await records.change(centre, operator("system"), asked.number)})


async def publish_all(centre: Centre, _: argparse.Namespace) -> Said:
    """Publish every scope that changed."""
    done = await publish.publish(centre, operator("system"))
    lines = [f"{one.scope} 第 {one.version} 版 {one.rows} 行 {one.words.zh}" for one in done]
    return Said(document=done, lines=tuple(lines) or ("没有数据范围",))


async def staff_import(centre: Centre, asked: argparse.Namespace) -> Said:
    """Store clerks with their passwords."""
    return Said(document=await staff.import_file(centre, operator("security"), asked.node, asked.file))


async def trail_search(centre: Centre, asked: argparse.Namespace) -> Said:
    """List accesses; the search is on the centre's ledger."""
    if asked.since and asked.until and asked.until < asked.since:
        raise UsageInvalid(
            f"--until（{asked.until}）早于 --since（{asked.since}）。",
            f"--until ({asked.until}) is before --since ({asked.since})",
        )
    if asked.node:
        await fleet.node(centre, asked.node)  # an empty list would hide a node nobody created
    query = TrailQuery(
        subject_number=asked.subject or None,
        actor=asked.actor,
        node=asked.node,
        since_ms=reconcile.bounds(asked.since)[0] if asked.since else None,
        until_ms=reconcile.bounds(asked.until)[0] + DAY_MS - 1 if asked.until else None,
        mode=asked.mode,
        outcome=asked.outcome,
        purpose=asked.purpose,
        limit=asked.limit,
    )
    page = await trail.trail(centre, operator("audit"), query)
    return given(page) if isinstance(page, Refusal) else Said(document=[hexed(row) for row in page.rows])


def hexed(value: Any) -> dict[str, Any]:
    """A struct as JSON values, bytes as hex: what other tools compare."""
    named = msgspec.structs.asdict(value)
    return {name: one.hex() if isinstance(one, bytes) else one for name, one in named.items()}


async def check_all(centre: Centre, asked: argparse.Namespace) -> Said:
    """Hash everything again."""
    found = await check.check(centre, asked.node or None)
    broken = any(one.broken_at is not None for one in found)
    lines = [
        f"{one.origin} {one.size} 条 "
        + (f"第 {one.broken_at} 条起不成立（{one.reason.zh}）" if one.reason else "完好")
        for one in found
    ]
    if broken:
        lines.append(next_step("copies-differ").zh)
    return Said(document={"nodes": found}, code=EXIT_FOUND if broken else EXIT_HOLDS, lines=tuple(lines))


async def reconcile_day(centre: Centre, asked: argparse.Namespace) -> Said:
    """Reconcile one day."""
    done = await reconcile.reconcile(centre, asked.day)
    lines = [line for node in done.nodes for line in _day_lines(node)]
    return Said(document=done, lines=tuple(lines) or ("没有节点",))


def _day_lines(node: DayNode) -> Iterator[str]:
    said = [] if node.heard else ["尚未报来，" + next_step("silent-node").zh.rstrip("。")]
    if node.findings:
        said.append(f"差异 {len(node.findings)}")
    yield f"{node.node_name} {'，'.join(said) or ('相符' if node.matched else '未日结')}"
    for one in node.findings:
        about = "" if one.object in one.words.zh else f"（{one.object}）"
        yield f"  {one.words.zh}{about}。{next_step(one.code).zh}"


async def courier_import(centre: Centre, asked: argparse.Namespace) -> Said:
    """Take in batches from a stick."""
    taken = await courier.import_files(centre, operator("system"), asked.files)
    refused = any(one.code for one in taken)
    lines = [
        f"{one.file} 未收：{one.next}"
        if one.code
        else f"{one.file} 已收：{one.origin} 共 {one.size} 条，已会签 {one.countersigned} 条"
        for one in taken
    ]
    code = EXIT_REFUSED if refused else EXIT_HOLDS
    return Said(document={"files": taken}, code=code, lines=tuple(lines))


async def courier_export(centre: Centre, asked: argparse.Namespace) -> Said:
    """Write a node's answer onto a stick."""
    done = await courier.export(centre, operator("system"), asked.node, asked.path)
    lines = [f"节点 {done.node}：写出 {len(done.files)} 个文件，共 {size(done.bytes)}，可以取下介质"]
    lines += [
        f"  数据集 {one.scope} 至第 {one.version} 版，{one.files} 个文件，{size(one.bytes)}"
        for one in done.packs
    ]
    return Said(document=done, lines=tuple(lines))


async def trust_file(centre: Centre, _: argparse.Namespace) -> Said:
    """The public trust file."""
    return Said(document=await enrol.trust(centre))


def parser() -> argparse.ArgumentParser:
    """Every command with its arguments."""
    top = Parser(prog="central", description="驿站中心平台 / the centre of Yizhan")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    _running(commands)
    _fleet(commands)
    _records(commands)
    _evidence(commands)
    officers.register(commands)
    dispatch.register(commands)
    return top


def _running(commands: Any) -> None:
    one = command(commands, "init", init, "初始化 / keys, settings, the three administrators")
    one.add_argument("--authority", default="qingzhou.example")
    one.add_argument(
        "--passwords-final", action="store_true", help="no change at first sign-in: demonstrations"
    )
    one = command(commands, "serve", serve, "开始服务 / API and console, on an embedded database by default")
    one.add_argument("--host", default="")
    one.add_argument("--port", type=count("--port", 0, PORT_MAX), default=0)
    one = command(commands, "bureau", bureau, "参考征信机构 / a reference credit bureau")
    one.add_argument("--host", default="127.0.0.1")
    one.add_argument("--port", type=count("--port", 1, PORT_MAX), required=True)


def _fleet(commands: Any) -> None:
    node = commands.add_parser("node", help="节点 / nodes").add_subparsers(required=True, metavar="VERB")
    one = command(node, "create", opened(node_create), "新建节点 / a new node and its one-time code")
    one.add_argument("--name", type=named("--name"), required=True)
    one.add_argument("--region", type=region, required=True)
    one.add_argument("--kind", required=True, choices=("hall", "bus"))
    one.add_argument("--route", default="", help="township codes of a bus, separated by commas")
    one = command(node, "code", opened(node_code), "再发登记码 / another enrolment code for a node")
    one.add_argument("--node", required=True)
    one = command(node, "revoke", opened(node_revoke), "吊销节点 / trust nothing more that a node signs")
    one.add_argument("--node", required=True)
    one.add_argument("--reason", required=True)
    clerks = commands.add_parser("staff", help="人员 / clerks").add_subparsers(required=True, metavar="VERB")
    one = command(clerks, "import", opened(staff_import), "导入人员 / clerks of a node from CSV or TOML")
    one.add_argument("--node", required=True)
    one.add_argument("file", type=Path)


def _records(commands: Any) -> None:
    kept = commands.add_parser("records", help="主体与记录 / subjects and records").add_subparsers(
        required=True, metavar="VERB"
    )
    one = command(kept, "import", opened(records_import), "导入记录 / CSV, JSONL, Parquet; rejects listed")
    one.add_argument("file", type=Path)
    one = command(kept, "sample", opened(records_sample), "合成数据 / synthetic people, bodies and records")
    one.add_argument("--people", type=count("--people", 1, PEOPLE_MAX), required=True)
    one.add_argument("--seed", type=int, default=1)
    one.add_argument("--region", type=place, required=True)
    one.add_argument("--out", type=Path, help="write a CSV file instead of importing")
    one.add_argument("--bad", type=count("--bad", 0, SPOILED_MAX), default=0, help="lines spoiled on purpose")
    one = command(kept, "change", opened(records_change), "加一条合成记录 / one synthetic record")
    one.add_argument("--number", required=True)
    command(commands, "publish", opened(publish_all), "发布数据集 / publish every scope that changed")


def _evidence(commands: Any) -> None:
    one = command(commands, "trail", opened(trail_search), "访问轨迹 / who saw whom")
    for name in ("subject", "actor", "node", "outcome"):
        one.add_argument(f"--{name}", default="")
    one.add_argument("--mode", type=one_of("--mode", tuple(MODES)), default="")
    for name in ("since", "until"):
        one.add_argument(f"--{name}", type=day(f"--{name}"), default=None, metavar="2026-11-21")
    one.add_argument("--purpose", default=PURPOSE)
    one.add_argument("--limit", type=count("--limit", 1, ROWS_MAX), default=1000)
    one = command(commands, "check", opened(check_all), "核对台账 / hash all, compare with signed roots")
    one.add_argument("--node", default="")
    one = command(commands, "reconcile", opened(reconcile_day), "对账 / recount a day, name the differences")
    one.add_argument("--day", type=day("--day"), required=True, metavar="2026-11-21")
    one = command(commands, "import", brought(courier_import), "从介质读入 / batches from a stick")
    one.add_argument("files", type=Path, nargs="+")
    one = command(commands, "export", opened(courier_export), "写出回执到介质 / a node's answer onto a stick")
    one.add_argument("--node", required=True)
    one.add_argument("path", type=Path)
    command(commands, "trust", opened(trust_file), "公开密钥 / the public keys a verifier needs")


if __name__ == "__main__":
    sys.exit(main())
