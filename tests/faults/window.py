"""Clerks at a hall that may die at any moment: what they were shown is remembered, and nothing else is."""

import contextlib
import http.client
import json
import threading
from collections.abc import Callable
from random import Random
from typing import Any
from urllib.parse import urlsplit

import msgspec

from tests.faults.ground import ON_DUTY, STAFF, Ground, own_query
from tests.waiting import Late, until

REPLY_S = 20.0
LAYS, LAY_S = 6, 5.0
TROUBLE = (OSError, http.client.HTTPException)
"""What a connection to a dying process ends in."""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """One answer as the client saw it: the entry it names, and the report number printed under it ("" for none)."""

    index: int
    leaf_hash: bytes
    serial: str = ""


class Window:
    """One clerk at one window, over HTTP. Connections are opened anew after each trouble; the cookie is kept."""

    def __init__(self, ground: Ground, number: int, url: str = "") -> None:
        self.staff = STAFF[number - 1]
        self.number = number
        self._password = ground.password
        self._place = urlsplit(url or ground.hall_url)
        self._headers: dict[str, str] = {}
        self._line: http.client.HTTPConnection | None = None

    def call(self, method: str, path: str, body: bytes = b"") -> tuple[int, Any]:
        """One request: its status and its JSON. Raises one of TROUBLE when the process goes away."""
        if self._line is None:
            self._line = http.client.HTTPConnection(
                self._place.hostname or "", self._place.port, timeout=REPLY_S
            )
        headers = self._headers | ({"content-type": "application/json"} if body else {})
        try:
            self._line.request(method, path, body or None, headers)
            reply = self._line.getresponse()
            content = reply.read()
        except TROUBLE:
            self.hang_up()
            raise
        if cookie := reply.getheader("set-cookie"):
            self._headers["cookie"] = cookie.partition(";")[0]
        return reply.status, json.loads(content) if content else None

    def hang_up(self) -> None:
        """Close the connection, if there is one."""
        if self._line is not None:
            self._line.close()
        self._line = None

    def signed_in(self) -> None:
        """A session: the one from before the crash where it still holds, else a new one."""
        status, _ = self.call("GET", "/api/prints")
        if status == http.client.OK:
            return
        words = {"staff": self.staff, "password": self._password, "window": str(self.number)}
        status, said = self.call("POST", "/api/session", json.dumps(words).encode())
        assert status == http.client.OK, said
        self._headers["x-csrf-token"] = said["csrf"]

    def lives(self) -> bool:
        """Whether the process under it serves and its store has not failed."""
        try:
            status, _ = self.call("GET", "/livez")
        except TROUBLE:
            return False
        return status == http.client.OK

    def newest_read(self) -> str:
        """The id of the newest card read, "" when there is none."""
        status, said = self.call("GET", "/api/reads/latest")
        return str(said["read_id"]) if status == http.client.OK and said else ""

    def ask(self, read_id: str, delivery: str) -> Shown:
        """Put a query that has to be answered; what is shown. Raises AssertionError for any other reply."""
        status, said = self.call("POST", "/api/answers", own_query(read_id, delivery))
        assert status == http.client.OK, f"{status}: {said}"
        report = said["report"] or {}
        entry = said["entry"]
        return Shown(
            index=entry["index"],
            leaf_hash=bytes.fromhex(entry["leaf_hash"]),
            serial=report.get("serial", ""),
        )


def lay(ground: Ground, window: Window, card: dict[str, Any]) -> str:
    """Lay a card on the reader of a node that has just started; the id of its read. Lifted when this returns.

    An answer meant for the process before may still be on the line: then the card is laid again, as a clerk does.
    """
    for _ in range(LAYS):
        ground.reader.ask(do="lay", card=card)
        try:
            with contextlib.suppress(Late):
                return until(window.newest_read, "the card is read", LAY_S, every_s=0.02)
        finally:
            ground.reader.ask(do="lift")
    raise Late(f"no card is read: {window.call('GET', '/api/status')[1]['devices']}")


class Rush(threading.Thread):
    """A window that asks and asks until the process under it is gone. `trouble` holds what was not a dead line."""

    def __init__(self, window: Window, read_id: str, seed: int, show: Callable[[Shown], None]) -> None:
        super().__init__(name=f"window {window.number}", daemon=True)
        self._window, self._read_id, self._show = window, read_id, show
        self._dice = Random(seed)
        self._over = threading.Event()
        self.asked = 0
        self.trouble: list[str] = []

    def run(self) -> None:
        """Ask until told to stop, or until nobody answers."""
        try:
            while not self._over.is_set():
                self.asked += 1
                self._one()
        except TROUBLE:
            pass  # the process was killed: what was not shown was not shown
        except (AssertionError, KeyError, ValueError) as error:
            self.trouble.append(repr(error))

    def _one(self) -> None:
        chance = self._dice.random()
        if chance < 0.1 and self._window.number == ON_DUTY:
            status, said = self._window.call("POST", "/api/exchange")
            assert status in {200, 409, 503}, f"{status}: {said}"
        else:
            self._show(self._window.ask(self._read_id, "print" if chance < 0.2 else "screen"))

    def stop(self) -> None:
        """Ask no more; returns when the last question has its end."""
        self._over.set()
        self.join(REPLY_S)
        self._window.hang_up()
