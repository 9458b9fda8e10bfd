"""Where a device is, as a URL the technician types."""

import re
from typing import Final, Literal
from urllib.parse import parse_qsl

import msgspec

from drivers.errors import NotThisDevice

Scheme = Literal["serial", "tcp", "usb", "spool", "ipp", "pcsc", "video"]

_PATHS: Final[tuple[Scheme, ...]] = ("serial", "usb", "spool", "video")

_IPP = re.compile(r"^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+):(\d{1,5})(/[A-Za-z0-9._/-]*)$")
_PORTS = range(1, 65536)
_TCP = re.compile(r"^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+):(\d{1,5})$")


class Address(msgspec.Struct, frozen=True):
    """A parsed device address.

    `place` is a path for serial lines, USB printers, cameras and spools, `host:port` for TCP and IPP, how a
    reader's name begins (or `*`) for cards.
    `path` is the printer's path on an IPP server, else empty.
    """

    scheme: Scheme
    place: str
    options: dict[str, str]
    text: str
    path: str = ""

    def number(self, option: str, default: int) -> int:
        """The option as a whole number, or `default` when absent. Raises NotThisDevice for anything else."""
        text = self.options.get(option)
        if text is None:
            return default
        if not re.fullmatch(r"\d{1,9}", text):
            raise NotThisDevice(f"option {option} is not a number", device=self.text)
        return int(text)

    def choice(self, option: str, allowed: tuple[str, ...]) -> str:
        """The option, which must be one of `allowed`; the first is the default. Raises NotThisDevice."""
        text = self.options.get(option, allowed[0])
        if text not in allowed:
            raise NotThisDevice(f"option {option} must be one of {', '.join(allowed)}", device=self.text)
        return text

    def only(self, *known: str) -> None:
        """Raise NotThisDevice naming the first option that is not `known`: a typing error must not pass."""
        for option in self.options:
            if option not in known:
                raise NotThisDevice(f"unknown option {option}", device=self.text)

    @property
    def host_port(self) -> tuple[str, int]:
        """Host and port of a TCP address."""
        host, _, port = self.place.rpartition(":")
        return host.strip("[]"), int(port)


def parse_address(text: str) -> Address:
    """Read one of the address forms. Raises NotThisDevice if it is none.

    `serial:/dev/ttyUSB0?baud=9600`, `tcp:127.0.0.1:9100`, `usb:/dev/usb/lp0`, `spool:/folder`,
    `ipp:127.0.0.1:631/printers/hall`, `pcsc:*` or `pcsc:Start of a reader's name`, `video:/dev/video0`.
    """
    scheme, colon, rest = text.partition(":")
    place, _, query = rest.partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    for named in _PATHS:
        if colon and scheme == named and place.startswith("/"):
            return Address(named, place, options, text)
    if scheme == "pcsc" and place:
        return Address("pcsc", place, options, text)
    tcp = _TCP.match(place) if scheme == "tcp" else None
    if tcp and int(tcp[2]) in _PORTS:
        return Address("tcp", place, options, text)
    ipp = _IPP.match(place) if scheme == "ipp" else None
    if ipp and int(ipp[2]) in _PORTS:
        return Address("ipp", f"{ipp[1]}:{ipp[2]}", options, text, ipp[3])
    raise NotThisDevice(
        "address is none of serial:/path tcp:host:port usb:/path spool:/folder ipp:host:port/path"
        " pcsc:reader video:/path",
        device=text,
    )
