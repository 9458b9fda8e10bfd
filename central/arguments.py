"""What may stand on the command line: the parser, and the checks of single flags.

Whatever is wrong is one `UsageInvalid` (exit code 2) that names the flag and what is allowed, so that
`--json` can say it as the one document; argparse alone would print English and leave.
"""

import argparse
import re
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, NoReturn

from central.errors import UsageInvalid
from matters.ids import region_name

PEOPLE_MAX = 5_000_000
SPOILED_MAX = 100_000
ROWS_MAX = 1_000
PORT_MAX = 65_535
EXIT_CODES = (
    "退出码 exit codes: 0 成立 holds, 1 不成立 found wrong, 2 用法 usage, 3 故障 trouble, 4 拒绝 refused"
)
_REGION = re.compile(r"[0-9]{6}")
_PLACE = re.compile(r"[0-9]{6}([0-9]{3}([0-9]{3})?)?")


class Parser(argparse.ArgumentParser):
    """An argument parser that raises `UsageInvalid`; its help ends with the exit codes."""

    def __init__(self, **known: Any) -> None:
        super().__init__(epilog=EXIT_CODES, **known)

    def error(self, message: str) -> NoReturn:
        """Usage on standard error is the caller's; the words name the flag as argparse does."""
        raise UsageInvalid(
            f"命令写法有误：{message}。用法：{self.prog} --help", f"{message}. See {self.prog} --help"
        )


def count(flag: str, least: int, most: int) -> Callable[[str], int]:
    """A whole number from `least` to `most`."""

    def number(text: str) -> int:
        if re.fullmatch(r"[0-9]{1,9}", text) and least <= int(text) <= most:
            return int(text)
        raise UsageInvalid(
            f"{flag} 应为 {least} 至 {most} 的整数，现为 {text!r}。",
            f"{flag} takes a whole number from {least} to {most}, not {text!r}",
        )

    return number


def region(text: str) -> str:
    """The six digits of a county, in a province that exists (GB/T 2260)."""
    return _place(text, _REGION, "6 位县级区划代码，如 330102", "the 6 digits of a county, as 330102")


def place(text: str) -> str:
    """Six, nine or twelve digits: a county, a township, a village."""
    return _place(text, _PLACE, "6、9 或 12 位区划代码，如 330102", "6, 9 or 12 digits, as 330102")


def one_of(flag: str, allowed: Sequence[str]) -> Callable[[str], str]:
    """One of `allowed`."""

    def chosen(text: str) -> str:
        if text in allowed:
            return text
        listed = ", ".join(one for one in allowed if one)
        raise UsageInvalid(
            f"{flag} 只能是 {listed}，现为 {text!r}。", f"{flag} is one of {listed}, not {text!r}"
        )

    return chosen


def day(flag: str) -> Callable[[str], date]:
    """A day as 2026-11-21."""

    def given(text: str) -> date:
        try:
            if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
                return date.fromisoformat(text)
        except ValueError:
            pass
        raise UsageInvalid(
            f"{flag} 应写作 2026-11-21（年-月-日），现为 {text!r}。",
            f"{flag} is a day written 2026-11-21, not {text!r}",
        )

    return given


def named(flag: str) -> Callable[[str], str]:
    """A text that is not blank."""

    def text_of(text: str) -> str:
        if text.strip():
            return text.strip()
        raise UsageInvalid(f"{flag} 不能为空。", f"{flag} must not be empty")

    return text_of


def _place(text: str, form: re.Pattern[str], zh: str, en: str) -> str:
    if form.fullmatch(text) and text[0] != "9" and region_name(text):
        return text
    known = "前两位须是国家标准 GB/T 2260 中的省级代码"
    raise UsageInvalid(
        f"--region 应为{zh}，{known}，现为 {text!r}。",
        f"--region takes {en}, and its first two a province of GB/T 2260, not {text!r}",
    )
