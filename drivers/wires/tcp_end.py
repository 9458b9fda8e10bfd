"""The far end of a TCP line: a port on 127.0.0.1 at which a virtual twin sits, one program at a time."""

import asyncio
import contextlib
import socket
from collections.abc import Callable

HOST = "127.0.0.1"
READ_BYTES = 4096
SLICE_S = 0.002


class TcpEnd:
    """Like `PseudoTerminal`, over TCP. `received` is called in the event loop with what the program sent.

    `connected` is called when a program has connected.
    """

    def __init__(
        self, received: Callable[[bytes], None], connected: Callable[[], None] = lambda: None
    ) -> None:
        self._received = received
        self._connected = connected
        self._listening: socket.socket | None = None
        self._client: socket.socket | None = None
        self._port = 0

    @property
    def path(self) -> str:
        """Host and port for the program."""
        return f"{HOST}:{self._port}"

    @property
    def plugged(self) -> bool:
        """Whether the port is open now."""
        return self._listening is not None

    def plug(self) -> None:
        """Open the port, the same one each time (in a running event loop). Twice changes nothing."""
        if self._listening is None:
            self._listening = socket.create_server((HOST, self._port))
            self._listening.settimeout(0.0)
            self._port = self._listening.getsockname()[1]
            asyncio.get_running_loop().add_reader(self._listening, self._accept)

    def unplug(self) -> None:
        """Break the line and close the port. Twice changes nothing."""
        listening, self._listening = self._listening, None
        if listening is not None:
            asyncio.get_running_loop().remove_reader(listening)
            listening.close()
        self._drop()

    async def send(self, data: bytes, bytes_per_s: float = 0.0) -> None:
        """Send to the program, at a pace when `bytes_per_s` is set; nobody there hears nothing."""
        loop = asyncio.get_running_loop()
        step = max(1, int(bytes_per_s * SLICE_S)) if bytes_per_s else max(1, len(data))
        with contextlib.suppress(OSError):
            for at in range(0, len(data), step):
                if bytes_per_s:
                    await asyncio.sleep(step / bytes_per_s)
                if self._client is not None:
                    await loop.sock_sendall(self._client, data[at : at + step])

    def _accept(self) -> None:
        assert self._listening is not None
        with contextlib.suppress(OSError):
            client, _ = self._listening.accept()
            if self._client is not None and _alive(self._client):
                client.close()
                return
            self._drop()
            client.settimeout(0.0)
            self._client = client
            asyncio.get_running_loop().add_reader(client, self._readable)
            self._connected()

    def _readable(self) -> None:
        assert self._client is not None
        try:
            chunk = self._client.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        if chunk:
            self._received(chunk)
        else:
            self._drop()

    def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            asyncio.get_running_loop().remove_reader(client)
            client.close()


def _alive(client: socket.socket) -> bool:
    """Whether the program at the other end still holds the line."""
    try:
        return bool(client.recv(1, socket.MSG_PEEK))
    except BlockingIOError:
        return True
    except OSError:
        return False
