"""A window's hands at a node, as thin as can be: one kept connection, nothing decoded that is not asked for."""

import http.client
import json
import time
from typing import Any, Self
from urllib.parse import urlsplit

REPLY_S = 20.0
KEPT_S = 3.0  # the node closes a connection nobody used for five seconds
OK = 200


class Desk:
    """One clerk's connection. Each call returns the status, the body's bytes and the milliseconds it took."""

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        self._line = http.client.HTTPConnection(place.hostname or "", place.port, timeout=REPLY_S)
        self._headers: dict[str, str] = {}
        self._used_s = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._line.close()

    def call(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes, float]:
        """One request; timed until the last byte of its reply."""
        headers = self._headers | ({"content-type": "application/json"} if body else {})
        begun = time.perf_counter()
        if begun - self._used_s > KEPT_S:
            self._line.close()
        self._line.request(method, path, body or None, headers)
        reply = self._line.getresponse()
        content = reply.read()
        self._used_s = time.perf_counter()
        took_ms = (self._used_s - begun) * 1000
        if cookie := reply.getheader("set-cookie"):
            self._headers["cookie"] = cookie.partition(";")[0]
        return reply.status, content, took_ms

    def sign_in(self, staff: str, password: str, window: str) -> None:
        """Open a session at a window. Raises AssertionError with the node's words when it is refused."""
        words = {"staff": staff, "password": password, "window": window}
        status, content, _ = self.call("POST", "/api/session", json.dumps(words).encode())
        assert status == OK, content.decode()
        self._headers["x-csrf-token"] = json.loads(content)["csrf"]

    def ask(self, query: bytes) -> tuple[bytes, float]:
        """Put one query that must be answered; the answer's bytes and the milliseconds."""
        status, content, took_ms = self.call("POST", "/api/answers", query)
        assert status == OK, content.decode()[:800]
        return content, took_ms


def own_query(read_id: str, delivery: str = "screen") -> bytes:
    """A person asks for their own record; the card was read."""
    query: dict[str, Any] = {
        "matter": "public-credit.self",
        "presence": {"read_id": read_id},
        "delivery": delivery,
        "purpose": "self",
    }
    return json.dumps(query).encode()
