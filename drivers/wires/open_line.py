"""One way to open the line behind an address, for devices that come with several kinds of plug."""

from drivers.errors import NotThisDevice
from drivers.wires.address import Address
from drivers.wires.character_device import open_character_device
from drivers.wires.serial_line import open_serial
from drivers.wires.tcp_line import open_tcp
from drivers.wires.wire import Wire


async def open_line(address: Address, baud: int) -> Wire:
    """Open a tcp, ipp, serial (at its `baud` option, else `baud`), usb or video address; raises its errors.

    Raises NotThisDevice for an address that is no line of bytes.
    """
    if address.scheme in {"tcp", "ipp"}:
        return await open_tcp(*address.host_port, address.text)
    if address.scheme == "serial":
        return await open_serial(address.place, address.number("baud", baud), address.text)
    if address.scheme in {"usb", "video"}:
        return await open_character_device(address.place, address.text)
    raise NotThisDevice("no line of bytes", device=address.text)
