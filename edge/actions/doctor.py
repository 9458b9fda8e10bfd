"""A verdict a line, each with its next step: what a technician asks first."""

from pathlib import Path

from drivers import apart
from edge.actions.check import check
from edge.actions.views import DoctorLine
from edge.errors import EdgeError, SettingsInvalid
from edge.settings import FILE as SETTINGS
from edge.settings import load
from edge.store import disk, slots

LOW_PERCENT = 20
FONT = "NotoSansCJK-Regular.ttc"


async def doctor(data: Path) -> tuple[DoctorLine, ...]:
    """Look at everything that can be looked at without a running node; nothing is changed."""
    lines = [_settings(data), _keys(data), _disk(data), _fonts(), await _sticks()]
    lines += await _store(data)
    lines += _devices(data)
    return tuple(lines)


def _line(check_: str, ok: object, bad: str = "", verdict: str = "bad") -> DoctorLine:
    return DoctorLine(check=check_, verdict="ok" if ok else verdict, next="" if ok else bad)  # type: ignore[arg-type]  # one of the three words


def _settings(data: Path) -> DoctorLine:
    try:
        load(data)
    except SettingsInvalid as error:
        return _line("settings", None, f"{error.message.zh} {error.next.zh}")
    return _line("settings", (data / SETTINGS).exists(), "没有 settings.toml，使用默认值。", "warn")


def _keys(data: Path) -> DoctorLine:
    try:
        slots.unlock(data)
    except EdgeError as error:
        return _line("keys", None, f"{error.message.zh} {error.next.zh}")
    return _line("keys", data)


def _disk(data: Path) -> DoctorLine:
    free = disk.free_percent(data if data.exists() else data.parent)
    return _line(
        "disk",
        free > LOW_PERCENT,
        f"磁盘剩余 {free:.0f}%，请清理。",
        "bad" if free <= LOW_PERCENT / 2 else "warn",
    )


def _fonts() -> DoctorLine:
    folders = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
    found = any(next(folder.rglob(FONT), None) for folder in folders if folder.exists())
    return _line("fonts", found, "请安装 fonts-noto-cjk，否则报告无法排版。")


async def _sticks() -> DoctorLine:
    no = "内核不允许命名空间：查看 U 盘的进程没有与网络隔离；请允许 unshare(CLONE_NEWNET)。"
    return _line("sticks apart", await apart.possible(), no, "warn")


async def _store(data: Path) -> list[DoctorLine]:
    try:
        found = await check(data, load(data))
    except EdgeError as error:
        return [_line("store", None, f"{error.message.zh} {error.next.zh}")]
    live = [lease for lease in found.leases if lease.state in {"green", "amber", "red"}]
    return [
        _line(
            "store", found.store == "ok", f"{found.store}：{found.reason}。请用最近的备份恢复，并报告中心。"
        ),
        _line(
            "ledger",
            found.broken_at is None,
            f"台账第 {found.broken_at} 条不符：{found.reason}。请立即报告中心。",
        ),
        _line(
            "countersigned",
            found.countersigned == found.entries,
            f"有 {found.entries - found.countersigned} 条待中心会签，请联网或用介质交换。",
            "warn",
        ),
        _line("leases", bool(live), "没有有效的离线授权，离线时不能查询；请交换一次。", "warn"),
    ]


def _devices(data: Path) -> list[DoctorLine]:
    """Whether each configured device's file or folder is there; a running node shows their live state."""
    try:
        devices = load(data).devices
    except SettingsInvalid:
        return []
    lines = []
    for device in devices:
        scheme, _, rest = device.address.partition(":")
        place = rest.split("?", 1)[0]
        there = scheme == "tcp" or Path(place).exists()
        lines.append(_line(f"device {device.name}", there, f"找不到 {scheme} 设备，请检查接线。", "warn"))
    return lines
