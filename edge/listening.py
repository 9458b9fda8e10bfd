"""The port the node will listen on, taken before anything else is started."""

import errno
import socket
from contextlib import ExitStack

from edge.errors import AddressTaken, UsageInvalid

_NOT_OURS = frozenset({errno.EADDRINUSE, errno.EACCES, errno.EPERM})


def bound(host: str, port: int) -> list[socket.socket]:
    """Sockets bound to every address of `host`, not listening yet; the caller closes them.

    Raises AddressTaken for a port that is in use or needs another user, UsageInvalid for a host that is no
    address of this machine. Nothing stays bound after an error.
    """
    where = f"{host}:{port}"
    try:
        found = {one[4]: one[0] for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
        with ExitStack() as undo:
            taken = [_one(undo, family, address) for address, family in found.items()]
            undo.pop_all()
    except socket.gaierror as error:
        raise _no_such_host(host) from error
    except OSError as error:
        if error.errno not in _NOT_OURS:
            raise _no_such_host(host) from error
        raise AddressTaken(
            f"无法在 {where} 监听：端口已被占用或无权使用。",
            f"cannot listen on {where}: the port is in use, or this user may not open it",
        ) from error
    return taken


def _one(undo: ExitStack, family: int, address: object) -> socket.socket:
    made = undo.enter_context(socket.socket(family, socket.SOCK_STREAM))
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    made.bind(address)  # type: ignore[arg-type]  # as getaddrinfo gave it
    return made


def _no_such_host(host: str) -> UsageInvalid:
    return UsageInvalid(
        f"--host {host!r} 不是本机地址，可用 127.0.0.1（仅本机）或 0.0.0.0（全部网卡）。",
        f"--host {host!r} is no address of this machine: 127.0.0.1 is this machine alone, 0.0.0.0 every line",
    )
