"""Settings of the centre.

One frozen struct, read once from DATA/settings.toml; an unknown key refuses to start.
"""

import tomllib
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

from central.errors import SettingsInvalid
from matters.model import Words

FILE = "settings.toml"
NO_CENTRE = Words(
    zh="请核对 --data 是不是中心的数据文件夹；新建中心请先运行 central init。",
    en="Check that --data is a centre's folder; central init makes a new centre.",
)
DAY_MS = 86_400_000


class KindPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a kind of node gets: its fail-closed window and the length and bounds of its leases.

    `lease_hours` by capability, "*" for the rest (protocol section 6: hall 72 h, bus 16 h by default).
    """

    window_hours: int
    lease_hours: dict[str, int]
    lease_answers: int
    lease_boots: int

    def hours(self, capability: str) -> int:
        """Lease length of that capability in hours."""
        return self.lease_hours.get(capability, self.lease_hours["*"])


HALL = KindPolicy(
    window_hours=72,
    lease_hours={"public": 720, "points": 168, "*": 72},
    lease_answers=5000,
    lease_boots=50,
)
BUS = KindPolicy(
    window_hours=336,
    lease_hours={"public": 720, "points": 168, "*": 16},
    lease_answers=1000,
    lease_boots=20,
)


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything a person may set. Field order is the order of the example in README.md.

    `database` and `database_owner` are DSNs of the roles `yizhan_app` and of the schema's owner; both
    empty means the embedded database under DATA/pg. `bureau_url` is a credit bureau's address, empty for
    none.
    """

    authority: str = "qingzhou.example"
    host: str = "127.0.0.1"
    port: int = 8300
    database: str = ""
    database_owner: str = ""
    bureau_url: str = ""
    bureau_deadline_ms: int = 3000
    secure_cookies: bool = False
    session_idle_s: int = 600
    session_absolute_s: int = 43_200
    code_hours: int = 72
    code_attempts: int = 5
    certificate_days: int = 30
    batch_bytes_max: int = 64 * 1024 * 1024
    hall: KindPolicy = HALL
    bus: KindPolicy = BUS
    jobs: bool = True

    @property
    def database_by_file(self) -> bool:
        """Whether the database is reached through a socket in the file system, as the embedded one is."""
        asked = urlsplit(self.database)
        host = parse_qs(asked.query).get("host", [unquote(asked.hostname or "")])[-1]
        return not self.database or host.startswith("/")

    def policy(self, kind: str) -> KindPolicy:
        """The policy of a kind of node, "hall" or "bus"."""
        return self.bus if kind == "bus" else self.hall


def read(data: Path) -> Settings:
    """The settings of DATA.

    Raises SettingsInvalid naming line and key. A missing file means `init` was not run.
    """
    path = data / FILE
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsInvalid(
            f"读不到设置文件 {FILE}，请先运行 init。",
            f"cannot read {FILE}; run init first ({error.strerror})",
            next_words=NO_CENTRE,
        ) from error
    except UnicodeDecodeError as error:
        raise SettingsInvalid(
            f"{FILE} 第 {error.start} 字节不是 UTF-8。", f"{FILE} is not UTF-8 at byte {error.start}"
        ) from error
    return parse(text)


def parse(text: str) -> Settings:
    """Settings from TOML text; raises SettingsInvalid naming the line."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsInvalid(f"{FILE} 不是有效的 TOML：{error}", f"{FILE} is not TOML: {error}") from error
    try:
        settings = msgspec.convert(raw, Settings)
    except msgspec.ValidationError as error:
        place = _place(text, str(error))
        raise SettingsInvalid(f"{FILE}{place}：{error}", f"{FILE}{place}: {error}") from error
    return _sensible(settings)


def _place(text: str, reason: str) -> str:
    """The line a validation error speaks of, as ":<n>", found by the key it quotes."""
    quoted = [part for part in reason.split("`") if part]
    for part in reversed(quoted):
        key = part.removeprefix("$.").split(".")[-1]
        for number, line in enumerate(text.splitlines(), start=1):
            if line.split("=")[0].strip() == key:
                return f":{number}"
    return ""


def _sensible(settings: Settings) -> Settings:
    """Refuse combinations that cannot work."""
    if bool(settings.database) != bool(settings.database_owner):
        raise SettingsInvalid(
            f"{FILE}：database 与 database_owner 须同时填写或同时留空。",
            f"{FILE}: database and database_owner must both be set or both be empty",
        )
    for kind, policy in (("hall", settings.hall), ("bus", settings.bus)):
        if "*" not in policy.lease_hours or policy.window_hours < 1:
            raise SettingsInvalid(
                f'{FILE}：[{kind}] 需要 lease_hours 的 "*" 一项和正的 window_hours。',
                f'{FILE}: [{kind}] needs "*" in lease_hours and a positive window_hours',
            )
    if not settings.authority or "/" in settings.authority:
        raise SettingsInvalid(
            f"{FILE}：authority 须为域名样式的名称。", f"{FILE}: authority must be a name like a domain"
        )
    return settings


def write_new(data: Path, authority: str) -> Settings:
    """Write the default settings of a new centre (fsync left to init); an existing file is kept and read."""
    path = data / FILE
    if not path.exists():
        path.write_text(f'authority = "{authority}"\nhost = "127.0.0.1"\nport = 8300\n', encoding="utf-8")
    return read(data)
