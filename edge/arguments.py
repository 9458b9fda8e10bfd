"""What may stand on the node's command line: the parser, and the checks of single flags.

Whatever is wrong is one `UsageInvalid` (exit code 2) that names the flag and what is allowed, so that
`--json` can say it as the one document; argparse alone would print English and leave.
"""

import argparse
import re
from typing import Any, NoReturn
from urllib.parse import urlsplit

from edge.errors import UsageInvalid

PORT_MAX = 65_535
EXIT_CODES = (
    "退出码 exit codes: 0 成立 holds, 1 不成立 found wrong, 2 用法 usage, 3 故障 trouble, 4 拒绝 refused"
)


class Parser(argparse.ArgumentParser):
    """An argument parser that raises `UsageInvalid`; its help ends with the exit codes."""

    def __init__(self, **known: Any) -> None:
        super().__init__(epilog=EXIT_CODES, **known)

    def error(self, message: str) -> NoReturn:
        """The words name the flag as argparse does."""
        raise UsageInvalid(
            f"命令写法有误：{message}。用法：{self.prog} --help", f"{message}. See {self.prog} --help"
        )


def address(text: str) -> str:
    """The centre's address: http or https, a host, at most a port; without a slash at its end."""
    try:
        parts = urlsplit(text)
        whole = parts.scheme in {"http", "https"} and parts.hostname and (parts.port or 1) <= PORT_MAX
    except ValueError:
        whole = None
    if whole and not re.search(r"\s", text):
        return text.rstrip("/")
    raise UsageInvalid(
        f"--centre 应为 http:// 或 https:// 开头的中心地址，如 https://centre.example:8320，现为 {text!r}。",
        f"--centre is an http:// or https:// address, as https://centre.example:8320, not {text!r}",
    )


def port(text: str) -> int:
    """A port; 0 leaves it to the settings."""
    if re.fullmatch(r"[0-9]{1,5}", text) and int(text) <= PORT_MAX:
        return int(text)
    raise UsageInvalid(
        f"--port 应为 0 至 {PORT_MAX} 的整数，现为 {text!r}。",
        f"--port takes a whole number from 0 to {PORT_MAX}, not {text!r}",
    )


def code(text: str) -> str:
    """A one-time code: not blank."""
    if text.strip():
        return text.strip()
    raise UsageInvalid("--code 不能为空：填中心给出的一次性登记码。", "--code is the centre's one-time code")
