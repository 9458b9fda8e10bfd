"""Stable names of serial lines: which are plugged in but unused, and a better name for an unstable one.

`/dev/ttyUSB0` is whatever was plugged in first; udev's links under `/dev/serial/by-id` keep naming the same
device whatever the socket and the order.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

BY_ID: Final = Path("/dev/serial/by-id")
SHOWN_MAX: Final = 32


def line_of(address: str) -> str:
    """The path of a serial address (`serial:/dev/x?baud=9600` gives `/dev/x`), "" for other lines."""
    scheme, _, rest = address.partition(":")
    return rest.partition("?")[0] if scheme == "serial" else ""


def unused(addresses: Iterable[str], folder: Path = BY_ID) -> tuple[str, ...]:
    """Lines plugged in that no configured device uses, by stable name, at most 32."""
    used = {_real(line_of(address)) for address in addresses if line_of(address)}
    return tuple(str(link) for link in _links(folder) if _real(str(link)) not in used)


def better(address: str, folder: Path = BY_ID) -> str:
    """The stable name of the line behind an address, "" when there is none or it is the one in use."""
    line = line_of(address)
    if not line or line.startswith(f"{folder}/"):
        return ""
    wanted = _real(line)
    return next((str(link) for link in _links(folder) if _real(str(link)) == wanted), "")


def _links(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())[:SHOWN_MAX]
    except OSError:
        return []  # no such folder: nothing serial is plugged in


def _real(line: str) -> str:
    return str(Path(line).resolve())
