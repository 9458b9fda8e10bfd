"""The node's settings: one frozen struct, read once from `DATA/settings.toml`, handed down.

An unknown key, a value of another type or an impossible combination refuses to start and names the line.
"""

import re
import tomllib
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from drivers.registry import Kind
from edge.errors import SettingsInvalid

FILE = "settings.toml"
DeviceKind = Kind
Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
Count = Annotated[int, msgspec.Meta(ge=1)]


class DeviceSetting(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One device of the hall. `address` is a URL (`serial:/dev/ttyUSB0?baud=115200`, `tcp:127.0.0.1:9100`).

    Serial lines are best named by udev's stable links (`serial:/dev/serial/by-id/…`). An `a4_printer` has a
    queue as address (`ipp:host:631/printers/name`, `spool:/folder`).
    `window` "" serves every window.
    """

    name: str
    kind: DeviceKind
    address: str
    window: str = ""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything a site may set; durations carry their unit in the name.

    `jurisdiction` and `offers` make the site policy of `matters` (empty `offers` = the whole catalogue);
    `prints` False is a small site without a report printer (F019). `store_bytes_max` 0 leaves the
    database's size to the disk. `disk_free_min_percent`: below it sensitive answers stop; `reserve_mb` is
    the ballast file freed for entries and shutdown. `link` is the kind of line
    (`edge.actions.budget.LINKS`), `link_day_mb` its budget a day for records and files (0: what the kind
    says). `pack_slice_rows`: how many rows of a data set one transaction takes; an answer waits for one such
    transaction, on a slow disk fewer rows keep that short.
    `metrics_token` "" lets loopback only read /metrics. `sticks` are the folders in which the system
    mounts USB sticks, each stick a folder of its own right below; the courier page offers no other.
    """

    host: str = "127.0.0.1"
    port: Port = 8330
    centre: str = ""
    hall: str = ""
    region: str = ""
    jurisdiction: str = "310000"
    kind: Literal["hall", "bus"] = "hall"
    windows: tuple[str, ...] = ("1", "2", "3")
    devices: tuple[DeviceSetting, ...] = ()
    language: Literal["zh-CN", "en"] = "zh-CN"
    offers: tuple[str, ...] = ()
    prints: bool = True
    answer_deadline_ms: Count = 1500
    exchange_every_s: Count = 300
    exchange_news_s: Count = 20
    exchange_jitter_percent: Annotated[int, msgspec.Meta(ge=0, le=50)] = 20
    probe_every_s: Count = 10
    exchange_deadline_s: Count = 600
    link: Literal["normal", "thin", "metered"] = "normal"
    link_day_mb: Annotated[int, msgspec.Meta(ge=0)] = 0
    checkpoint_every_s: Count = 60
    secure_cookies: bool = False
    idle_lock_s: Count = 300
    session_max_s: Count = 43200
    read_keep_s: Count = 300
    disk_free_min_percent: Annotated[int, msgspec.Meta(ge=0, le=99)] = 10
    reserve_mb: Annotated[int, msgspec.Meta(ge=0)] = 8
    store_bytes_max: Annotated[int, msgspec.Meta(ge=0)] = 0
    pack_slice_rows: Count = 500
    metrics_token: str = ""
    sticks: tuple[str, ...] = ()


EXAMPLE = """\
# 驿站节点配置 / settings of a Yizhan node. Every key is optional; an unknown key refuses to start.
host = "127.0.0.1"
port = 8330
centre = {centre}
hall = {hall}
region = {region}
kind = {kind}
windows = ["1", "2", "3"]
language = "zh-CN"
answer_deadline_ms = 1500
exchange_every_s = 300
link = "normal"                # thin, metered: records and report files keep to a budget a day
# sticks = ["/media/yizhan"]     # where the system mounts USB sticks, for the page 信使

# [[devices]]
# name = "阅读机 1"
# kind = "id_reader"
# address = "serial:/dev/serial/by-id/usb-FTDI_FT232R_A50285BI-if00-port0?baud=115200"
# window = "1"
"""


def load(data: Path) -> Settings:
    """The settings of a data folder; a missing file means all defaults.

    Raises SettingsInvalid naming the line for bad TOML, unknown keys, wrong types, impossible combinations.
    """
    path = data / FILE
    if not path.exists():
        return Settings()
    try:
        return parse(path.read_text("utf-8"), str(path))
    except UnicodeDecodeError as error:
        raise SettingsInvalid(str(path), 0, f"not UTF-8 at byte {error.start}") from error


def parse(text: str, path: str = FILE) -> Settings:
    """The settings that `text` (TOML) states; raises SettingsInvalid with the line."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        raise SettingsInvalid(path, int(found[1]) if found else 0, str(error)) from error
    try:
        settings = msgspec.convert(raw, Settings)
    except msgspec.ValidationError as error:
        raise SettingsInvalid(path, _line_of_error(text, str(error)), str(error)) from error
    _check(settings, text, path)
    return settings


def first_text(*, centre: str, hall: str, region: str, kind: str) -> str:
    """The text of a node's first settings file, for whoever writes it durably."""
    stated = {"centre": centre, "hall": hall, "region": region, "kind": kind}
    return EXAMPLE.format(**{name: _quoted(value) for name, value in stated.items()})


def _quoted(text: str) -> str:
    """A TOML basic string; JSON's escapes are a subset of TOML's."""
    return msgspec.json.encode(text).decode()


def _check(settings: Settings, text: str, path: str) -> None:
    if not settings.windows:
        raise SettingsInvalid(path, _line_of(text, "windows"), "a hall needs a window")
    names = [device.name for device in settings.devices]
    for device in settings.devices:
        if names.count(device.name) > 1:
            raise SettingsInvalid(path, _line_of(text, device.name), f"two devices named {device.name!r}")
        if device.window and device.window not in settings.windows:
            raise SettingsInvalid(path, _line_of(text, device.name), f"no window {device.window!r}")
    if settings.centre and not settings.centre.startswith(("http://", "https://")):
        raise SettingsInvalid(path, _line_of(text, "centre"), "centre must be an http(s) address")
    if not all(re.fullmatch(r"/.*[^/].*", folder) for folder in settings.sticks):
        raise SettingsInvalid(path, _line_of(text, "sticks"), "sticks are full paths below /")


def _line_of_error(text: str, message: str) -> int:
    """The line a validation error speaks of: its unknown field, or the last key of its path."""
    found = re.search(r"unknown field `([^`]+)`", message)
    if found is None:
        found = re.search(r"at `\$(?:.*?)\.?([A-Za-z_]+)(?:\[[^]]*\])*`", message)
    return _line_of(text, found[1]) if found else 0


def _line_of(text: str, word: str) -> int:
    for number, line in enumerate(text.splitlines(), 1):
        if word in line and not line.lstrip().startswith("#"):
            return number
    return 0
